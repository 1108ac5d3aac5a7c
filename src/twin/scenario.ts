import type { PodRequests } from "../controlplane/autoscaler.ts";
import type { ControllerTarget } from "../controlplane/controller.ts";
import type { ControllerSaid } from "../controlplane/controllers/index.ts";
import type { FaultSaid } from "../controlplane/faults/index.ts";
import type { HpaSpec } from "../controlplane/hpa/spec.ts";
import type { ScaledObjectSpec } from "../controlplane/keda/spec.ts";
import type { OrdinalPolicy, PodGroup, PodStart, PodStop, RolloutStrategy } from "../controlplane/pods/index.ts";
import type { AdapterConfig } from "../controlplane/prometheus-adapter/index.ts";
import type { FrontGateSaid } from "../dataplane/front-gate/index.ts";
import type { KvLink } from "../dataplane/kv-transfers.ts";
import type { PolicySaid } from "../dataplane/policies/index.ts";
import type { SchedulingSaid } from "../dataplane/scheduling.ts";
import type { EngineConfig } from "../engine/engine.ts";
import type { KvStoreConfig } from "../engine/kv-store.ts";
import type { LatencySaid } from "../latency/models/index.ts";
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, Parallelism } from "../model/model-shape.ts";
import type { FoundTarget, RuleGroupSpec, ScrapeJob } from "../promql/index.ts";
import type { SaturationOptions } from "../report/saturation/saturation-fold.ts";
import type { SloTargets } from "../report/slo.ts";
import type { ObservedNotes, ObservedStep, TrafficFamilies, TrafficMetrics } from "../workload/observed/index.ts";
import type { SyntheticWorkload } from "../workload/sources/index.ts";
import type { ReplayOptions, RetrySaid, TraceFormat } from "../workload/traces/index.ts";
import type { NodesScenario } from "./nodes-scenario.ts";

export type { PodStart, PodStop, Spread } from "../controlplane/pods/index.ts";
export type { NodePoolScenario, NodesScenario, PodsOnNodes } from "./nodes-scenario.ts";

/** Everything one run depends on, resolved: plain data, crosses the thread boundary, digested into the report. */
export interface Scenario {
  /** `namespace/name` of the InferenceSimulation. */
  readonly simulation: string;
  /** `baseline`, or a candidate's name. */
  readonly name: string;
  readonly seed: number;
  /** undefined: never ends (Shadow). */
  readonly horizonMicros: number | undefined;
  /** Unix time of the start, where a past window is run again (Replay). Left out: the world goes by its own clock. */
  readonly startUnixSeconds?: number;
  readonly warmUpMicros: number;
  readonly workloads: readonly WorkloadScenario[];
  readonly gateway: GatewayScenario;
  readonly metrics: MetricsScenario;
  readonly autoscalers: readonly AutoscalerScenario[];
  /** Who else decides about replicas. Left out: nobody. */
  readonly controllers?: readonly ControllerScenario[];
  readonly traffic: TrafficScenario;
  /** Its requests come as a Poisson process of so many per second instead. Left out: as the traffic says. */
  readonly steadyPerSecond?: number;
  /** Targets by class; left out: none. */
  readonly slo?: Readonly<Record<string, SloTargets>>;
  /** Left out: its bands are computed, if its latency model knows how uncertain it is. */
  readonly bands?: false;
  /** What is broken of the control loop for a while. Left out: nothing. */
  readonly faults?: readonly FaultSaid[];
  /** Left out: the detector `composite`. */
  readonly saturation?: SaturationOptions;
  /** Left out: a node with free GPUs is always there. */
  readonly nodes?: NodesScenario;
  /** ResourceQuotas that bound the workloads' pods. Left out: none. */
  readonly quotas?: readonly QuotaScenario[];
  /** Disks and caches that keep KV beyond host memory. Left out: none. */
  readonly kvStores?: readonly KvStoreScenario[];
}

/** One resource of a ResourceQuota. */
export interface QuotaScenario {
  readonly name: string;
  readonly resource: string;
  readonly hard: number;
  /** What a replica takes of it, by name of the workload; those that it doesn't count are left out. */
  readonly perReplica: Readonly<Record<string, number>>;
}

