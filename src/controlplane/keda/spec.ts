import type { SaidBehavior } from "../hpa/spec.ts";

/** What is read of a keda.sh/v1alpha1 ScaledObject, defaults filled. Plain data. */
export interface ScaledObjectSpec {
  readonly namespace: string;
  readonly name: string;
  /** The target as KEDA's events name its kind: `apps/v1.Deployment`. */
  readonly targetKind: string;
  readonly workload: string;
  /** spec.advanced.horizontalPodAutoscalerConfig.name, or `keda-hpa-` and the object's own. */
  readonly hpaName: string;
  readonly pollingIntervalSeconds: number;
  readonly cooldownPeriodSeconds: number;
  readonly initialCooldownPeriodSeconds: number;
  /** undefined: there is no idle mode. */
  readonly idleReplicaCount?: number;
  /** undefined counts as 0, and as 1 in the HPA. */
  readonly minReplicaCount?: number;
  readonly maxReplicaCount: number;
  readonly fallback?: FallbackSpec;
  /** spec.advanced.horizontalPodAutoscalerConfig.behavior, as said. */
  readonly behavior?: SaidBehavior;
  readonly scalingModifiers?: ScalingModifiersSpec;
  /** Not empty. */
  readonly triggers: readonly TriggerSpec[];
  readonly annotations: ScaledObjectAnnotations;
  /** Unix time at which the world begins, which schedules go by; needed where a trigger has one. */
  readonly startUnixSeconds?: number;
  /** Whether a trigger had been active when the world began: the cooldown then counts from the start. */
  readonly activeBefore: boolean;
}

export type FallbackBehavior =
  | "static"
  | "currentReplicas"
  | "currentReplicasIfHigher"
  | "currentReplicasIfLower"
  | "scalingModifiers";

export interface FallbackSpec {
  /** Failures in a row that are passed on to the HPA as they are. */
  readonly failureThreshold: number;
  readonly replicas: number;
  readonly behavior: FallbackBehavior;
}

export interface ScalingModifiersSpec {
  readonly formula: string;
  /** As they stand in the object: KEDA reads the target once as a float and, for the fallback, as an integer. */
  readonly target: string;
  readonly activationTarget?: string;
  readonly metricType: "AverageValue" | "Value";
}

export interface TriggerSpec {
  readonly type: string;
  readonly name?: string;
  /** undefined: AverageValue, but for cpu and memory, which need one. */
  readonly metricType?: string;
  readonly useCachedMetrics: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** What it measures, where the simulation says so itself. */
  readonly given?: GivenSpec;
}

/** What a trigger measures, in place of what it would ask. */
export interface GivenSpec {
  /** By time; 0 before the first. */
  readonly series: readonly { readonly afterMicros: number; readonly value: number }[];
  /** Of a type that isn't simulated: its target and the value above which it is active. */
  readonly target?: number;
  readonly activation?: number;
}

export interface ScaledObjectAnnotations {
  /** `autoscaling.keda.sh/paused` or `…/paused-replicas`: no HPA, no loop. */
  readonly paused: boolean;
  readonly pausedReplicas?: number;
  readonly pausedScaleIn: boolean;
  readonly pausedScaleOut: boolean;
  readonly forceActivation: boolean;
}

/** Label by which the HPA tells KEDA's metrics server whose metric it asks for. */
export const OWNER_LABEL = "scaledobject.keda.sh/name";
export const COMPOSITE_METRIC = "composite-metric";

/** Source: defaults of kedacore/keda v2.20 (withtriggers_types.go, scale_executor.go, scaledobject_types.go). */
export const KEDA_DEFAULTS = {
  pollingIntervalSeconds: 30,
  cooldownPeriodSeconds: 300,
  initialCooldownPeriodSeconds: 0,
  maxReplicaCount: 100,
} as const;

/** @returns minReplicas of the HPA. Source: GetHPAMinReplicas, kedacore/keda v2.20. */
export const hpaMinReplicas = ({ minReplicaCount = 0 }: Pick<ScaledObjectSpec, "minReplicaCount">): number =>
  Math.max(1, minReplicaCount);
