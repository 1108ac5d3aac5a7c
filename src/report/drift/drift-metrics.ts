import { histogramQuantile } from "../histogram-quantile.ts";
import { bucketsOf, type Interval, type Observed } from "./reading.ts";

/** One thing that is compared. */
export interface DriftMetric {
  /** As the label `metric` has it. */
  readonly name: string;
  /** What somebody who reads the status calls it. */
  readonly says: string;
  /** Ratio of simulation to production, or its inverse, that is no drift yet. */
  readonly margin: number;
  /** Added to both sides: what is near 0 has no ratio to speak of. */
  readonly offset: number;
  /** @returns its value over some intervals of one side; undefined: it had none */
  value(intervals: readonly Interval[]): number | undefined;
}

type Histograms = "ttft" | "itl" | "e2e" | "prompts" | "outputs";
type Gauges = "running" | "waiting" | "kvUsage" | "replicas";

/** Fewer observations make no percentile. */
const LEAST = { mean: 20, p50: 40, p99: 400 } as const;

/** By the bounds that every interval has that took something in. */
const together = (intervals: readonly Interval[], which: Histograms): Observed => {
  const [first, ...others] = intervals.map(({ [which]: one }) => one).filter(({ count }) => count > 0);
  if (first === undefined) return { upTo: new Map(), count: 0, sum: 0 };
  const upTo = new Map(first.upTo);
  let { count, sum } = first;
  for (const one of others) {
    count += one.count;
    sum += one.sum;
    for (const [bound, below] of upTo) {
      const more = one.upTo.get(bound);
      if (more === undefined) upTo.delete(bound);
      else upTo.set(bound, below + more);
    }
  }
  return { upTo, count, sum };
};

const mean = (which: Histograms, says: string, margin: number): DriftMetric => ({
  name: `${SNAKE[which]}_mean`,
  says: `mean ${says}`,
  margin,
  offset: 0,
  value: (intervals) => {
    const { count, sum } = together(intervals, which);
    return count < LEAST.mean ? undefined : sum / count;
  },
});

const quantile = (which: Histograms, says: string, percent: 50 | 99, margin: number): DriftMetric => ({
  name: `${SNAKE[which]}_p${percent}`,
  says: `${says} p${percent}`,
  margin,
  offset: 0,
  value: (intervals) => {
    const observed = together(intervals, which);
    if (observed.count < LEAST[`p${percent}`]) return undefined;
    return histogramQuantile(percent / 100, { ...bucketsOf(observed), sum: 0 });
  },
});

const gauge = (which: Gauges, says: string, margin: number, offset: number): DriftMetric => ({
  name: SNAKE[which],
  says,
  margin,
  offset,
  value: (intervals) =>
    intervals.length === 0
      ? undefined
      : intervals.reduce((sum, interval) => sum + interval[which], 0) / intervals.length,
});

const SNAKE: Readonly<Record<Histograms | Gauges, string>> = {
  ttft: "ttft",
  itl: "itl",
  e2e: "e2e",
  prompts: "prompt_tokens",
  outputs: "output_tokens",
  running: "running",
  waiting: "waiting",
  kvUsage: "kv_usage",
  replicas: "replicas",
};

/** Requests that ended, per interval. */
const rate: DriftMetric = {
  name: "rate",
  says: "request rate",
  margin: 1.05,
  offset: 0,
  value: (intervals) => {
    const { count } = together(intervals, "e2e");
    return count < LEAST.mean ? undefined : count / intervals.length;
  },
};

/** Margins are what nobody would act upon; the tails of distributions and queues are allowed more. */
export const DRIFT_METRICS: readonly DriftMetric[] = [
  rate,
  mean("prompts", "prompt length", 1.05),
  mean("outputs", "output length", 1.05),
  gauge("replicas", "replicas", 1.05, 0),
  mean("itl", "time between tokens", 1.05),
  quantile("itl", "time between tokens", 50, 1.05),
  quantile("itl", "time between tokens", 99, 1.15),
  mean("ttft", "time to first token", 1.15),
  quantile("ttft", "time to first token", 50, 1.1),
  quantile("ttft", "time to first token", 99, 1.3),
  mean("e2e", "end-to-end time", 1.05),
  quantile("e2e", "end-to-end time", 50, 1.1),
  quantile("e2e", "end-to-end time", 99, 1.3),
  gauge("running", "running requests", 1.1, 1),
  gauge("waiting", "waiting requests", 1.3, 1),
  gauge("kvUsage", "KV usage", 1.1, 0.02),
];
