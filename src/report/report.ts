import type { Routing } from "../model/fact.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import type { SyncTimeline } from "./control-loop/sync-log.ts";
import type { DetectorName } from "./detectors/index.ts";
import type { Finding } from "./finding.ts";
import type { SaturationVerdict } from "./saturation/detector.ts";

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
    /** Turned away by the gateway as they came, and out of its queue; where a gateway tells. */
    readonly shed?: number;
    readonly expired?: number;
    readonly inFlightAtEnd: number;
  };
  readonly ttftSeconds: Summary;
  readonly itlSeconds: Summary;
  /** Per request, where two tokens came: (last - first) / (tokens - 1). */
  readonly tpotSeconds: Summary;
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
  /** Of all requests together, where any has targets. */
  readonly slo?: SloKpis;
  /** Where requests name their tenants. */
  readonly fairness?: {
    readonly tenants: number;
    /** Jain's index of their output tokens: 1/tenants to 1. */
    readonly jainIndex: number;
  };
  /** Where requests bear such labels; by name, at most 64 and `other`. */
  readonly groups?: Groups;
  /** Requests that came to no answer, by class and why. Left out if all did. */
  readonly turnedAway?: readonly TurnedAway[];
  /** Where a gateway tells. */
  readonly gateway?: GatewayKpis;
  /** By autoscaler (`namespace/name`); where there is one. */
  readonly controlLoops?: Readonly<Record<string, LoopKpis>>;
  /** Where requests have targets. */
  readonly sloMinutes?: SloMinutesKpis;
  /** Where nodes are simulated. */
  readonly nodes?: NodeKpis;
  /** Replicas whose mean queue was more than twice the mean over replicas; where there were two. */
  readonly headOfLineBlockedReplicas?: number;
}

/** How one autoscaler did after the warm-up. */
export interface LoopKpis {
  readonly workload: string;
  /** From a metric's true crossing of what its target tolerates to the first replica created since being ready. */
  readonly reactionSeconds: Summary;
  /** Crossings that no new replica answered. */
  readonly crossingsUnanswered: number;
  /** Most replicas that a rise added and a fall soon after took back. */
  readonly overshootReplicas: number;
  /** Most that its metrics asked for, before stabilisation and limits. */
  readonly proposalMax: number;
  /** Changes of its replicas against the direction of the change before. */
  readonly reversals: number;
  readonly flapsPerHour: number;
  /** Wanted replicas at the least and at the most. */
  readonly secondsAtMin: number;
  readonly secondsAtMax: number;
  /** As much of it as more was wanted. */
  readonly secondsCutByMax: number;
  /** Of its workload. */
  readonly replicaHours: number;
  readonly gpuHours: number;
  /** From a pod's creation until it is ready. */
  readonly startUpSeconds: Summary;
  readonly streamsAbortedAtScaleIn: number;
}

/** Minutes count by the share of requests with targets ending in them that missed one. */
export interface SloMinutesKpis {
  readonly violation: number;
  /** By those only that missed with a start-up under way during their life. */
  readonly violationWhileStarting: number;
}

export interface NodeKpis {
  readonly pools: Readonly<Record<string, NodePoolKpis>>;
  /** Of all pools, in the currency of their prices. Left out: a pool has no price. */
  readonly cost?: number;
  /** From a pod's creation to its node; of those created in the run. */
  readonly schedulingSeconds: Summary;
}

export interface NodePoolKpis {
  readonly nodes: { readonly min: number; readonly mean: number; readonly max: number; readonly atEnd: number };
  /** From being asked for until gone. */
  readonly nodeHours: number;
  /** Of its nodes, used or not. */
  readonly gpuHours: number;
  /** Held by pods. */
  readonly allocatedGpuHours: number;
  /** `gpuHours` at the price that was given. */
  readonly cost?: number;
}

/** A request's targets are its own, else its class's (`spec.slo`). */
export interface SloKpis {
  /** Requests that arrived with a target. */
  readonly targeted: number;
  /** Requests that completed and met all of their targets. */
  readonly attained: number;
  /** Attained of all that arrived: whatever was turned away or is unfinished missed. */
  readonly attainmentRatio: number;
  readonly goodputPerSecond: number;
}

