import type { PodRequests } from "../controlplane/autoscaler.ts";
import type { HpaSpec } from "../controlplane/hpa/spec.ts";
import type { ScaledObjectSpec } from "../controlplane/keda/spec.ts";
import type { Taint } from "../controlplane/nodes/index.ts";
import type { DisruptionBudget, OrdinalPolicy, RolloutStrategy } from "../controlplane/pods/index.ts";
import type { PolicySaid } from "../dataplane/policies/index.ts";
import type { Known, Source } from "../model/known.ts";
import type { Result } from "../model/problem.ts";
import type { RuleGroupSpec, ScrapeJob } from "../promql/index.ts";
import type { Manifest, ManifestRef, ObservedCluster } from "./manifest.ts";
import type { ServerArguments } from "./readers/flags/server-arguments.ts";
import type { LabelSelector } from "./readers/kubernetes/label-selector.ts";
import type { GpuReading } from "./readers/pod/gpu.ts";
import type { KvPlacesReading } from "./readers/pod/kv-places.ts";
import type { ModelStorage } from "./readers/pod/model-storage.ts";
import type { PlacementReading } from "./readers/pod/placement.ts";
import type { PodLifeReading } from "./readers/pod/probes.ts";

/**
 * Says what one kind of manifest means, and in which field it says so. A reader sees a single object, fills in what its
 * API server would, and guesses nothing: what the object doesn't say stays undefined.
 */
export interface Reader<Said> {
  readonly kind: string;
  /** Without version: `apps`, `autoscaling`. */
  readonly group: string;
  readonly summary: string;
  read(manifest: Manifest): Result<Said>;
}

/** Reads a workload; its pods' template may stand in another object of the cluster. */
export interface WorkloadReader extends Omit<Reader<WorkloadReading>, "read"> {
  read(manifest: Manifest, cluster: Pick<ObservedCluster, "get">): Result<WorkloadReading>;
}

/** A workload that runs vLLM. */
export interface WorkloadReading {
  readonly ref: ManifestRef;
  /** Where the spec of its pods stands: `spec.template.spec`. */
  readonly podPath: string;
  /** Of its pods. */
  readonly labels: Readonly<Record<string, string>>;
  readonly replicas: Known<number>;
  /** Of the engine. */
  readonly container: Known<string>;
  readonly arguments: ServerArguments;
  /** vLLM's version by the image's tag; undefined: the tag doesn't tell. */
  readonly version: Known<string> | undefined;
  readonly gpu: GpuReading;
  readonly placement: PlacementReading;
  readonly life: PodLifeReading;
  /** Of CPU and memory. */
  readonly requests: PodRequests;
  /** `hf://Qwen/Qwen3-14B`: where the model that is served from a path was put there from. */
  readonly modelUri?: Known<string>;
  readonly storage: Known<ModelStorage>;
  readonly kvPlaces: KvPlacesReading;
  /** Whether compiled graphs survive a restart: the directory of the cache, if a volume holds it. */
  readonly compileCache: Known<string> | undefined;
  /** Its pods have ordinals, and come and go in their order. Left out: as a ReplicaSet's. */
  readonly ordinals?: Known<OrdinalPolicy>;
  /** How pods of a new template take the place of those before. Left out: rollouts of its kind are not simulated. */
  readonly strategy?: Known<RolloutStrategy>;
  /** A replica is a group of pods. Left out: one pod. */
  readonly group?: GroupReading;
}

/** Pods that are one replica together: a leader, which is read as any pod is, and workers. */
export interface GroupReading {
  /** With the leader; at least 2. */
  readonly size: Known<number>;
  /** Of the leader; `gpu.count` is of the whole group. */
  readonly leaderGpus: number;
  /** Of each worker. */
  readonly workerGpus: number;
  readonly workers: PlacementReading & Pick<GpuReading, "nodeSelector">;
  /** Workers are created when their leader is ready, not with it. */
  readonly workersAfterLeader: Known<boolean>;
}

/** Something that scales a workload. */
export type AutoscalerReading = HpaReading | ScaledObjectReading;

interface ScalerReading {
  readonly ref: ManifestRef;
  readonly target: Known<{ readonly group: string; readonly kind: string; readonly name: string }>;
  /** What of the spec was said, and where; the rest are defaults of the API server. */
  readonly values: readonly { readonly path: string; readonly known: Known<string | number | boolean | null> }[];
}

