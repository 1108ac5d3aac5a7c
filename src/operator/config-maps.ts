import { type Store, StoreError } from "../store/store.ts";
import type { ObservedCluster } from "../twin/manifest.ts";
import type { ConfigMapKey } from "../twin/mirror.ts";
import { Overlay } from "../twin/overlay.ts";

/** A variable is short; what is longer is no part of a command. */
const MOST_BYTES = 1 << 16;

/**
 * The objects with the keys of ConfigMaps that are wanted: those among them stay as they are, as a folder has them and a
 * candidate may have changed them; of others the keys are fetched, and no more. One that isn't there is left out.
 */
export const withConfigMaps = async (
  cluster: ObservedCluster,
  wanted: readonly ConfigMapKey[],
  store: Pick<Store, "configMapKey">,
): Promise<ObservedCluster> => {
  const missing = wanted.filter(({ namespace, name }) => cluster.get("ConfigMap", namespace, name) === undefined);
  if (missing.length === 0) return cluster;
  const data = new Map<string, Record<string, string>>();
  for (const { namespace, name, key, optional } of missing) {
    const bytes = await store.configMapKey(namespace, name, key).catch((error: unknown) => {
      if (optional === true && error instanceof StoreError && error.kind === "refused") return undefined;
      throw error;
    });
    if (bytes === undefined || bytes.byteLength > MOST_BYTES) continue;
    const place = `${namespace}/${name}`;
    data.set(place, { ...data.get(place), [key]: Buffer.from(bytes).toString("utf8") });
  }
  const overlay = new Overlay(cluster);
  for (const [place, values] of data) {
    const [namespace = "", name = ""] = place.split("/");
    overlay.put({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data: values });
  }
  return overlay;
};
