import { failedRequests } from "./failures.ts";
import type { Kpis, LoopKpis, Summary } from "./report.ts";

/** One figure over replications. */
export interface Spread {
  readonly mean: number;
  readonly p10: number;
  readonly p90: number;
}

/**
 * Mean and percentiles (rank p (n - 1), linear between neighbours), rounded to six significant digits, so that a status
 * stays readable and does not change with the last bit.
 * @param values at least one
 */
export const spread = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((a, b) => a - b);
  const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
  return { mean: rounded(mean), p10: rounded(between(sorted, 0.1)), p90: rounded(between(sorted, 0.9)) };
};

/** Every KPI over the replications that tell it, by a flat name that carries its unit: `ttftP99Seconds`. Empty without runs. */
export const spreadOf = (runs: readonly Kpis[]): Record<string, Spread> => {
  if (runs.length === 0) return {};
  const flat = runs.map(flatKpis);
  const names = [...new Set(flat.flatMap((kpis) => Object.keys(kpis)))];
  const told = (name: string): number[] => flat.flatMap((kpis) => kpis[name] ?? []);
  return Object.fromEntries(names.map((name) => [name, spread(told(name))]));
};

/** @returns the KPIs of one run under flat names; those of groups are not among them */
export const flatKpis = (kpis: Kpis): Record<string, number> => ({
  requestsArrived: kpis.requests.arrived,
  requestsCompleted: kpis.requests.completed,
  requestsFailed: failedRequests(kpis.requests),
  requestsRejected: kpis.requests.rejected,
  requestsOverloaded: kpis.requests.overloaded,
  requestsTimedOut: kpis.requests.timedOut,
  requestsAborted: kpis.requests.aborted,
  requestsInFlightAtEnd: kpis.requests.inFlightAtEnd,
  ...flatLatency("ttft", kpis.ttftSeconds),
  ...flatLatency("itl", kpis.itlSeconds),
  ...flatLatency("tpot", kpis.tpotSeconds),
  ...flatLatency("e2e", kpis.e2eSeconds),
  ...flatLatency("queue", kpis.queueSeconds),
  requestsPerSecond: kpis.requestsPerSecond,
  promptTokensPerSecond: kpis.promptTokensPerSecond,
  outputTokensPerSecond: kpis.outputTokensPerSecond,
  prefixCacheHitRatio: kpis.prefixCacheHitRatio,
  preemptions: kpis.preemptions,
  replicasMin: kpis.replicas.min,
  replicasMean: kpis.replicas.mean,
  replicasMax: kpis.replicas.max,
  replicasAtEnd: kpis.replicas.atEnd,
  scaleUps: kpis.scaleUps,
  scaleDowns: kpis.scaleDowns,
  replicaHours: kpis.replicaHours,
  gpuHours: kpis.gpuHours,
  ...told("requestsShed", kpis.requests.shed),
  ...told("requestsExpired", kpis.requests.expired),
  ...told("sloAttainmentRatio", kpis.slo?.attainmentRatio),
  ...told("goodputPerSecond", kpis.slo?.goodputPerSecond),
  ...told("tenantJainIndex", kpis.fairness?.jainIndex),
  ...told("headOfLineBlockedReplicas", kpis.headOfLineBlockedReplicas),
  ...flatLoops(Object.values(kpis.controlLoops ?? {})),
  ...told("sloViolationMinutes", kpis.sloMinutes?.violation),
  ...told("sloViolationMinutesWhileStarting", kpis.sloMinutes?.violationWhileStarting),
  ...told("priorityInversions", kpis.gateway?.priorityInversions),
});

/** All loops together: times and counts are sums, reactions and overshoots the largest. */
const flatLoops = (loops: readonly LoopKpis[]): Record<string, number> => {
  if (loops.length === 0) return {};
  const sum = (of: (loop: LoopKpis) => number): number => loops.reduce((all, loop) => all + of(loop), 0);
  const reactions = sum(({ reactionSeconds }) => reactionSeconds.count);
  const reacted = sum(({ reactionSeconds }) => reactionSeconds.mean * reactionSeconds.count);
  return {
    ...told("reactionMeanSeconds", reactions === 0 ? undefined : reacted / reactions),
    ...told(
      "reactionMaxSeconds",
      reactions === 0 ? undefined : Math.max(...loops.map((loop) => loop.reactionSeconds.max)),
    ),
    crossingsUnanswered: sum((loop) => loop.crossingsUnanswered),
    overshootReplicas: Math.max(...loops.map((loop) => loop.overshootReplicas)),
    flapsPerHour: sum((loop) => loop.flapsPerHour),
    atMinReplicasSeconds: sum((loop) => loop.secondsAtMin),
    atMaxReplicasSeconds: sum((loop) => loop.secondsAtMax),
    cutByMaxReplicasSeconds: sum((loop) => loop.secondsCutByMax),
    streamsAbortedAtScaleIn: sum((loop) => loop.streamsAbortedAtScaleIn),
  };
};

const told = (name: string, value: number | undefined): Record<string, number> =>
  value === undefined ? {} : { [name]: value };

const flatLatency = (name: string, summary: Summary): Record<string, number> => ({
  [`${name}MeanSeconds`]: summary.mean,
  [`${name}P50Seconds`]: summary.p50,
  [`${name}P90Seconds`]: summary.p90,
  [`${name}P95Seconds`]: summary.p95,
  [`${name}P99Seconds`]: summary.p99,
  [`${name}MaxSeconds`]: summary.max,
});

const between = (sorted: readonly number[], q: number): number => {
  const rank = q * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below] as number;
  return low + (rank - below) * ((sorted[below + 1] ?? low) - low);
};

const rounded = (value: number): number => Number(value.toPrecision(6));
