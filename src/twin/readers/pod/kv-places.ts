import { type Known, known } from "../../../model/known.ts";
import type { Environment } from "./environment.ts";
import { type PodVolumes, storageOfPath } from "./model-storage.ts";

/** What a pod says of where KV of prompts is kept beside the GPU, other than by the engine's flags. */
export interface KvPlacesReading {
  /** `LMCACHE_*` by name, as far as the values are known (docs.lmcache.ai, configurations; 2026). */
  readonly variables: Readonly<Record<string, Known<string>>>;
  /** Whether what is written to a path of the container can be read by other pods of the workload. */
  isShared(path: string): Known<boolean>;
}

export const readKvPlaces = (volumes: PodVolumes, environment: Environment): KvPlacesReading => ({
  variables: Object.fromEntries(
    environment.named("LMCACHE_").map(([name, word]) => {
      const at = { kind: "field", object: volumes.pod.object, field: word.field } as const;
      return [name, known(word.text, at)];
    }),
  ),
  isShared: (path) => {
    const { value, from } = storageOfPath(volumes, path);
    return known(value === "network", from);
  },
});
