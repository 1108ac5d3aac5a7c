import type { Field } from "../../field.ts";

/** A key of a ConfigMap of the pod's namespace. */
export interface MountedKey {
  readonly name: string;
  readonly key: string;
}

/** The key of a ConfigMap that a file of a container shows, by the mount that leads there. */
export const mountedKey = (path: string, pod: Field, container: Field): MountedKey | undefined => {
  const mounts = container
    .at("volumeMounts")
    .items()
    .flatMap((mount) => {
      const at = mount.at("mountPath").text()?.value.replace(/\/+$/, "");
      return at !== undefined && (path === at || path.startsWith(`${at}/`)) ? [{ mount, at }] : [];
    })
    .sort((a, b) => b.at.length - a.at.length);
  const [best] = mounts;
  if (best === undefined) return undefined;
  const below = path.slice(best.at.length + 1);
  const subPath = best.mount.at("subPath").text()?.value;
  const file = [subPath, below].filter((part) => part !== undefined && part !== "").join("/");
  const volume = pod
    .at("volumes")
    .items()
    .find((one) => one.at("name").raw === best.mount.at("name").raw);
  if (volume === undefined) return undefined;
  const sources = [
    volume.at("configMap"),
    ...volume
      .at("projected", "sources")
      .items()
      .map((source) => source.at("configMap")),
  ];
  return sources.flatMap((source) => keyOf(source, file) ?? [])[0];
};

/** Without `items` each key is a file of its name. */
const keyOf = (configMap: Field, file: string): MountedKey | undefined => {
  const name = configMap.at("name").text()?.value;
  if (!configMap.present || name === undefined) return undefined;
  const items = configMap.at("items").items();
  if (items.length === 0) return { name, key: file };
  const item = items.find((one) => one.at("path").raw === file);
  const key = item?.at("key").text()?.value;
  return key === undefined ? undefined : { name, key };
};
