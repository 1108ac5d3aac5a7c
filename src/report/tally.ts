import type { Finished } from "../model/fact.ts";
import type { Outcome } from "../model/request.ts";
import type { GroupKpis } from "./report.ts";
import { QuantileSketch } from "./sketch.ts";
import { summaryOf } from "./summary.ts";

export const ENDS = ["completed", "rejected", "overloaded", "timedOut", "aborted", "shed", "expired"] as const;
/** How a request ended; `shed` and `expired` are the gateway's, before it was routed. */
export type End = (typeof ENDS)[number];

export const END_OF: Record<Outcome, End> = {
  stop: "completed",
  length: "completed",
  rejected: "rejected",
  overloaded: "overloaded",
  "timed-out": "timedOut",
  unroutable: "rejected",
  aborted: "aborted",
  failed: "aborted",
  shed: "shed",
  expired: "expired",
};

export type Ends = Record<End, number>;

const noEnds = (): Ends => ({
  completed: 0,
  rejected: 0,
  overloaded: 0,
  timedOut: 0,
  aborted: 0,
  shed: 0,
  expired: 0,
});

/**
 * What is counted of one group of requests, in memory that does not grow with them. Requests belong to it by their
 * arrival after the warm-up; `…Since` counts by when it happened. Mergeable: the order makes no difference.
 */
export class Tally {
  arrived = 0;
  readonly ends: Ends = noEnds();
  /** Arrived with a target; met all of its targets. */
  targeted = 0;
  attained = 0;
  /** Of those that ended in an engine. */
  promptTokens = 0;
  cachedTokens = 0;
  preemptions = 0;
  completedSince = 0;
  outputTokensSince = 0;
  readonly ttft = new QuantileSketch();
  readonly tpot = new QuantileSketch();
  readonly e2e = new QuantileSketch();

  get ended(): number {
    let sum = 0;
    for (const end of ENDS) sum += this.ends[end];
    return sum;
  }

  /** A request of this group that arrived after the warm-up ended in an engine. */
  finished(facts: Finished, observed: Observed): void {
    const { request, outcome, cachedTokens, preemptions } = facts;
    const how = END_OF[outcome];
    this.ends[how] += 1;
    this.promptTokens += request.promptTokens;
    this.cachedTokens += cachedTokens;
    this.preemptions += preemptions;
    if (how !== "completed") return;
    if (observed.met) this.attained += 1;
    this.e2e.observeIn(observed.e2eBucket, observed.e2eSeconds);
    if (observed.tpotSeconds >= 0) this.tpot.observeIn(observed.tpotBucket, observed.tpotSeconds);
  }

  merge(other: Tally): void {
    this.arrived += other.arrived;
    for (const end of ENDS) this.ends[end] += other.ends[end];
    this.targeted += other.targeted;
    this.attained += other.attained;
    this.promptTokens += other.promptTokens;
    this.cachedTokens += other.cachedTokens;
    this.preemptions += other.preemptions;
    this.completedSince += other.completedSince;
    this.outputTokensSince += other.outputTokensSince;
    this.ttft.merge(other.ttft);
    this.tpot.merge(other.tpot);
    this.e2e.merge(other.e2e);
  }
}

/** What all groups of one request have in common, found once. */
export class Observed {
  met = false;
  e2eSeconds = 0;
  e2eBucket = 0;
  /** -1: no two tokens came. */
  tpotSeconds = -1;
  tpotBucket = 0;

  /** @param scale any sketch of the groups' accuracy */
  look({ request, firstToken, end, outputTokens }: Finished, met: boolean, scale: QuantileSketch): this {
    this.met = met;
    this.e2eSeconds = (end - request.arrival) / 1e6;
    this.e2eBucket = scale.bucketOf(this.e2eSeconds);
    const paced = firstToken !== undefined && outputTokens > 1;
    this.tpotSeconds = paced ? Math.max(0, end - firstToken) / (outputTokens - 1) / 1e6 : -1;
    if (paced) this.tpotBucket = scale.bucketOf(this.tpotSeconds);
    return this;
  }
}

/** @param windowSeconds that rates are over; 0: they are 0 */
export const groupKpis = (tally: Tally, windowSeconds: number): GroupKpis => {
  const perSecond = (amount: number): number => (windowSeconds === 0 ? 0 : amount / windowSeconds);
  const { arrived, ends, targeted } = tally;
  return {
    requests: { arrived, ...ends, inFlightAtEnd: arrived - tally.ended },
    ttftSeconds: summaryOf(tally.ttft),
    tpotSeconds: summaryOf(tally.tpot),
    e2eSeconds: summaryOf(tally.e2e),
    requestsPerSecond: perSecond(tally.completedSince),
    outputTokensPerSecond: perSecond(tally.outputTokensSince),
    prefixCacheHitRatio: tally.promptTokens === 0 ? 0 : tally.cachedTokens / tally.promptTokens,
    preemptionsPerCompletion: ends.completed === 0 ? 0 : tally.preemptions / ends.completed,
    ...(targeted === 0 ? {} : { slo: sloKpis(tally, windowSeconds) }),
  };
};

export const sloKpis = ({ arrived, targeted, attained }: Tally, windowSeconds: number) => ({
  targeted,
  attained,
  attainmentRatio: arrived === 0 ? 0 : attained / arrived,
  goodputPerSecond: windowSeconds === 0 ? 0 : attained / windowSeconds,
});