export interface Groups {
  readonly classes?: Readonly<Record<string, GroupKpis>>;
  readonly models?: Readonly<Record<string, GroupKpis>>;
  readonly tenants?: Readonly<Record<string, GroupKpis>>;
  /** `cold`: first rounds, and requests of no session; `warm`: later rounds. */
  readonly rounds?: Readonly<Record<string, GroupKpis>>;
  /** By workload. */
  readonly pools?: Readonly<Record<string, PoolKpis>>;
}

export interface GroupKpis {
  readonly requests: Required<Kpis["requests"]>;
  readonly ttftSeconds: Summary;
  readonly tpotSeconds: Summary;
  readonly e2eSeconds: Summary;
  /** Completed. */
  readonly requestsPerSecond: number;
  /** Of requests that ended. */
  readonly outputTokensPerSecond: number;
  /** Cached prompt tokens of all prompt tokens, of requests that ended in an engine. */
  readonly prefixCacheHitRatio: number;
  readonly preemptionsPerCompletion: number;
  readonly slo?: SloKpis;
}

export interface PoolKpis extends Omit<GroupKpis, "requests" | "slo"> {
  readonly role: "prefill" | "decode" | "both";
  readonly requests: {
    readonly ended: number;
    readonly completed: number;
    readonly rejected: number;
    readonly overloaded: number;
    readonly timedOut: number;
    readonly aborted: number;
  };
  readonly queueSeconds: Summary;
  /** Prompts computed for other pools, and how long that took from being queued on. */
  readonly prefills: number;
  readonly prefillSeconds: Summary;
}

export interface TurnedAway {
  readonly sloClass: string;
  readonly how: "rejected" | "overloaded" | "timedOut" | "aborted" | "shed" | "expired";
  readonly reason: string;
  readonly count: number;
}

export interface GatewayKpis {
  /** Requests that waited in its queue, and how long those waited that were let go. */
  readonly held: number;
  readonly dispatched: number;
  readonly heldAtEnd: number;
  readonly queueSeconds: Summary;
  /** Requests let go while an earlier one of higher priority was held. */
  readonly priorityInversions: number;
  readonly decisions: Readonly<Partial<Record<Routing["decision"], number>>>;
  readonly transfers: {
    readonly started: number;
    readonly ended: number;
    readonly failed: number;
    /** Of those that ended. */
    readonly bytes: number;
    readonly seconds: Summary;
  };
}

/** Whether the run got more than it could take. */
export interface Saturation extends SaturationVerdict {
  /** Who says so. */
  readonly detector: DetectorName;
  /** What each detector says; `streaming`: the chosen one, asked all along, by plurality over a trailing window. */
  readonly detectors: Readonly<Record<string, SaturationVerdict>>;
  /** Whether the means of halves and quarters are exact: up to 4096 completions. */
  readonly exact: boolean;
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
  | "ttftP50Seconds"
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
  /** Unix time of its start, where it is a past window that was run again (Replay); all other instants count from it. */
  readonly startUnixSeconds?: number;
  readonly horizonSeconds: number;
  readonly warmUpSeconds: number;
  readonly kpis: Kpis;
  readonly saturation: Saturation;
  readonly timeline: Timeline;
  /** The first 200; `scaleUps` and `scaleDowns` count all. */
  readonly scaleEvents: readonly ScaleEvent[];
  /** What is wrong with the autoscalers, the most severe first. */
  readonly findings?: readonly Finding[];
  /** Every sync of each autoscaler, as far as it is kept. */
  readonly syncs?: readonly SyncTimeline[];
  /** What the user should know about the run: lines skipped in a trace, requests in flight at the end. */
  readonly notes: readonly string[];
  /** Of the KPIs, where the latency model knows how uncertain it is and was asked. */
  readonly bands?: KpiBands;
  /** Final counters and histograms, under production's names. */
  readonly families: readonly MetricFamily[];
}