/** One of the workloads that serve a model, as llm-d's Workload Variant Autoscaler finds it. */
export interface VariantReading {
  readonly ref: ManifestRef;
  readonly target: Known<{ readonly group: string; readonly kind: string; readonly name: string }>;
  /** undefined: it doesn't say. */
  readonly model: Known<string> | undefined;
  /** Of one replica. */
  readonly cost: Known<number>;
  readonly accelerator: Known<string> | undefined;
  readonly minReplicas: Known<number> | undefined;
  readonly maxReplicas: Known<number> | undefined;
}

export interface HpaReading extends ScalerReading {
  readonly spec: HpaSpec;
}

export interface ScaledObjectReading extends ScalerReading {
  readonly keda: ScaledObjectSpec;
}

/** A machine of the cluster. */
export interface NodeReading {
  readonly ref: ManifestRef;
  /** By a label of its cloud's or Karpenter's. */
  readonly pool: Known<string> | undefined;
  /** Allocatable; 0: none. */
  readonly gpus: Known<number>;
  /** Those that another node of its pool has too. */
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Neither cordoned nor said to be not ready. */
  readonly schedulable: boolean;
}

/** What Karpenter asks for. */
export interface NodePoolReading {
  readonly ref: ManifestRef;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly weight: Known<number> | undefined;
  readonly gpuLimit: Known<number> | undefined;
  readonly nodeLimit: Known<number> | undefined;
  /** Its value undefined: never. Left out: not said. */
  readonly consolidateAfterSeconds: Known<number | undefined> | undefined;
  readonly whenEmptyOnly: boolean;
  /** How many of its nodes may go at a time, at most: a share, a number. Left out: not said, for all reasons and at all times. */
  readonly budgetPercent: Known<number> | undefined;
  readonly budgetNodes: Known<number> | undefined;
  /** So long after it came a node goes, whatever runs on it. Left out: not said, or never. */
  readonly expireAfterSeconds: Known<number> | undefined;
}

/** How many of the pods that it selects must stay when pods are evicted. */
export interface BudgetReading {
  readonly ref: ManifestRef;
  /** undefined: it selects none. */
  readonly selector: LabelSelector | undefined;
  readonly bound: Known<DisruptionBudget>;
}

/** How important pods are that name it. */
export interface PriorityClassReading {
  readonly ref: ManifestRef;
  readonly value: Known<number>;
  /** Of pods that name none. */
  readonly globalDefault: boolean;
  /** undefined: its pods push others out. */
  readonly preemptionPolicy: Known<"Never"> | undefined;
}

/** What pods of a namespace may take together. */
export interface QuotaReading {
  readonly ref: ManifestRef;
  /** Of GPUs and pods, by resource as the quota has it. */
  readonly hard: readonly { readonly resource: string; readonly most: Known<number> }[];
  /** Which pods it counts: all of these hold of them. */
  readonly scopes: readonly {
    readonly name: string;
    readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
    readonly values: readonly string[];
    readonly from: Source;
  }[];
}

/** Pods behind one name. */
export interface ServiceReading {
  readonly ref: ManifestRef;
  readonly labels: Readonly<Record<string, string>>;
  readonly selector: Known<Readonly<Record<string, string>>>;
  /** By name, "" for one without; each leads to a port of the pods, by its name or number. */
  readonly ports: readonly { readonly name: string; readonly target: string | number }[];
}

/** Pods that an endpoint picker chooses among. */
export interface PoolReading {
  readonly ref: ManifestRef;
  readonly selector: Known<Readonly<Record<string, string>>>;
  /** Of the pods, that requests are sent to. */
  readonly ports: readonly Known<number>[];
  /** What the gateway asks; a Service where nothing else is said. */
  readonly picker: Known<{ readonly kind: string; readonly name: string }>;
}

/** How important requests of a class are to an endpoint picker. */
export interface ObjectiveReading {
  readonly ref: ManifestRef;
  /** What requests may name it by. */
  readonly classes: readonly string[];
  readonly pool: Known<string> | undefined;
  readonly priority: Known<number>;
  /** Of its requests, to other models. Left out: they go on as they came. */
  readonly split?: ModelSplit;
}

/** Requests that an endpoint picker sends on to other models or adapters, in proportion to weights. */
export interface ModelSplit {
  readonly from: Source;
  /** That requests ask for; none: whatever they ask for. */
  readonly models: readonly string[];
  readonly targets: readonly { readonly name: string; readonly weight: number }[];
}

/** What an endpoint picker makes of the models that requests ask for. */
export interface RewriteReading {
  readonly ref: ManifestRef;
  readonly splits: readonly ModelSplit[];
}

export interface RouteReading {
  readonly ref: ManifestRef;
  readonly rules: readonly RouteRule[];
}

