import { durationSeconds } from "../model/duration.ts";
import type { Kpis, Summary } from "./report.ts";
import { type Spread, spread } from "./spread.ts";

/** One of `spec.objectives`. */
export interface Objective {
  readonly metric: "ttft" | "itl" | "e2e" | "errorRatio" | "gpuHours";
  /** Of a latency; left out: the mean. */
  readonly percentile?: 50 | 90 | 95 | 99 | undefined;
  /** A duration for latencies, a number for the rest. */
  readonly atMost: string;
}

export type Verdict = "Passed" | "Failed" | "Inconclusive";

export interface Judged {
  readonly metric: Objective["metric"];
  readonly percentile?: 50 | 90 | 95 | 99;
  readonly atMost: string;
  /** Over the replications that have something to say; latencies in seconds. Left out if none has. */
  readonly observed?: Spread;
  readonly verdict: Verdict;
}

/**
 * Holds runs against objectives. One is Passed if every replication meets it, Failed if none does, else Inconclusive;
 * so it is if a replication has nothing to say, since no request came to that: silence is no success.
 *
 * @param runs KPIs per replication
 * @returns judgements in the order given, and all of them together: Failed if any failed, Inconclusive if any is
 */
export const judge = (
  objectives: readonly Objective[],
  runs: readonly Kpis[],
): { readonly objectives: readonly Judged[]; readonly verdict: Verdict } => {
  const judged = objectives.map((objective) => judgeOne(objective, runs));
  const all = judged.map(({ verdict }) => verdict);
  const verdict = all.includes("Failed") ? "Failed" : all.includes("Inconclusive") ? "Inconclusive" : "Passed";
  return { objectives: judged, verdict };
};

const judgeOne = ({ metric, percentile, atMost }: Objective, runs: readonly Kpis[]): Judged => {
  const observed = runs.map((kpis) => observe(metric, percentile, kpis));
  const told = observed.filter((value) => value !== undefined);
  const bound = isLatency(metric) ? durationSeconds(atMost) : Number(atMost);
  return {
    metric,
    ...(percentile === undefined ? {} : { percentile }),
    atMost,
    ...(told.length === 0 ? {} : { observed: spread(told) }),
    verdict: verdictOf(observed, bound),
  };
};

const verdictOf = (observed: readonly (number | undefined)[], bound: number): Verdict => {
  if (observed.length === 0) return "Inconclusive";
  if (observed.every((value) => value !== undefined && value <= bound)) return "Passed";
  if (observed.every((value) => value !== undefined && value > bound)) return "Failed";
  return "Inconclusive";
};

const isLatency = (metric: Objective["metric"]): metric is "ttft" | "itl" | "e2e" =>
  metric === "ttft" || metric === "itl" || metric === "e2e";

const observe = (metric: Objective["metric"], percentile: Objective["percentile"], kpis: Kpis): number | undefined => {
  if (metric === "gpuHours") return kpis.gpuHours;
  const { arrived, rejected, overloaded, timedOut, aborted } = kpis.requests;
  if (metric === "errorRatio")
    return arrived === 0 ? undefined : (rejected + overloaded + timedOut + aborted) / arrived;
  const summary: Summary = kpis[`${metric}Seconds`];
  if (summary.count === 0) return undefined;
  return percentile === undefined ? summary.mean : summary[`p${percentile}`];
};
