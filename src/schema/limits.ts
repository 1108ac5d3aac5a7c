import { durationOf, durationSeconds, durationTextOf } from "../model/duration.ts";
import type { Problem } from "../model/problem.ts";
import { seconds } from "../sim/time.ts";
import { meanRate, peakRate, type SyntheticWorkload } from "../workload/sources/index.ts";
import type { SimulationSpec } from "./simulation-spec.ts";

/** Bounds of the installation on what one simulation may ask for; held before work starts. */
export interface Limits {
  readonly maxHorizonSeconds: number;
  readonly maxRatePerSecond: number;
  /** Of one run. */
  readonly maxRequests: number;
  /** Of one trace, inflated. */
  readonly maxTraceBytes: number;
  readonly maxReplicas: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxHorizonSeconds: 31 * 86_400,
  maxRatePerSecond: 10_000,
  maxRequests: 50_000_000,
  maxTraceBytes: 2 ** 30,
  maxReplicas: 10_000,
};

/** What a spec asks for beyond the bounds. `maxTraceBytes` is held where the trace is opened. */
export const limitProblems = (spec: SimulationSpec, limits: Limits): readonly Problem[] => {
  const horizon = horizonProblems(spec, limits);
  const { synthetic } = spec.workload;
  // Expected requests up to an endless horizon would only repeat what is said of the horizon.
  const within = horizon.length > 0 ? { ...limits, maxRequests: Number.POSITIVE_INFINITY } : limits;
  const traffic = synthetic === undefined ? [] : trafficProblems(synthetic, spec, within, "spec.workload.synthetic");
  return [...horizon, ...traffic, ...replicaProblems(spec, limits)];
};

const horizonProblems = (
  { mode, run, workload }: SimulationSpec,
  { maxHorizonSeconds }: Limits,
): readonly Problem[] => {
  const { window } = workload.prometheus ?? {};
  const [length, field] =
    mode === "Replay" && window !== undefined
      ? [window, "spec.workload.prometheus.window"]
      : [run.horizon, "spec.run.horizon"];
  if (mode === "Shadow" || durationSeconds(length) <= maxHorizonSeconds) return [];
  const most = durationTextOf(seconds(maxHorizonSeconds));
  return [
    beyond("HorizonTooLong", field, `${length} is longer than ${most}`, `set at most ${most}, or raise --max-horizon`),
  ];
};

/** What made-up traffic asks for beyond the bounds. @param field where it is described */
export const trafficProblems = (
  synthetic: SyntheticWorkload,
  { mode, run }: Pick<SimulationSpec, "mode" | "run">,
  { maxRatePerSecond, maxRequests }: Pick<Limits, "maxRatePerSecond" | "maxRequests">,
  field: string,
): readonly Problem[] => {
  const problems: Problem[] = [];
  const peak = peakRate(synthetic);
  if (peak > maxRatePerSecond) {
    const message = `the rate rises to ${rounded(peak)} requests per second, more than ${rounded(maxRatePerSecond)}`;
    const fix = "lower the clients' rates or the pattern's factors, or raise --max-rate";
    problems.push(beyond("RateTooHigh", field, message, fix));
  }
  const length = mode === "Shadow" || maxRequests === Number.POSITIVE_INFINITY ? 0 : durationOf(run.horizon);
  const expected = length === 0 ? 0 : (meanRate(synthetic, length) * length) / 1e6;
  if (Math.min(expected, synthetic.requests ?? Number.POSITIVE_INFINITY) > maxRequests) {
    const message = `${rounded(expected)} requests are to be expected in ${run.horizon}, more than ${rounded(maxRequests)}`;
    const fix = "shorten it, lower the rates, or raise --max-requests";
    problems.push(beyond("TooManyRequests", "spec.run.horizon", message, fix));
  }
  return problems;
};

const replicaProblems = (spec: SimulationSpec, { maxReplicas }: Limits): readonly Problem[] =>
  [
    { field: "spec.replicas", replicas: spec.replicas },
    { field: "spec.overrides.replicas", replicas: spec.overrides.replicas },
  ].flatMap(({ field, replicas = 0 }) =>
    replicas <= maxReplicas
      ? []
      : [
          beyond(
            "TooManyReplicas",
            field,
            `${replicas} replicas are more than ${maxReplicas}`,
            `set at most ${maxReplicas}`,
          ),
        ],
  );

const rounded = (value: number): string => String(Number(value.toPrecision(6)));

const beyond = (reason: string, field: string, message: string, fix: string): Problem => ({
  severity: "error",
  reason,
  field,
  message,
  fix,
});
