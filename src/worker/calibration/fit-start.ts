import type { Scenario } from "../../twin/scenario.ts";
import { usualStartSeconds } from "../../twin/usual-start.ts";
import { fitStarts } from "../../validation/fit-start.ts";
import type { FittedValue } from "./fit-engine.ts";
import { readStarts, type StartsWanted } from "./production-starts.ts";

/** How a deployment's pods start. */
export interface FittedStart {
  /** Its mean, in seconds. */
  readonly value: FittedValue;
  /** For `spec.overrides.start.untilReady`, as durations. */
  readonly untilReady: { readonly mean: string; readonly deviation: string };
  /** Pods that it rests on. */
  readonly starts: number;
}

export interface StartFitWanted extends Omit<StartsWanted, "workload"> {
  readonly workloads: Scenario["workloads"];
}

/**
 * Fits the start-up of the pods of the only workload: of several, `spec.overrides.start` can't say different ones.
 * @returns undefined: too few pods started, or nobody told of them
 * @throws PrometheusError
 */
export const fitStart = async ({ workloads, ...wanted }: StartFitWanted): Promise<FittedStart | undefined> => {
  const [workload, ...others] = workloads;
  if (workload === undefined || others.length > 0) return undefined;
  const fit = fitStarts(await readStarts({ ...wanted, workload }));
  if (fit === undefined) return undefined;
  const { mean, deviation, interval, starts } = fit;
  const [low, high] = interval;
  const value = { name: "startUntilReadySeconds", before: usualStartSeconds(workload.start), after: mean, low, high };
  return { value, untilReady: { mean: durationIn(mean), deviation: durationIn(deviation) }, starts };
};

const durationIn = (seconds: number): string => `${Number(seconds.toFixed(1))}s`;
