import type { EngineGauges, EngineState } from "../model/engine-state.ts";
import type { QueueOutcome } from "../model/fact.ts";
import type { Hardware } from "../model/hardware.ts";
import type { Histogram, MetricFamily } from "../model/metric-family.ts";
import type { SimTime } from "../sim/time.ts";

/** Engines and their workloads at one instant. */
export interface EngineRoom {
  readonly now: SimTime;
  readonly replicas: readonly ReplicaView[];
  readonly workloads: readonly WorkloadView[];
}

/** The part of it that reports look at all the time. */
export interface Glance {
  readonly now: SimTime;
  readonly replicas: readonly ReplicaGlance[];
  readonly workloads: readonly Pick<WorkloadView, "name" | "specReplicas">[];
}

export interface ReplicaGlance extends Pick<EngineGauges, "waiting" | "running" | "kvUsage"> {
  readonly pod: string;
  /** Since its start. */
  readonly generationTokens: number;
}

/** The present state of a world, as scrapes and the exporter see it. Plain data but for the histograms inside. */
export interface WorldView extends EngineRoom {
  readonly autoscalers: readonly AutoscalerView[];
  /** Left out: no endpoint picker is simulated. */
  readonly gateways?: readonly GatewayView[];
  /** Left out: no nodes are simulated. */
  readonly nodes?: readonly NodeView[];
  readonly pods?: readonly PodStatusView[];
  /** Left out: no ScaledObject is simulated. */
  readonly keda?: KedaView;
  /** Pages of controllers that have one of their own, such as WVA's. */
  readonly controllers?: readonly MetricFamily[];
}

/** A node that has joined its cluster. */
export interface NodeView {
  readonly name: string;
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  readonly gpus: number;
  /** When it joined. */
  readonly created: SimTime;
  readonly ready: boolean;
  readonly unschedulable: boolean;
}

/** A pod as the API server shows it, where nodes are simulated. */
export interface PodStatusView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Who made it, for it. */
  readonly owner: { readonly kind: string; readonly name: string };
  readonly container: string;
  readonly gpus: number;
  readonly phase: "Pending" | "Running";
  readonly ready: boolean;
  /** The scheduler found no node. */
  readonly unschedulable: boolean;
  readonly node: string | undefined;
  readonly created: SimTime;
  readonly scheduled: SimTime | undefined;
  /** When it became ready last. */
  readonly readySince: SimTime | undefined;
  /** When its grace ends, if it is being deleted. */
  readonly deletion: SimTime | undefined;
  readonly restarts: number;
  readonly waitingReason: "ContainerCreating" | "CrashLoopBackOff" | undefined;
}

/** A pod whose engine serves (ready or terminating). */
export interface ReplicaView {
  readonly namespace: string;
  readonly workload: string;
  readonly pod: string;
  readonly container: string;
  /** Label `model_name`: the served name. */
  readonly modelName: string;
  readonly blockSize: number;
  readonly numGpuBlocks: number;
  readonly gpuMemoryUtilization: number;
  readonly prefixCaching: boolean;
  readonly maxModelLen: number;
  /** When its engine was up. */
  readonly since: SimTime;
  readonly state: EngineState;
}

export interface WorkloadView {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly specReplicas: number;
  readonly statusReplicas: number;
  /** Made of the template as it is, and not being deleted. */
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly gpusPerReplica: number;
  readonly gpu: Hardware["id"];
}

export interface AutoscalerView {
  readonly namespace: string;
  readonly name: string;
  readonly targetApiVersion: string;
  readonly targetKind: string;
  readonly targetName: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly conditions: readonly { readonly type: string; readonly status: "True" | "False" | "Unknown" }[];
  readonly metrics: readonly {
    readonly name: string;
    readonly targetType: "value" | "average" | "utilization";
    readonly target: number;
    readonly current: number | undefined;
  }[];
}

/** KEDA's operator. */
export interface KedaView {
  readonly objects: readonly ScaledObjectView[];
}

export interface ScaledObjectView {
  readonly namespace: string;
  readonly name: string;
  readonly triggerTypes: readonly string[];
  readonly paused: boolean;
  /** Left out: its triggers were not asked yet. */
  readonly errors: number | undefined;
  /** What was not measured yet is left out. */
  readonly metrics: readonly {
    readonly scaler: string;
    readonly triggerIndex: number;
    readonly metric: string;
    readonly value?: number;
    readonly active?: boolean;
    readonly errors?: number;
  }[];
  /** Queries that found nothing. */
  readonly empty: readonly {
    readonly triggerName: string;
    readonly metric: string;
    readonly ignoreNullValues: boolean;
    readonly count: number;
  }[];
}

