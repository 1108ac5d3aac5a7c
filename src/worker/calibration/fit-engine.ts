import type { Problem } from "../../model/problem.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { type Calibrated, type CalibratedValue, calibrate } from "../../validation/calibrate.ts";
import { blockOf, fittablesOf, type OwnLatency, writtenValue } from "../../validation/calibrated-corrections.ts";
import { withReplicasOf } from "./held-replicas.ts";
import { type Block, requestsIn, SETTLED_SECONDS, tooLittle } from "./production-blocks.ts";
import { commonBounds, simulatedInterval, simulator, tallyOf } from "./tally.ts";

/** To the thread that fits. */
export interface EngineFitTask {
  /** The window once more, under the traffic that it had. */
  readonly scenario: Scenario;
  readonly blocks: readonly Block[];
}

/** As it is called and measured in a spec. */
export interface FittedValue {
  readonly name: string;
  readonly before: number;
  readonly after: number;
  /** With 90 % confidence it lies between these. */
  readonly low: number;
  readonly high: number;
}

/** The engine of one deployment, as production's histograms tell it. */
export interface EngineFit extends Pick<Calibrated, "untold" | "misfit"> {
  readonly values: readonly FittedValue[];
  /** What was fitted, for `spec.overrides.engine.latencyCorrections`. */
  readonly corrections: Readonly<Record<string, number>>;
  readonly requests: number;
  /** That were fitted to. */
  readonly seconds: number;
}

export type EngineFitResult =
  | { readonly kind: "fitted"; readonly fit: EngineFit }
  | { readonly kind: "problem"; readonly problem: Problem };

/** Runs at each point: chance in them widens the intervals by a tenth. */
const REPLICATIONS = 4;

/** @returns undefined: its engines can be fitted */
export const unfittable = ({ workloads }: Scenario): Problem | undefined =>
  workloads[0]?.latency.name === "physical"
    ? undefined
    : {
        severity: "error",
        field: "spec.overrides.engine",
        reason: "NotOfThisModel",
        message: "only the latency model physical is fitted",
        fix: "leave overrides.engine.latencyModel and mode out",
      };

/** Fits one deployment's engine to production's histograms. @param told hears of each run that has ended */
export const fitEngine = ({ scenario, blocks }: EngineFitTask, told?: () => void): EngineFitResult => {
  const toSeconds = Math.max(...blocks.map((block) => block.toSeconds));
  const held = withReplicasOf(scenario, blocks);
  const first = simulatedInterval(held.scenario, SETTLED_SECONDS, toSeconds, held.scales);
  if (first === undefined)
    return problemOf(tooLittle("no replica is simulated", "set overrides.replicas to what production had"));
  const bounds = commonBounds(first, ...blocks.map(({ interval }) => interval));
  const calibrated = calibrate(
    blocks.map(({ interval }) => tallyOf(interval, bounds)),
    fittablesOf(scenario.workloads[0]?.latency as unknown as OwnLatency),
    simulator({
      ...held,
      fromSeconds: SETTLED_SECONDS,
      toSeconds,
      bounds,
      replications: REPLICATIONS,
      ...(told === undefined ? {} : { told }),
    }),
  );
  if (calibrated.values.length === 0)
    return problemOf(tooLittle("the histograms tell of nothing that is fitted", "choose a busier window"));
  const corrections = blockOf(calibrated.values) as EngineFit["corrections"];
  const { values, untold, misfit } = calibrated;
  const [requests, seconds] = [requestsIn(blocks), toSeconds - SETTLED_SECONDS];
  return { kind: "fitted", fit: { values: values.map(written), untold, misfit, corrections, requests, seconds } };
};

const written = ({ name, before, after, interval: [low, high] }: CalibratedValue): FittedValue => ({
  name,
  before: writtenValue(name, before),
  after: writtenValue(name, after),
  low: writtenValue(name, low),
  high: writtenValue(name, high),
});

const problemOf = (problem: Problem): EngineFitResult => ({ kind: "problem", problem });
