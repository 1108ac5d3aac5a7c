import type { MetricFamily } from "../model/metric-family.ts";

/** Mean and percentiles of one quantity over a run. NaN never appears: a run without observations has count 0 and zeros. */
export interface Summary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** What a run came to, after the warm-up. Units in every name. */
export interface Kpis {
  readonly requests: {
    readonly arrived: number;
    readonly completed: number;
    /** Refused by the engine's front end or the gateway. */
    readonly rejected: number;
    /** Refused since a bounded queue was full (HTTP 503). */
    readonly overloaded: number;
    /** Given up by their clients at their deadlines. */
    readonly timedOut: number;
    /** Streams cut because their pod went away. */
    readonly aborted: number;
    readonly inFlightAtEnd: number;
  };
  readonly ttftSeconds: Summary;
  readonly itlSeconds: Summary;
  readonly e2eSeconds: Summary;
  readonly queueSeconds: Summary;
  readonly requestsPerSecond: number;
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  readonly prefixCacheHitRatio: number;
  readonly preemptions: number;
  readonly replicas: { readonly min: number; readonly mean: number; readonly max: number; readonly atEnd: number };
  readonly scaleUps: number;
  readonly scaleDowns: number;
  readonly replicaHours: number;
  readonly gpuHours: number;
}

/** Courses over time, in equal buckets whose number is bounded; column names carry units. */
export interface Timeline {
  readonly bucketSeconds: number;
  /** Start of each bucket. */
  readonly atSeconds: readonly number[];
  readonly columns: Readonly<Record<TimelineColumn, readonly number[]>>;
}

export type TimelineColumn =
  | "arrivalsPerSecond"
  | "completionsPerSecond"
  | "replicasWanted"
  | "replicasReady"
  | "waiting"
  | "running"
  | "kvUsageRatio"
  | "ttftMeanSeconds"
  | "ttftP99Seconds"
  | "outputTokensPerSecond";

export interface ScaleEvent {
  readonly atSeconds: number;
  readonly workload: string;
  readonly from: number;
  readonly to: number;
  readonly by: string;
  readonly reason: string;
}

/** Where a figure of a real server would lie with 80 % probability, as far as the latency model knows itself. */
export interface Band {
  readonly p10: number;
  readonly p90: number;
}

/** Bands of KPIs by their flat names: `ttftP99Seconds`. */
export type KpiBands = Readonly<Record<string, Band>>;

/** The result of one run: one scenario, one seed. Plain data; the same inputs give the same bytes. */
export interface Report {
  readonly scenario: string;
  readonly seed: number;
  /** Digest of the scenario: everything the run depended on. */
  readonly scenarioDigest: string;
  /** Of servetwin. */
  readonly version: string;
  readonly horizonSeconds: number;
  readonly warmUpSeconds: number;
  readonly kpis: Kpis;
  readonly timeline: Timeline;
  /** The first 200; `scaleUps` and `scaleDowns` count all. */
  readonly scaleEvents: readonly ScaleEvent[];
  /** What the user should know about the run: lines skipped in a trace, requests in flight at the end. */
  readonly notes: readonly string[];
  /** Of the KPIs, where the latency model knows how uncertain it is and was asked. */
  readonly bands?: KpiBands;
  /** Final counters and histograms, under production's names. */
  readonly families: readonly MetricFamily[];
}
