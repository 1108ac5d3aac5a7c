import type { Profile } from "../profile.ts";
import { blisV2 } from "./blis-v2.ts";
import { inferencePerf } from "./inference-perf.ts";

export type { Profile } from "../profile.ts";
export { type Preset, presets, presetWorkload } from "./presets.ts";

/** Workload files of other tools that are read as clients of the synthetic source. */
export const profiles = [blisV2, inferencePerf] as const satisfies readonly Profile[];
export type ProfileFormat = (typeof profiles)[number]["name"];
