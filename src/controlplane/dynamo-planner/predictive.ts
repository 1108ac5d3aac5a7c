import type { EnginePerformance } from "../controller.ts";

/** What comes in the next interval. */
export interface Forecast {
  readonly requests: number;
  readonly isl: number;
  readonly osl: number;
}

/** Observed over profiled latency; 1 and 1: not corrected. */
export interface Corrections {
  readonly prefill: number;
  readonly decode: number;
}

/**
 * How many prefill engines compute the prompts, and how many decode engines make the tokens within the ITL objective, before any
 * bound (NVIDIA Dynamo 0761925, planner/utils/planner_core.py _compute_replica_requirements).
 */
export const enginesFor = (
  { requests, isl, osl }: Forecast,
  intervalSeconds: number,
  objective: { readonly itlSeconds: number },
  corrections: Corrections,
  prefill: { readonly gpus: number; readonly profile: EnginePerformance },
  decode: { readonly gpus: number; readonly profile: EnginePerformance },
): readonly [number, number] => {
  // TTFT above the profile's is taken for queueing, which more engines end: only what is below it corrects.
  const prompts = ((requests * isl) / intervalSeconds) * Math.min(1, corrections.prefill);
  const itl = corrections.decode > 0 ? objective.itlSeconds / corrections.decode : objective.itlSeconds;
  const tokens = (requests * osl) / intervalSeconds;
  return [
    wholeEngines(prompts, prefill.profile.prefillTokensPerGpu(isl) * prefill.gpus),
    wholeEngines(tokens, decode.profile.bestDecodeTokensPerGpu(itl, isl + osl / 2) * decode.gpus),
  ];
};

const wholeEngines = (wanted: number, perEngine: number): number =>
  wanted <= 0 ? 0 : perEngine > 0 ? Math.ceil(wanted / perEngine) : Number.NaN;