export interface RouteBackend {
  readonly kind: string;
  readonly name: Known<string>;
  /** undefined: the route's own. */
  readonly namespace: string | undefined;
}

export interface RouteRule {
  readonly from: Source;
  readonly backends: readonly (RouteBackend & { readonly weight: Known<number> })[];
  /** That get a copy of what the rule matches. */
  readonly mirrors: readonly RouteBackend[];
  /** 0: none, said so. */
  readonly timeoutSeconds: Known<number> | undefined;
  readonly retry: Source | undefined;
}

/** The process that picks a pod for each request of a pool, as far as its Deployment says. */
export interface EndpointPickerReading {
  readonly ref: ManifestRef;
  readonly replicas: Known<number>;
  /** How many of them act: with leader election, one. */
  readonly active: Known<number>;
  readonly pool: Known<string> | undefined;
  readonly refreshSeconds: Known<number>;
  readonly stalenessSeconds: Known<number>;
  /** Whether plugins of stability Alpha may be loaded. */
  readonly experimental: Known<boolean>;
  readonly config: PickerConfigPlace;
}

/** A router that goes by a policy of its own, and by no configuration. */
export interface StackRouterReading {
  readonly ref: ManifestRef;
  readonly replicas: Known<number>;
  /** How many of them act: all. */
  readonly active: Known<number>;
  readonly policy: Known<PolicySaid>;
  readonly refreshSeconds: Known<number>;
  /** How it finds its replicas: `k8s` is by labels. */
  readonly discovery: string | undefined;
  /** Where, and by which labels; none: all pods. */
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
}

/** Where an endpoint picker has its configuration from. */
export type PickerConfigPlace =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly text: Known<string> }
  /** A key of a ConfigMap, mounted where the flag says. */
  | { readonly kind: "config-map"; readonly name: string; readonly key: string; readonly flag: Source }
  /** A file that comes from nowhere that is known. */
  | { readonly kind: "unknown"; readonly path: string; readonly flag: Source };

/** Whom a monitor looks for, and where. */
export interface MonitorScope {
  /** Left out: in all. */
  readonly namespaces?: readonly string[];
  /** Of pods, or of Services. */
  readonly selector: LabelSelector;
}

/** What a Prometheus is to scrape. */
export interface MonitorReading {
  readonly ref: ManifestRef;
  readonly scope: MonitorScope;
  readonly endpoints: readonly MonitorEndpoint[];
}

export interface MonitorEndpoint {
  readonly job: ScrapeJob;
  /** In seconds. */
  readonly interval: Known<number>;
  readonly place: { readonly object?: string; readonly field?: string };
}

/** Rules that a Prometheus is to evaluate. */
export interface RulesReading {
  readonly ref: ManifestRef;
  readonly groups: readonly RuleGroupSpec[];
}

export const workloadReader = (reader: WorkloadReader): WorkloadReader => reader;
export const variantReader = (reader: Reader<VariantReading>): Reader<VariantReading> => reader;
export const autoscalerReader = <Said extends AutoscalerReading>(reader: Reader<Said>): Reader<Said> => reader;
export const nodeReader = (reader: Reader<NodeReading>): Reader<NodeReading> => reader;
export const nodePoolReader = (reader: Reader<NodePoolReading>): Reader<NodePoolReading> => reader;
export const budgetReader = (reader: Reader<BudgetReading>): Reader<BudgetReading> => reader;
export const priorityClassReader = (reader: Reader<PriorityClassReading>): Reader<PriorityClassReading> => reader;
export const quotaReader = (reader: Reader<QuotaReading>): Reader<QuotaReading> => reader;
export const serviceReader = (reader: Reader<ServiceReading>): Reader<ServiceReading> => reader;
export const poolReader = (reader: Reader<PoolReading>): Reader<PoolReading> => reader;
export const objectiveReader = (reader: Reader<ObjectiveReading>): Reader<ObjectiveReading> => reader;
export const rewriteReader = (reader: Reader<RewriteReading>): Reader<RewriteReading> => reader;
export const routeReader = (reader: Reader<RouteReading>): Reader<RouteReading> => reader;
export const monitorReader = (reader: Reader<MonitorReading>): Reader<MonitorReading> => reader;
export const rulesReader = (reader: Reader<RulesReading>): Reader<RulesReading> => reader;
export const stackRouterReader = (reader: Reader<StackRouterReading>): Reader<StackRouterReading> => reader;
export const pickerReader = (reader: Reader<EndpointPickerReading>): Reader<EndpointPickerReading> => reader;
