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
  /** A duration for latencies, a number for the rest. */
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

const judgeOne = (objective: Objective, runs: readonly Kpis[]): Judged => {
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
    verdict: verdictOf(observed, meets(objective)),
  };
};

/** Whether a value meets the bound. */
const meets = (objective: Objective): ((value: number) => boolean) => {
  const bound = boundOf(objective);
  if (bound === undefined) return () => true;
  return bound.from === "above" ? (value) => value <= bound.value : (value) => value >= bound.value;
};

/** The bound as a number, of latencies in seconds, and from which side it bounds. */
export const boundOf = ({
  metric,
  atMost,
  atLeast,
}: Objective): { readonly value: number; readonly from: "above" | "below" } | undefined => {
  if (atMost !== undefined)
    return { value: isLatency(metric) ? durationSeconds(atMost) : Number(atMost), from: "above" };
  return atLeast === undefined ? undefined : { value: Number(atLeast), from: "below" };
};

const verdictOf = (observed: readonly (number | undefined)[], met: (value: number) => boolean): Verdict => {
  if (observed.length === 0) return "Inconclusive";
  if (observed.every((value) => value !== undefined && met(value))) return "Passed";
  if (observed.every((value) => value !== undefined && !met(value))) return "Failed";
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
