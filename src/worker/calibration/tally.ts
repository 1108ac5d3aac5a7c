import { bucketsOf, type Interval, intervalOf, type Reading, readingOf } from "../../report/drift/index.ts";
import { familiesOf } from "../../report/metrics/index.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Scenario } from "../../twin/scenario.ts";
import { World } from "../../twin/world.ts";
import type { Tally } from "../../validation/calibrate.ts";
import { latencyAt } from "../../validation/calibrated-corrections.ts";

/** Histograms that tell of the engine's speed. */
const TOLD = ["itl", "ttft", "e2e"] as const;

/** Bounds by histogram, ascending. */
export type Bounds = Readonly<Record<string, readonly number[]>>;

/** The bounds that all of them have. */
export const commonBounds = (first: Interval, ...others: readonly Interval[]): Bounds =>
  Object.fromEntries(
    TOLD.map((name) => {
      const sets = others.map((other) => other[name].upTo);
      return [name, bucketsOf(first[name]).bounds.filter((bound) => sets.every((upTo) => upTo.has(bound)))];
    }),
  );

/** Counts in the buckets of some bounds, all of which the interval's histograms have. */
export const tallyOf = (interval: Interval, bounds: Bounds): Tally =>
  Object.fromEntries(
    TOLD.map((name) => {
      const wanted = bounds[name] ?? [];
      const own = bucketsOf(interval[name]);
      const counts = new Array<number>(wanted.length + 1).fill(0);
      own.counts.forEach((count, i) => {
        const at = wanted.findIndex((bound) => bound >= (own.bounds[i] ?? Number.POSITIVE_INFINITY));
        const bucket = at < 0 ? wanted.length : at;
        counts[bucket] = (counts[bucket] as number) + count;
      });
      return [name, counts];
    }),
  );

/** Replicas of the first workload from an instant on. */
export interface ReplicasFrom {
  readonly seconds: number;
  readonly replicas: number;
}

/** What a scenario's series are between two instants of it. @param scales replicas that somebody else sets */
export const simulatedInterval = (
  scenario: Scenario,
  fromSeconds: number,
  toSeconds: number,
  scales: readonly ReplicasFrom[] = [],
): Interval | undefined => {
  const world = new World(scenario);
  const workload = scenario.workloads[0]?.name ?? "";
  for (const { seconds, replicas } of scales)
    world.inject((seconds * 1e6) as SimTime, { kind: "scale-written", workload, replicas, by: "production" });
  const at = (seconds: number): Reading => {
    const instant = (seconds * 1e6) as SimTime;
    world.runUntil(instant);
    return readingOf(familiesOf(world.view(instant)));
  };
  return intervalOf(at(fromSeconds), at(toSeconds));
};

/** The scenario with fitted values in place of its own, of every workload that the latency model `physical` times. */
export const scenarioAt = (scenario: Scenario, values: readonly number[]): Scenario => ({
  ...scenario,
  workloads: scenario.workloads.map((workload) =>
    workload.latency.name === "physical"
      ? {
          ...workload,
          latency: { ...workload.latency, ...latencyAt(workload.latency, values) } as typeof workload.latency,
        }
      : workload,
  ),
});

export interface Simulating {
  readonly scenario: Scenario;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly bounds: Bounds;
  /** Replicas that production had. Left out: as the scenario's own are. */
  readonly scales?: readonly ReplicasFrom[];
  /** Runs at each point, with seeds of their own. */
  readonly replications: number;
  /** Hears of each run that has ended. */
  readonly told?: () => void;
}

/** Buckets of the simulation at some values; what was simulated once is kept. */
export const simulator = (simulating: Simulating) => {
  const { scenario, fromSeconds, toSeconds, bounds, scales, replications, told } = simulating;
  const known = new Map<string, Tally>();
  return (values: readonly number[]): Tally => {
    const key = values.map((value) => value.toFixed(6)).join(" ");
    const before = known.get(key);
    if (before !== undefined) return before;
    const changed = scenarioAt(scenario, values);
    const runs = Array.from({ length: replications }, (_, i) => {
      const interval = simulatedInterval({ ...changed, seed: changed.seed + 1000 + i }, fromSeconds, toSeconds, scales);
      told?.();
      return interval === undefined ? {} : tallyOf(interval, bounds);
    });
    const sum = Object.fromEntries(
      TOLD.map((name) => [
        name,
        Array.from({ length: (bounds[name]?.length ?? 0) + 1 }, (_, i) =>
          runs.reduce((all, run) => all + (run[name]?.[i] ?? 0), 0),
        ),
      ]),
    );
    known.set(key, sum);
    return sum;
  };
};
