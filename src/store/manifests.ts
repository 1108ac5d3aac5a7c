import { WATCHED_KINDS } from "./kinds.ts";
import { Listeners } from "./listeners.ts";
import { ManifestObjects, type ReadFile } from "./manifest-objects.ts";
import { type ManifestFile, readManifests } from "./read-manifests.ts";
import type { ObjectRef, Store, StoredObject } from "./store.ts";

export { type ManifestFile, type Manifests, readManifests } from "./read-manifests.ts";

/** A store of manifests that never change, such as those that a command was given. Statuses written to it are kept in memory. */
export const manifestStore = (files: readonly ManifestFile[], folder?: string): Store =>
  storeOf(
    files.map(({ file, text }) => readManifests(text, file)),
    folder === undefined ? {} : { folder },
  );

/** Where a store of fixed objects looks for what is none of them. */
export interface Beyond {
  readonly folder?: string;
  /** Of ConfigMaps that are not among the objects. */
  readonly configMapKey?: Store["configMapKey"];
}

/** A store of objects as they were at some time, wherever they came from. */
export const objectStore = (objects: readonly StoredObject[], beyond: Beyond = {}): Store =>
  storeOf([{ objects, problems: [] }], beyond);

const storeOf = (files: readonly ReadFile[], { folder, configMapKey }: Beyond): Store => {
  const objects = new ManifestObjects(WATCHED_KINDS);
  objects.replace(files);
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
    configMapKey: async (namespace, name, key) =>
      objects.configMapKey(namespace, name, key) ?? configMapKey?.(namespace, name, key),
  };
};
