import { type Known, known } from "../../../model/known.ts";
import type { Files } from "../servers/server-program.ts";
import type { Environment } from "./environment.ts";
import { type LmcacheSettings, readLmcacheSettings } from "./lmcache-settings.ts";
import { type PodVolumes, storageOfPath } from "./model-storage.ts";

/** What a pod says of where KV of prompts is kept beside the GPU, other than by the engine's flags. */
export interface KvPlacesReading {
  readonly lmcache: LmcacheSettings;
  /** Whether what is written to a path of the container can be read by other pods of the workload. */
  isShared(path: string): Known<boolean>;
}

export const readKvPlaces = (volumes: PodVolumes, environment: Environment, files: Files): KvPlacesReading => ({
  lmcache: readLmcacheSettings(environment, files, volumes.pod.object),
  isShared: (path) => {
    const { value, from } = storageOfPath(volumes, path);
    return known(value === "network", from);
  },
});