/** A disk of each replica's own, or a cache that all replicas share whose `kvTier` names it. */
export interface KvStoreScenario extends KvStoreConfig {
  readonly name: string;
  readonly shared: boolean;
}

/** Where the replicas of a workload keep KV beyond host memory. */
export interface KvTierScenario {
  /** One of the scenario's `kvStores`. */
  readonly store: string;
  /** Chunks of replicas with the same are the same: model and layout. */
  readonly space: string;
  /** On all GPUs of an engine together. */
  readonly chunkBytes: number;
}

/** One mirrored workload. */
export interface WorkloadScenario {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly container: string;
  /** Labels of its pods, which filters and scorers of an endpoint picker go by. Left out: none. */
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly modelName: string;
  readonly replicas: number;
  readonly gpusPerReplica: number;
  readonly engine: EngineConfig;
  /** KV cache of one token, on all GPUs of a replica together; needed where prompts are computed elsewhere. */
  readonly kvBytesPerToken?: number;
  /** Counts where `engine.tier` is said. Left out: nowhere. */
  readonly kvTier?: KvTierScenario;
  /** Without CUDA graphs. Left out: with them. */
  readonly eager?: boolean;
  readonly gpuMemoryUtilization: number;
  readonly latency: LatencySaid;
  readonly shape: ModelShape;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  readonly start: PodStart;
  readonly stop: PodStop;
  /** Of CPU and memory, where an autoscaler goes by them. Left out: not known. */
  readonly requests?: PodRequests;
  /** How long a pod is ready before its workload counts it as available. */
  readonly minReadySeconds: number;
  /** Its pods have ordinals, and come and go in their order. Left out: as a ReplicaSet's. */
  readonly ordinals?: OrdinalPolicy;
  /** Pods of one replica, which is ready when they all are. Left out: one. */
  readonly group?: PodGroup;
  /** Its pods' template changes at some time. Left out: never. */
  readonly rollouts?: RolloutScenario;
}

/** Rollouts of a Deployment; each puts pods of a new ReplicaSet in the place of all that are there. */
export interface RolloutScenario {
  readonly strategy: RolloutStrategy;
  /** In order. */
  readonly atMicros: readonly number[];
}

/** What stands before the pods: one policy, or llm-d's endpoint picker. */
export type GatewayScenario = PolicyGateway | PickerGateway;

interface AnyGateway {
  /** How old the scraped signals may be: the gateway's own scrape of each replica. */
  readonly scrapeIntervalMicros: number;
  /** Endpoint pickers (or routers) at work side by side; each knows what it scraped and sent itself. Left out: one. */
  readonly pickers?: number;
  /** After which it cuts a request. Left out: never. */
  readonly requestTimeoutMicros?: number;
}

export interface KvTransferScenario extends KvLink {
  /** Share of transfers that fail, at their end. */
  readonly failureRatio: number;
}

export interface PolicyGateway extends AnyGateway {
  readonly kind: "policy";
  readonly policy: PolicySaid;
  /** Needed where the policy has prompts computed apart. */
  readonly kvTransfer?: KvTransferScenario;
}

export interface PickerGateway extends AnyGateway {
  readonly kind: "epp";
  /** Of the InferencePool, or the simulation where there is none. */
  readonly namespace: string;
  readonly pool: string;
  /** The Service through which its picker is asked. Left out: named after the pool, as llm-d's chart has it. */
  readonly service?: string;
  readonly scheduling: SchedulingSaid;
  readonly gate: FrontGateSaid;
  /** Signals that are older count as missing. */
  readonly stalenessMicros: number;
  /** Between replicas that compute prompts and those that make tokens. */
  readonly kvTransfer: KvTransferScenario;
}

/** Prometheus between engines and autoscaler. */
export interface MetricsScenario {
  readonly scrapeIntervalMicros: number;
  /** Instant queries use the newest sample at most this old. */
  readonly lookBackMicros: number;
  /** Unix time at which the world begins: what queries for the time of day see. Left out: 0. */
  readonly startUnixSeconds?: number;
  /** Left out: plain queries, without rules. */
  readonly adapter?: AdapterScenario;
  /** What monitors scrape. Left out: there are none, and everything is scraped each `scrapeIntervalMicros`. */
  readonly jobs?: readonly JobScenario[];
  /** Left out: none. */
  readonly ruleGroups?: readonly RuleGroupSpec[];
}

