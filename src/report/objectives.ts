import { durationSeconds } from "../model/duration.ts";
import { failedRequests } from "./failures.ts";
import type { Kpis } from "./report.ts";
import { DEFAULT_CLASS } from "./slo.ts";
import { type Spread, spread } from "./spread.ts";

/** One of `spec.objectives`. */
export interface Objective {
  readonly metric: "ttft" | "itl" | "tpot" | "e2e" | "errorRatio" | "gpuHours" | "sloAttainment";
  /** Of the requests of one class; left out: of all. */
  readonly sloClass?: string | undefined;
  /** Of a latency; left out: the mean. */
  readonly percentile?: 50 | 90 | 95 | 99 | undefined;
  /** A duration for latencies, a number for the rest; of both (but shares) also `+10%`: so much more than the baseline. */
  readonly atMost?: string | undefined;
  /** Of `sloAttainment`, in place of the former: a ratio. */
  readonly atLeast?: string | undefined;
}

export type Verdict = "Passed" | "Failed" | "Inconclusive";

export interface Judged {
  readonly metric: Objective["metric"];
  readonly sloClass?: string;
  readonly percentile?: 50 | 90 | 95 | 99;
  readonly atMost?: string;
  readonly atLeast?: string;
  /** Over the replications that have something to say; latencies in seconds. Left out if none has. */
  readonly observed?: Spread;
  readonly verdict: Verdict;
}

/**
 * Holds runs against objectives. One is Passed if every replication meets it, Failed if none does, else Inconclusive;
 * so it is if a replication has nothing to say, since no request came to that: silence is no success.
 *
 * @param runs KPIs per replication
 * @param baseline of the same replications, for bounds that are relative to it; left out: the runs are the baseline's own
 * @returns judgements in the order given, and all of them together: Failed if any failed, Inconclusive if any is
 */
export const judge = (
  objectives: readonly Objective[],
  runs: readonly Kpis[],
  baseline: readonly Kpis[] = runs,
): { readonly objectives: readonly Judged[]; readonly verdict: Verdict } => {
  const judged = objectives.map((objective) => judgeOne(objective, runs, baseline));
  const all = judged.map(({ verdict }) => verdict);
  const verdict = all.includes("Failed") ? "Failed" : all.includes("Inconclusive") ? "Inconclusive" : "Passed";
  return { objectives: judged, verdict };
};

const judgeOne = (objective: Objective, runs: readonly Kpis[], baseline: readonly Kpis[]): Judged => {
  const { metric, sloClass, percentile, atMost, atLeast } = objective;
  const observed = runs.map((kpis) => observe(objective, kpis));
  const told = observed.filter((value) => value !== undefined);
  return {
    metric,
    ...(sloClass === undefined ? {} : { sloClass }),
    ...(percentile === undefined ? {} : { percentile }),
    ...(atMost === undefined ? {} : { atMost }),
    ...(atLeast === undefined ? {} : { atLeast }),
    ...(told.length === 0 ? {} : { observed: spread(told) }),
    verdict: verdictOf(observed, meets(objective, baseline)),
  };
};

/** Whether the value of a replication meets the bound. */
const meets = (objective: Objective, baseline: readonly Kpis[]): ((value: number, replication: number) => boolean) => {
  const increase = increaseOf(objective);
  if (increase !== undefined) {
    const before = baseline.map((kpis) => observe(objective, kpis));
    return (value, replication) => {
      const from = before[replication];
      return from !== undefined && value <= from * (1 + increase);
    };
  }
  const bound = boundOf(objective);
  if (bound === undefined) return () => true;
  return bound.from === "above" ? (value) => value <= bound.value : (value) => value >= bound.value;
};

const INCREASE = /^\+([0-9]+(?:\.[0-9]+)?)%$/;

/** By which share more than the baseline it may be: 0.1 of `+10%`. Undefined: its bound is not relative. */
export const increaseOf = ({ atMost }: Objective): number | undefined => {
  const [, percent] = INCREASE.exec(atMost ?? "") ?? [];
  return percent === undefined ? undefined : Number(percent) / 100;
};

/** The bound as a number, of latencies in seconds, and from which side it bounds. Undefined: there is none, or it is relative. */
export const boundOf = (
  objective: Objective,
): { readonly value: number; readonly from: "above" | "below" } | undefined => {
  if (increaseOf(objective) !== undefined) return undefined;
  const { metric, atMost, atLeast } = objective;
  if (atMost !== undefined)
    return { value: isLatency(metric) ? durationSeconds(atMost) : Number(atMost), from: "above" };
  return atLeast === undefined ? undefined : { value: Number(atLeast), from: "below" };
};

const verdictOf = (
  observed: readonly (number | undefined)[],
  met: (value: number, replication: number) => boolean,
): Verdict => {
  if (observed.length === 0) return "Inconclusive";
  if (observed.every((value, i) => value !== undefined && met(value, i))) return "Passed";
  if (observed.every((value, i) => value !== undefined && !met(value, i))) return "Failed";
  return "Inconclusive";
};

type Latency = "ttft" | "itl" | "tpot" | "e2e";

export const isLatency = (metric: string): metric is Latency => ["ttft", "itl", "tpot", "e2e"].includes(metric);

/** What an objective looks at, of one replication. @returns undefined if no request came to that */
export const observe = ({ metric, sloClass, percentile }: Objective, kpis: Kpis): number | undefined => {
  if (metric === "gpuHours") return kpis.gpuHours;
  const of = ofClass(sloClass, kpis);
  if (of === undefined) return undefined;
  if (metric === "sloAttainment") return of.requests.arrived === 0 ? undefined : of.slo?.attainmentRatio;
  if (metric === "errorRatio") return errorRatio(of.requests);
  // Rules of the schema see to it that no class is asked for its inter-token latencies.
  const summary = metric === "itl" ? kpis.itlSeconds : of[`${metric}Seconds`];
  if (summary.count === 0) return undefined;
  return percentile === undefined ? summary.mean : summary[`p${percentile}`];
};

type Part = Pick<Kpis, "requests" | "ttftSeconds" | "tpotSeconds" | "e2eSeconds" | "slo">;

/** The class's own figures; where no request bears a class, all are of the default class. */
const ofClass = (sloClass: string | undefined, kpis: Kpis): Part | undefined => {
  if (sloClass === undefined) return kpis;
  const classes = kpis.groups?.classes;
  return classes === undefined && sloClass === DEFAULT_CLASS ? kpis : classes?.[sloClass];
};

const errorRatio = (requests: Kpis["requests"]): number | undefined =>
  requests.arrived === 0 ? undefined : failedRequests(requests) / requests.arrived;
