import { durationOf, durationSeconds } from "../../model/duration.ts";
import type { Limits } from "../../schema/limits.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { ObservedStep } from "../../workload/observed/index.ts";
import type { Ledger } from "../ledger.ts";
import { describeTraffic } from "../observed-traffic.ts";
import type { FoundTraffic, LiveTraffic, ObservedTraffic } from "../scenario.ts";

const FIELD = "spec.workload.prometheus";
type Said = NonNullable<InferenceSimulation["spec"]["workload"]["prometheus"]>;

/** @param served model names of the mirrored workloads: who asks for another isn't served here */
export const mirrorObserved = (
  said: Said,
  { spec, metadata }: InferenceSimulation,
  found: FoundTraffic | undefined,
  served: readonly string[],
  limits: Limits,
  ledger: Ledger,
): ObservedTraffic | LiveTraffic | undefined => {
  const stepMicros = durationOf(said.step);
  const { rateScale } = said;
  if (spec.mode === "Shadow") {
    return {
      kind: "live",
      url: said.url,
      selector: selectorOf(said, metadata.namespace),
      metrics: said.metrics,
      stepMicros,
      delayMicros: durationOf(said.delay),
      rateScale,
      models: [...served],
    };
  }
  if (found === undefined) {
    const message = "production's traffic was not read";
    return ledger.error({ reason: "NoProductionSeries", field: FIELD, message, fix: "set url to its Prometheus" });
  }
  const { steps, otherModels } = servedSteps(found.steps, served);
  const { values, warnings } = describeTraffic({ ...found, steps, stepMicros, otherModels });
  ledger.values.push(...values);
  ledger.add(warnings, {});
  const problem = problemOf(steps, otherModels, served);
  if (problem !== undefined) return ledger.error({ field: FIELD, ...problem });
  const beyond = beyondLimits(said, spec, steps, limits);
  if (beyond !== undefined) return ledger.error(beyond);
  const repeated = spec.mode === "Preview" && said.repeat === "Repeated";
  return { kind: "observed", steps, stepMicros, repeated, rateScale };
};

/** Left out: all of the namespace. */
export const selectorOf = ({ selector }: Said, namespace: string): string =>
  selector ?? `{namespace="${namespace.replace(/["\\]/g, "")}"}`;

const servedSteps = (steps: readonly ObservedStep[], served: readonly string[]) => {
  const others = new Set<string>();
  const kept = steps.map((step) => ({
    ...step,
    classes: step.classes.filter(({ model }) => {
      if (model === undefined || served.includes(model)) return true;
      others.add(model);
      return false;
    }),
  }));
  return { steps: kept, otherModels: [...others] };
};

const problemOf = (steps: readonly ObservedStep[], otherModels: readonly string[], served: readonly string[]) => {
  const all = steps.flatMap(({ classes }) => classes);
  if (all.length === 0 && otherModels.length > 0) {
    return {
      reason: "OtherModels",
      message: `production's series are of ${otherModels.slice(0, 8).join(", ")}, and the mirrored workloads serve ${served.join(", ")}`,
      fix: "narrow the selector, or mirror the workloads that serve them",
    };
  }
  for (const [what, read] of [
    ["prompts", "prompts"],
    ["outputs", "outputs"],
  ] as const) {
    if (!all.some(({ requests }) => requests > 0) || all.some((one) => one[read] !== undefined)) continue;
    return {
      reason: "NoLengths",
      message: `no series tell how long ${what} are`,
      fix: "scrape the engines' metrics too (vllm:request_prompt_tokens, vllm:request_generation_tokens), or choose a window in which requests end",
    };
  }
  return undefined;
};

const beyondLimits = (
  { step, rateScale, window, repeat }: Said,
  { mode, run }: InferenceSimulation["spec"],
  steps: readonly ObservedStep[],
  { maxRatePerSecond, maxRequests }: Limits,
) => {
  const counts = steps.map(({ classes }) => classes.reduce((sum, { requests }) => sum + requests, 0) * rateScale);
  const peak = counts.reduce((most, count) => Math.max(most, count), 0) / durationSeconds(step);
  const rounds =
    mode === "Preview" && repeat === "Repeated" ? durationSeconds(run.horizon) / durationSeconds(window) : 1;
  const all = counts.reduce((sum, count) => sum + count, 0) * Math.max(1, rounds);
  if (peak > maxRatePerSecond) {
    const message = `the rate rises to ${Math.round(peak)} requests per second, more than ${maxRatePerSecond}`;
    return { reason: "RateTooHigh", field: FIELD, message, fix: "lower rateScale, or raise --max-rate" };
  }
  if (all > maxRequests) {
    const message = `${Math.round(all)} requests are to be expected, more than ${maxRequests}`;
    return { reason: "TooManyRequests", field: FIELD, message, fix: "shorten the window, or raise --max-requests" };
  }
  return undefined;
};