/** prometheus-adapter between Prometheus and autoscaler. */
export interface AdapterScenario {
  /** Without errors: `readAdapterRules` takes it. */
  readonly config: AdapterConfig;
  readonly relistIntervalMicros: number;
  /** Not less than the interval. */
  readonly maxAgeMicros: number;
}

/** A scrape job, and at which pods it finds what. */
export interface JobScenario {
  readonly job: ScrapeJob;
  readonly targets: readonly JobTarget[];
}

/** One port of each pod of a workload. */
export interface JobTarget extends Omit<FoundTarget, "pod" | "podIp" | "node"> {
  /** Whose pods: name of the workload of the engines, or of the endpoint picker. */
  readonly of: { readonly role: "engine" | "endpoint-picker"; readonly name: string };
}

export interface AutoscalerScenario {
  readonly namespace: string;
  readonly name: string;
  /** Name of the workload it scales. */
  readonly workload: string;
  readonly spec: HpaSpec;
  /** The ScaledObject that the HPA is made of, and whose metrics it reads. */
  readonly keda?: ScaledObjectSpec;
  readonly syncPeriodMicros: number;
  readonly downscaleStabilizationSeconds: number;
  readonly tolerance: number;
  /** `External`: something outside writes the scale; the twin's own never acts. */
  readonly driver: "Simulated" | "External";
}

/** A controller beside the HPA, and what it scales. */
export interface ControllerScenario {
  readonly said: ControllerSaid;
  /** At least one, in order of name. */
  readonly targets: readonly ControllerTarget[];
}

export type TrafficScenario =
  | { readonly kind: "synthetic"; readonly synthetic: SyntheticWorkload }
  | ObservedTraffic
  | LiveTraffic
  | {
      readonly kind: "trace";
      readonly format: TraceFormat;
      readonly input: TraceInput;
      readonly rateScale: number;
      readonly startOffsetMicros: number;
      readonly onError: "Fail" | "Skip";
      readonly maxRequests: number;
      /** Of formats with sessions. */
      readonly replay?: ReplayOptions;
      /** Of azure-2025. */
      readonly imageTokens?: number;
      readonly retry?: RetrySaid;
    };

/** A past window of production's traffic. */
export interface ObservedTraffic {
  readonly kind: "observed";
  readonly steps: readonly ObservedStep[];
  readonly stepMicros: number;
  readonly repeated: boolean;
  readonly rateScale: number;
}

/** Production's traffic as it comes: the worker reads it, and feeds the world. */
export interface LiveTraffic {
  readonly kind: "live";
  readonly url: string;
  readonly selector: string;
  readonly metrics: TrafficMetrics;
  readonly stepMicros: number;
  readonly delayMicros: number;
  readonly rateScale: number;
  /** Served here; requests of others are left out. */
  readonly models: readonly string[];
}

/** A window of production's traffic as it was found. */
export interface FoundTraffic {
  readonly families: TrafficFamilies;
  /** Unix seconds. */
  readonly fromSeconds: number;
  readonly toSeconds: number;
  readonly steps: readonly ObservedStep[];
  readonly notes: ObservedNotes;
}

/** A trace as it was found: its rows, and its header where the format keeps that apart, as plain data. */
export interface FoundTrace {
  readonly input: TraceInput;
  readonly header?: { readonly said: unknown; readonly file: string };
}

/** A file of another tool as it was found: one YAML document, as plain data. */
export interface FoundDocument {
  readonly said: unknown;
  /** Left out where it stands in the simulation itself. */
  readonly file?: string;
}

/** A replica's /metrics page as it was found. */
export interface FoundPage {
  readonly text: string;
  /** A file, ConfigMap or URL. Left out where it stands in the simulation itself. */
  readonly from?: string;
}

/** Where the bytes of a trace are; the worker opens them. gzip is recognised by its magic number. */
export type TraceInput =
  | { readonly kind: "file"; readonly path: string; readonly digest: string }
  | { readonly kind: "inline"; readonly base64: string; readonly digest: string }
  | { readonly kind: "url"; readonly url: string; readonly maxBytes: number };
