import type { SyncMetric } from "../model/fact.ts";
import type { SimTime } from "../sim/time.ts";

/*
 * The control plane: who decides how many replicas there are (hpa/), what it knows of the engines and how late (metrics/), and
 * what becomes of the pods that it wants or no longer wants (pods/). This file is the contract between them and the world.
 */

/** A pod as the API server knows it: what an autoscaler reads. */
export interface PodView {
  readonly name: string;
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed";
  /** Condition Ready; null: the pod has no such condition yet. */
  readonly ready: boolean | null;
  readonly startedAt: SimTime | undefined;
  readonly readyChangedAt: SimTime | undefined;
  readonly deleting: boolean;
  /** Left out where nothing depends on it: then it counts as old as any. */
  readonly createdAt?: SimTime;
  /** Its node; undefined: it has none yet. */
  readonly node?: string | undefined;
  /** Annotation controller.kubernetes.io/pod-deletion-cost. Left out: 0. */
  readonly deletionCost?: number;
  /** What utilisation of a resource is measured against. Left out: the pod has no containers that anybody knows. */
  readonly requests?: PodRequests;
}

/** Requests of a pod by resource name, in thousandths; a resource that is absent has no request. */
export interface PodRequests {
  readonly containers: readonly ContainerRequests[];
  readonly initContainers?: readonly (ContainerRequests & { readonly restartable: boolean })[];
  /** spec.resources.requests of the pod itself (PodLevelResources). */
  readonly pod?: Readonly<Record<string, number>>;
}

export interface ContainerRequests {
  readonly name: string;
  readonly milli: Readonly<Record<string, number>>;
}

/** The scale target as the API server knows it. */
export interface ScaleView {
  readonly specReplicas: number;
  /** status.replicas: pods that exist and are not being deleted. */
  readonly statusReplicas: number;
  /** All pods that the target's selector matches. */
  readonly pods: readonly PodView[];
  /** status.selector. Left out: a valid one, which matches `pods`. */
  readonly selector?: string;
  /** Other autoscalers, `namespace/name`, whose targets' selectors match one of `pods`. */
  readonly alsoSelectedBy?: readonly string[];
}

/** One sample of a metrics API: the value in thousandths, the 64-bit integer that the controller reads out of a Quantity. */
export interface MetricValue {
  readonly valueMilli: bigint;
  readonly at: SimTime;
  readonly windowSeconds: number;
}

/** What the metrics APIs answer now: as late as scrapes and queries made it. `undefined`: the API answers with an error or with no data. */
export interface MetricsApi {
  /** custom.metrics.k8s.io, per pod. */
  pods(metric: string, selector: Readonly<Record<string, string>>): ReadonlyMap<string, MetricValue> | undefined;
  /** custom.metrics.k8s.io, of one object. @param kind of the object, as its manifest has it: `Namespace` */
  object(
    metric: string,
    object: string,
    selector: Readonly<Record<string, string>>,
    kind: string,
  ): MetricValue | undefined;
  /** external.metrics.k8s.io: all series that match. */
  external(metric: string, selector: Readonly<Record<string, string>>): readonly MetricValue[] | undefined;
  /** metrics.k8s.io: usage per pod, of all its containers or of the named one. Left out: there is no such API. */
  resource?(resource: string, container: string | undefined): ReadonlyMap<string, MetricValue> | undefined;
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** When `status` last changed. */
  readonly lastTransitionAt: SimTime;
}

/** What one reconcile came to. */
export interface Decision {
  /** status.desiredReplicas after the pass. */
  readonly desiredReplicas: number;
  /** Whether spec.replicas of the target is to be written. */
  readonly rescale: boolean;
  /** Why it is so: the text of the event SuccessfulRescale, else the reason of the condition that decided. */
  readonly reason: string;
  /** Set if the pass failed, or if a metric failed and the others decided: the reason of the first failure. */
  readonly error?: string;
  readonly conditions: readonly Condition[];
  readonly metrics: readonly SyncMetric[];
  /** What the metrics asked for together, what stabilisation left of it, and what limit cut that: as in `SyncFact`. */
  readonly proposal?: number;
  readonly stabilised?: number;
  readonly limitedBy?: string;
}

/** A controller that decides how many replicas are wanted. It keeps what the real one keeps in memory. */
export interface Autoscaler {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Time between the end of one reconcile and the next. */
  readonly periodMicros: number;
  sync(now: SimTime, scale: ScaleView, metrics: MetricsApi): Decision;
  /** What its metrics come to with these answers, one by one as in a decision; nothing is decided or remembered. */
  look(now: SimTime, scale: ScaleView, metrics: MetricsApi): readonly SyncMetric[];
}