/** An endpoint picker before one pool. */
export interface GatewayView {
  readonly namespace: string;
  /** Its own pod, where it is scraped. */
  readonly pod: string;
  readonly container: string;
  /** Through which it is asked and scraped. */
  readonly service: string;
  /** Name of the InferencePool. */
  readonly pool: string;
  /** When it was up. */
  readonly since: SimTime;
  /** Gauges of the pool as it flushed them last; undefined before its first flush. */
  readonly flushed: PoolGauges | undefined;
  /** As scraped last, present: not flushed. */
  readonly endpoints: readonly {
    readonly name: string;
    readonly waiting: number;
    /** That were sent there and have not ended, and tokens of their prompts that are yet to be computed. */
    readonly inFlight: number;
    readonly inFlightTokens: number;
  }[];
  /** Where flow control is on; as computed at its last dispatch. */
  readonly flowControl?: FlowControlView;
  /** Of the approximate prefix index, where there is one. */
  readonly prefixIndex?: PluginName & { readonly entries: number };
  /** Name of the producer that exports the load in flight, where there is one. */
  readonly loadProducer?: string;
  /** The profile handler that decides on disaggregation, where there is one. */
  readonly disagg?: PluginName;
  readonly counted: GatewayCounts;
}

export interface PluginName {
  readonly pluginName: string;
  readonly pluginType: string;
}

/** Mean and standard deviation over the endpoints with fresh metrics, to two decimals; kept from before while there are none. */
export interface PoolGauges {
  readonly ready: number;
  readonly kvUsage: Moments | undefined;
  readonly waiting: Moments | undefined;
  readonly running: Moments | undefined;
}

export interface Moments {
  readonly mean: number;
  readonly deviation: number;
}

export interface FlowControlView {
  readonly saturation: { readonly prefill?: number; readonly decode?: number; readonly effective: number };
  /** Shares of a band's bounds that are taken. */
  readonly bands: readonly {
    readonly priority: number;
    readonly requestsRatio: number;
    readonly bytesRatio: number;
  }[];
  /** Of the bounds of all bands together; left out where there is none. */
  readonly all: { readonly requestsRatio?: number; readonly bytesRatio?: number };
  /** Endpoints without fresh signals, where the detector looks at their age. */
  readonly stale?: { readonly detector: string; readonly endpoints: number };
  /** Running requests cut off for more important ones; target and what is pending in units of saturation. */
  readonly reclamation?: {
    /** By priority of the band that asked. */
    readonly issued: ReadonlyMap<number, number>;
    readonly confirmed: number;
    readonly timedOut: number;
    readonly target: number;
    readonly pending: number;
  };
}

/** What an endpoint picker counted since it was up (`GatewayFold`). Its histograms are live. */
export interface GatewayCounts {
  readonly requests: readonly RequestSeries[];
  readonly queues: readonly QueueSeries[];
  readonly queued: readonly {
    readonly labels: QueueLabels;
    readonly outcome: QueueOutcome;
    readonly seconds: Histogram;
  }[];
  readonly outcomes: readonly { readonly outcome: QueueOutcome; readonly priority: number; readonly count: number }[];
  readonly attempts: readonly {
    readonly status: "success" | "failure";
    readonly targetModel: string;
    readonly endpoint: string;
    readonly count: number;
  }[];
  /** Endpoints that were given a request: its prompt, its tokens, or both. */
  readonly used: ReadonlySet<string>;
  readonly decisions: readonly { readonly model: string; readonly decision: string; readonly count: number }[];
  readonly prefixHitRatio: Histogram;
  readonly prefixHitBytes: Histogram;
}

export interface RequestLabels {
  readonly model: string;
  readonly targetModel: string;
  readonly fairnessId: string;
  readonly priority: number;
}

export interface RequestSeries extends RequestLabels {
  readonly requests: number;
  readonly running: number;
  /** By error code. */
  readonly errors: ReadonlyMap<string, number>;
  readonly duration: Histogram;
  readonly ttft: Histogram;
  readonly tpot: Histogram;
  readonly ntpot: Histogram;
  readonly requestBytes: Histogram;
  readonly responseBytes: Histogram;
  readonly inputTokens: Histogram;
  readonly outputTokens: Histogram;
  readonly cachedTokens: Histogram;
}

export type QueueLabels = RequestLabels;

export interface QueueSeries extends QueueLabels {
  readonly size: number;
  readonly bytes: number;
}
