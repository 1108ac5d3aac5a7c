// What the server is handed, as plain JSON: it knows nobody else's types. The API answers these as they are.

export interface SimulationSummary {
  readonly namespace: string;
  readonly name: string;
  /** Preview, Shadow. */
  readonly mode: string;
  /** Mirroring, Running, Following, Succeeded, Failed. */
  readonly phase: string;
  /** Passed, Failed, Inconclusive; left out without objectives. */
  readonly verdict?: string;
  readonly conditions: readonly ConditionView[];
  readonly warnings: readonly string[];
  /** 0 to 1, while a preview runs. */
  readonly progress?: number;
  /** How far a Shadow has come, and how far it is behind the wall clock. */
  readonly simulatedSeconds?: number;
  readonly lagSeconds?: number;
  readonly objectives: readonly ObjectiveView[];
  /** Over the replications, by names that carry the unit (`ttftP99Seconds`), as in `status.runs[].kpis`. Empty before the first result. */
  readonly kpis: Readonly<Record<string, SpreadView>>;
}

export interface SimulationDetail extends SimulationSummary {
  /** Of the object, as it was read. */
  readonly spec: unknown;
  /** As it is written to the object. */
  readonly status: unknown;
  readonly mirrored: readonly MirroredView[];
  /** One per replication; a Shadow has one, so far. */
  readonly runs: readonly RunView[];
}

export interface ConditionView {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface SpreadView {
  readonly mean: number;
  readonly p10: number;
  readonly p90: number;
}

export interface ObjectiveView {
  readonly metric: string;
  readonly percentile?: number | undefined;
  readonly sloClass?: string | undefined;
  readonly atMost?: string | undefined;
  readonly atLeast?: string | undefined;
  /** Latencies in seconds. */
  readonly observed?: SpreadView | undefined;
  readonly verdict: string;
}

/** A value that the simulation uses, and where it came from. */
export interface MirroredView {
  readonly path: string;
  readonly value: string;
  readonly from: string;
}

export interface RunView {
  readonly scenario: string;
  readonly seed: number;
  readonly digest: string;
  readonly horizonSeconds: number;
  readonly warmUpSeconds: number;
  /** As in the report. */
  readonly kpis: unknown;
  /** Whether the run got more than it could take, as in the report. */
  readonly saturation?: SaturationView;
  /** Key figures by group, those of a kind one after another, and how many groups are not among them. */
  readonly groups?: { readonly rows: readonly GroupView[]; readonly leftOut: number };
  /** What is wrong with the autoscalers, the most severe first. */
  readonly findings?: readonly FindingView[];
  readonly syncs?: readonly SyncTimelineView[];
  readonly timeline: TimelineView;
  readonly scaleEvents: readonly ScaleEventView[];
  readonly notes: readonly string[];
}

export interface SaturationView {
  readonly detector: string;
  /** STABLE, BACKLOGGED, OVERLOADED. */
  readonly level: string;
  /** 0 to 1, both. */
  readonly score: number;
  readonly confidence: number;
}

export interface FindingView {
  readonly name: string;
  /** info, warning, error. */
  readonly severity: string;
  readonly object: string;
  readonly field?: string;
  readonly message: string;
  readonly evidence: Readonly<Record<string, number>>;
  readonly fix: string;
}

/** Syncs of one autoscaler that were kept, and how many were not. */
export interface SyncTimelineView {
  readonly autoscaler: string;
  readonly syncs: number;
  readonly rows: readonly SyncView[];
  readonly leftOut: { readonly unchanged: number; readonly changed: number };
}

export interface SyncView {
  readonly atSeconds: number;
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly proposal?: number;
  readonly stabilised?: number;
  readonly limitedBy?: string;
  readonly reason: string;
  readonly error?: string;
  readonly metrics: readonly {
    readonly name: string;
    readonly seen: number | undefined;
    readonly truth?: number;
    readonly target: number;
    readonly proposal: number | undefined;
  }[];
}

export interface GroupView {
  /** class, model, tenant, round, pool. */
  readonly kind: string;
  readonly name: string;
  readonly requests: number;
  readonly completed: number;
  readonly failed: number;
  readonly ttftP50Seconds: number;
  readonly ttftP99Seconds: number;
  readonly tpotP99Seconds: number;
  readonly e2eP99Seconds: number;
  readonly outputTokensPerSecond: number;
  readonly sloAttainmentRatio?: number;
}

export interface TimelineView {
  readonly bucketSeconds: number;
  readonly atSeconds: readonly number[];
  /** By names that carry the unit; those that the page draws it looks for by name. */
  readonly columns: Readonly<Record<string, readonly number[]>>;
}

export interface ScaleEventView {
  readonly atSeconds: number;
  readonly workload: string;
  readonly from: number;
  readonly to: number;
  readonly by: string;
  readonly reason: string;
}
