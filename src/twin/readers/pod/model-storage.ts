import { type Known, known } from "../../../model/known.ts";
import type { Field } from "../../field.ts";
import type { Environment } from "./environment.ts";

/**
 * Where a starting replica finds the weights.
 * - `network`: a claim, shared and warm; `node`: a disk of the node, or the image; `download`: nowhere, each start fetches them.
 */
export type ModelStorage = "network" | "node" | "download";

/** A pod's spec, its engine, and claims that it has of its own. */
export interface PodVolumes {
  readonly pod: Field;
  readonly container: Field;
  readonly claims: readonly Field[];
}

/** @param model as vLLM is told: a path or an id; @param downloadDir --download-dir */
export const readModelStorage = (
  volumes: PodVolumes,
  environment: Environment,
  model: string | undefined,
  downloadDir: string | undefined,
): Known<ModelStorage> => {
  const isPath = model?.startsWith("/") ?? false;
  const path = isPath ? (model as string) : (downloadDir ?? cacheOf(environment));
  const found = storageOfPath(volumes, path);
  if (found.from.kind !== "default") return found;
  if (isPath) return known("node", { kind: "default", why: `no volume is mounted at ${path}: it is in the image` });
  return known("download", { kind: "default", why: `no volume is mounted at ${path}, the cache of the weights` });
};

/** What a path of a container lies on; by default, where no volume is mounted, on what is gone with the pod. */
export const storageOfPath = ({ pod, container, claims }: PodVolumes, path: string): Known<ModelStorage> => {
  const mount = mountAt(container, path);
  // A claim of a pod's own is empty when its ordinal first starts.
  const own = claims.find((claim) => mount !== undefined && claim.at("metadata", "name").raw === mount);
  if (own !== undefined) return known("download", own.from);
  const volume = volumeAt(pod, container, path);
  if (volume !== undefined) return storageOf(volume);
  return known("download", { kind: "default", why: `no volume is mounted at ${path}` });
};

/** The name of the volume that holds a path: the one with the longest mount path that leads there. */
const mountAt = (container: Field, path: string): unknown => {
  let best: { name: unknown; length: number } | undefined;
  for (const mount of container.at("volumeMounts").items()) {
    const at = mount.at("mountPath").text()?.value.replace(/\/+$/, "");
    if (at === undefined || (path !== at && !path.startsWith(`${at}/`))) continue;
    if (best === undefined || at.length > best.length) best = { name: mount.at("name").raw, length: at.length };
  }
  return best?.name;
};

/** The volume that holds a path. */
export const volumeAt = (pod: Field, container: Field, path: string): Field | undefined => {
  const name = mountAt(container, path);
  return name === undefined
    ? undefined
    : pod
        .at("volumes")
        .items()
        .find((volume) => volume.at("name").raw === name);
};

/** Whether a volume outlives the pod. */
export const survives = (volume: Field): boolean => storageOf(volume).value !== "download";

const storageOf = (volume: Field): Known<ModelStorage> => {
  for (const source of ["emptyDir", "ephemeral"]) {
    if (volume.at(source).present) return known("download", volume.at(source).from);
  }
  for (const source of ["hostPath", "local", "image"]) {
    if (volume.at(source).present) return known("node", volume.at(source).from);
  }
  const [, source] = volume.entries().find(([name]) => name !== "name") ?? [];
  return known("network", (source ?? volume).from);
};

/** Where Hugging Face keeps downloads (huggingface_hub 1.0, constants.py): HF_HUB_CACHE, HF_HOME/hub, ~/.cache/huggingface/hub. */
const cacheOf = (environment: Environment): string => {
  const value = (name: string): string | undefined => {
    const variable = environment.get(name);
    return variable?.known ? variable.word.text : undefined;
  };
  const home = value("HF_HOME");
  return value("HF_HUB_CACHE") ?? `${home ?? `${value("HOME") ?? "/root"}/.cache/huggingface`}/hub`;
};
