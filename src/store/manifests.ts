import { WATCHED_KINDS } from "./kinds.ts";
import { Listeners } from "./listeners.ts";
import { ManifestObjects } from "./manifest-objects.ts";
import { type ManifestFile, readManifests } from "./read-manifests.ts";
import type { ObjectRef, Store } from "./store.ts";

export { type ManifestFile, type Manifests, readManifests } from "./read-manifests.ts";

/** A store of manifests that never change, such as those that a command was given. Statuses written to it are kept in memory. */
export const manifestStore = (files: readonly ManifestFile[], folder?: string): Store => {
  const objects = new ManifestObjects(WATCHED_KINDS);
  objects.replace(files.map(({ file, text }) => readManifests(text, file)));
  const changes = new Listeners<ObjectRef>();
  return {
    place: folder ?? "manifests",
    ...(folder === undefined ? {} : { folder }),
    start: () => Promise.resolve(),
    synced: true,
    get: (ref) => objects.get(ref),
    list: (kind, namespace) => objects.list(kind, namespace),
    onChange: (listener) => changes.add(listener),
    problems: objects.problems,
    onProblems: () => () => undefined,
    writeStatus: async (ref, status) => {
      objects.setStatus(ref, status);
      changes.tell(ref);
    },
    event: () => Promise.resolve(),
    configMapKey: async (namespace, name, key) => objects.configMapKey(namespace, name, key),
  };
};
