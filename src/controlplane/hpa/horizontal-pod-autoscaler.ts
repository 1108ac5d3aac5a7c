import type { SyncMetric } from "../../model/fact.ts";
import { invariant } from "../../sim/invariant.ts";
import { type SimTime, seconds } from "../../sim/time.ts";
import type { Autoscaler, Condition, Decision, MetricsApi, ScaleView } from "../autoscaler.ts";
import { limitByRate, type ScaleEvents, storeScaleEvent } from "./behavior.ts";
import { Conditions } from "./conditions.ts";
import { isLabelSelector } from "./label-selector.ts";
import { type Limited, limitByRange } from "./limits.ts";
import { evaluateMetrics, type MetricFailure, type Verdict } from "./metric-evaluation.ts";
import { DEFAULT_METRICS, type HpaMetric, type HpaSpec } from "./spec.ts";
import { type Recommendation, stabilizeBothWays, stabilizeDown } from "./stabilization.ts";
import { toleranceOf } from "./tolerance.ts";

/** Flags of kube-controller-manager, `--horizontal-pod-autoscaler-...`, and what is a constant in its code. */
export interface HpaFlags {
  readonly syncPeriodMicros: number;
  readonly downscaleStabilizationSeconds: number;
  readonly tolerance: number;
  readonly cpuInitializationSeconds: number;
  readonly initialReadinessDelaySeconds: number;
  /** Without `behavior`, one sync adds up to the larger of factor x current and minimum. */
  readonly scaleUpLimit: { readonly factor: number; readonly minimum: number };
  /** Gate PodLevelResources: beta, on, from v1.34. */
  readonly podLevelResources: boolean;
}

/** Source: pkg/controller/podautoscaler/config/v1alpha1/defaults.go and horizontal.go, Kubernetes v1.36. */
export const HPA_FLAG_DEFAULTS: HpaFlags = {
  syncPeriodMicros: 15e6,
  downscaleStabilizationSeconds: 300,
  tolerance: 0.1,
  cpuInitializationSeconds: 300,
  initialReadinessDelaySeconds: 30,
  scaleUpLimit: { factor: 2, minimum: 4 },
  podLevelResources: true,
};

/** What the controller remembers of one HPA, in memory (lost when it restarts) and in the object's status. */
export interface HpaMemory {
  /** undefined: the first pass seeds it with the replicas there are. */
  readonly recommendations: Recommendation[] | undefined;
  readonly scaleEvents: ScaleEvents;
  readonly conditions: readonly Condition[];
  /** status.desiredReplicas. undefined: as many as there are. */
  readonly desiredReplicas: number | undefined;
}

/** The scale subresource of the target. */
export interface ScaleTarget {
  /** undefined: the API server answers with an error. */
  read(): ScaleView | undefined;
  write(replicas: number): "written" | "conflict" | "failed";
}

export interface HpaEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface HpaDecision extends Decision {
  readonly events: readonly HpaEvent[];
  /** Whether the pass changed the object's status: an unchanged one isn't written. */
  readonly statusChanged: boolean;
}

/** client-go retry.DefaultRetry. */
const WRITE_ATTEMPTS = 5;

interface Status {
  readonly currentReplicas: number;
  readonly desiredReplicas: number;
  readonly metrics: readonly SyncMetric[];
  readonly lastScaleAt: SimTime | undefined;
}

/** What a pass wants, or why it stops. `error`: reason of the first metric that failed while the others decided. */
type Wish =
  | { readonly kind: "disabled" }
  | { readonly kind: "scale"; readonly replicas: number; readonly why: string; readonly error?: string }
  | { readonly kind: "stop"; readonly failure: MetricFailure };

type Outcome = Pick<Decision, "rescale" | "reason" | "error">;
/** How a pass came from the metrics to its wish. */
type Course = Pick<Decision, "proposal" | "stabilised" | "limitedBy">;

/**
 * The HorizontalPodAutoscaler of autoscaling/v2 with the memory that kube-controller-manager keeps of it.
 * Source: reconcileAutoscaler in pkg/controller/podautoscaler/horizontal.go, Kubernetes v1.36; what other releases do
 * otherwise hangs on `spec.kubernetesMinor` and `spec.featureGates`.
 */
export class HorizontalPodAutoscaler implements Autoscaler {
  readonly #spec: HpaSpec;
  readonly #metrics: readonly HpaMetric[];
  readonly #flags: HpaFlags;
  readonly #conditions: Conditions;
  readonly #scaleEvents: ScaleEvents;
  #recommendations: Recommendation[] | undefined;
  #status: Status | undefined;
  readonly #desiredBefore: number | undefined;
  /** Its status as the last reconcile left it. */
  #said: string;
  #events: HpaEvent[] = [];
  #course: Course = {};

  /** @param flags those left out are the defaults; @param memory of a controller and an object that were there before */
  constructor(spec: HpaSpec, flags: Partial<HpaFlags> = {}, memory: Partial<HpaMemory> = {}) {
    this.#spec = spec;
    this.#metrics = spec.metrics.length > 0 ? spec.metrics : DEFAULT_METRICS;
    this.#flags = { ...HPA_FLAG_DEFAULTS, ...flags };
    this.#conditions = new Conditions(memory.conditions);
    this.#scaleEvents = memory.scaleEvents ?? { up: [], down: [] };
    this.#recommendations = memory.recommendations;
    this.#desiredBefore = memory.desiredReplicas;
    this.#said = this.#statusText();
  }

  get minReplicas(): number {
    return this.#spec.minReplicas;
  }

  get maxReplicas(): number {
    return this.#spec.maxReplicas;
  }

  get periodMicros(): number {
    return this.#flags.syncPeriodMicros;
  }

  /** @returns what one reconcile decides, for a caller that writes the scale without fail when told to */
  sync(now: SimTime, scale: ScaleView, metrics: MetricsApi): HpaDecision {
    return this.reconcile(now, { read: () => scale, write: () => "written" }, metrics);
  }

  look(now: SimTime, scale: ScaleView, metrics: MetricsApi): readonly SyncMetric[] {
    return this.#evaluate(now, scale, metrics).metrics;
  }

  /** One reconcile, which writes the scale itself; `rescale` says whether it did. */
  reconcile(now: SimTime, target: ScaleTarget, metrics: MetricsApi): HpaDecision {
    const before = this.#said;
    this.#events = [];
    this.#course = {};
    const outcome = this.#pass(now, target, metrics);
    this.#said = this.#statusText();
    return {
      ...outcome,
      desiredReplicas: this.#status?.desiredReplicas ?? this.#desiredBefore ?? 0,
      conditions: this.#conditions.all(),
      metrics: this.#status?.metrics ?? [],
      ...this.#course,
      events: this.#events,
      statusChanged: this.#said !== before,
    };
  }

  #pass(now: SimTime, target: ScaleTarget, metrics: MetricsApi): Outcome {
    const scale = target.read();
    if (scale === undefined) {
      const message = "the HPA controller was unable to get the target's current scale";
      this.#conditions.set("AbleToScale", false, "FailedGetScale", message, now);
      this.#warn("FailedGetScale", message);
      return failure("FailedGetScale");
    }
    const got = "the HPA controller was able to get the target's current scale";
    this.#conditions.set("AbleToScale", true, "SucceededGetScale", got, now);
    if (!this.#spec.featureGates.scaleToZero) this.#conditions.remove("ScaledToZero");
    const current = scale.specReplicas;
    this.#recommendations ??= [{ replicas: current, at: now }];

    const wish = this.#wish(now, scale, metrics);
    if (wish.kind === "stop") {
      this.#warn("FailedComputeMetricsReplicas", wish.failure.message);
      return failure(wish.failure.reason);
    }
    const error = wish.kind === "scale" && wish.error !== undefined ? { error: wish.error } : {};
    if (wish.kind === "disabled" || wish.replicas === current) {
      this.#note({ desiredReplicas: current });
      return { rescale: false, reason: wish.kind === "disabled" ? "ScalingDisabled" : this.#rulingReason(), ...error };
    }
    if (!this.#write(target, wish.replicas)) {
      const message = "the HPA controller was unable to update the target scale";
      this.#conditions.set("AbleToScale", false, "FailedUpdateScale", message, now);
      this.#warn("FailedRescale", `New size: ${wish.replicas}; reason: ${wish.why}`);
      return failure("FailedUpdateScale");
    }
    const reason = wish.why === "" ? this.#rulingReason() : wish.why;
    this.#rescaled(now, current, wish.replicas, wish.why);
    return { rescale: true, reason, ...error };
  }

  #wish(now: SimTime, scale: ScaleView, metrics: MetricsApi): Wish {
    const { minReplicas: min, maxReplicas: max } = this.#spec;
    const current = scale.specReplicas;
    this.#status = {
      currentReplicas: current,
      desiredReplicas: this.#status?.desiredReplicas ?? this.#desiredBefore ?? current,
      metrics: [],
      lastScaleAt: this.#status?.lastScaleAt,
    };
    if (current === 0 && !this.#wakes()) {
      const message = "scaling is disabled since the replica count of the target is zero";
      this.#conditions.set("ScalingActive", false, "ScalingDisabled", message, now);
      return { kind: "disabled" };
    }
    if (current > max) {
      return { kind: "scale", replicas: max, why: "Current number of replicas above Spec.MaxReplicas" };
    }
    if (current < min && current !== 0) {
      return { kind: "scale", replicas: min, why: "Current number of replicas below Spec.MinReplicas" };
    }
    return this.#wishByMetrics(now, scale, metrics);
  }

  #evaluate(now: SimTime, scale: ScaleView, metrics: MetricsApi): Verdict {
    return evaluateMetrics(this.#metrics, {
      scale,
      metrics,
      currentReplicas: scale.specReplicas,
      pods: scale.pods,
      tolerance: toleranceOf(this.#spec, this.#flags.tolerance),
      readiness: {
        cpuInitialization: seconds(this.#flags.cpuInitializationSeconds),
        initialReadinessDelay: seconds(this.#flags.initialReadinessDelaySeconds),
      },
      podLevelResources: this.#flags.podLevelResources,
      now,
    });
  }

  #wishByMetrics(now: SimTime, scale: ScaleView, metrics: MetricsApi): Wish {
    const current = scale.specReplicas;
    const fault = this.#selectorFault(scale, now);
    if (fault !== undefined) return { kind: "stop", failure: fault };
    const verdict = this.#evaluate(now, scale, metrics);
    this.#note({ metrics: verdict.metrics });
    const { best, failures } = verdict;
    for (const { reason, message } of failures) this.#warn(reason, message);
    const first = failures[0];
    if (best === undefined) {
      invariant(first !== undefined, "without a proposal, a metric has failed");
      const said = `the HPA was unable to compute the replica count: ${first.message}`;
      this.#conditions.set("ScalingActive", false, first.reason, said, now);
      const message = `invalid metrics (${failures.length} invalid out of ${this.#metrics.length}), first error is: ${first.message}`;
      return { kind: "stop", failure: { reason: first.reason, message } };
    }
    const valid = `the HPA was able to successfully calculate a replica count from ${best.described}`;
    this.#conditions.set("ScalingActive", true, "ValidMetricFound", valid, now);

    const asked = Math.max(0, best.replicas);
    // Where the metrics ask for what there is and an older recommendation rules, the controller gives no reason.
    const why = asked > current ? `${best.described} above target` : asked < current ? "All metrics below target" : "";
    const replicas = this.#normalized(now, current, asked);
    return {
      kind: "scale",
      // Waking from 0, a rate may have left it below the minimum.
      replicas: current === 0 ? Math.max(replicas, this.#spec.minReplicas) : replicas,
      why,
      ...(first === undefined ? {} : { error: first.reason }),
    };
  }

  /** Stabilises what the metrics ask for, then limits it, and says both in conditions. */
  #normalized(now: SimTime, current: number, asked: number): number {
    const { behavior, minReplicas: min, maxReplicas: max } = this.#spec;
    const history = this.#recommendations;
    invariant(history !== undefined, "the history is seeded before the metrics are evaluated");
    const window = (said: number | undefined) => seconds(said ?? this.#flags.downscaleStabilizationSeconds);
    let stable: number;
    let limited: Limited;
    if (behavior === undefined) {
      stable = stabilizeDown(history, asked, window(undefined), now);
      limited = limitByRange(current, stable, { min, max }, this.#flags.scaleUpLimit);
    } else {
      const up = seconds(behavior.scaleUp.stabilizationWindowSeconds ?? 0);
      const down = window(behavior.scaleDown.stabilizationWindowSeconds);
      stable = stabilizeBothWays(history, current, asked, { up, down }, now);
      limited = limitByRate(current, stable, { min, max }, behavior, this.#scaleEvents, now);
    }
    const [reason, message] = stabilityOf(asked, stable, behavior !== undefined && asked >= current);
    this.#conditions.set("AbleToScale", true, reason, message, now);
    const isLimited = limited.replicas !== stable;
    this.#course = { proposal: asked, stabilised: stable, ...(isLimited ? { limitedBy: limited.reason } : {}) };
    this.#conditions.set("ScalingLimited", isLimited, limited.reason, LIMIT_MESSAGES[limited.reason], now);
    return limited.replicas;
  }

  /**
   * Whether metrics are looked at with no replica there. Up to v1.35 that hangs on minReplicas alone; since then the HPA
   * wakes only what it put to sleep itself, so that somebody's 0 stays 0.
   */
  #wakes(): boolean {
    const { minReplicas, featureGates, kubernetesMinor } = this.#spec;
    if (kubernetesMinor <= 35) return minReplicas === 0;
    const sleeps = featureGates.scaleToZero && this.#conditions.isTrue("ScaledToZero");
    return sleeps && (minReplicas !== 0 || this.#hasOutsideMetric());
  }

  /** A metric that exists without pods. */
  #hasOutsideMetric(): boolean {
    return this.#metrics.some(({ type }) => type === "Object" || type === "External");
  }

  #selectorFault({ selector, alsoSelectedBy = [] }: ScaleView, now: SimTime): MetricFailure | undefined {
    if (selector === "") {
      this.#conditions.set(
        "ScalingActive",
        false,
        "InvalidSelector",
        "the HPA target's scale is missing a selector",
        now,
      );
      this.#warn("SelectorRequired", "selector is required");
      return { reason: "InvalidSelector", message: "selector is required" };
    }
    if (selector !== undefined && !isLabelSelector(selector)) {
      const message = `couldn't convert selector into a corresponding internal selector object: ${selector}`;
      return this.#selectorFailure("InvalidSelector", message, now);
    }
    if (alsoSelectedBy.length > 0) {
      const message = `pods by selector ${selector ?? ""} are controlled by multiple HPAs: also by ${alsoSelectedBy.join(", ")}`;
      return this.#selectorFailure("AmbiguousSelector", message, now);
    }
    return undefined;
  }

  #selectorFailure(reason: string, message: string, now: SimTime): MetricFailure {
    this.#conditions.set("ScalingActive", false, reason, message, now);
    this.#warn(reason, message);
    return { reason, message };
  }

  #write(target: ScaleTarget, replicas: number): boolean {
    for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
      const answer = target.write(replicas);
      if (answer !== "conflict") return answer === "written";
      if (target.read() === undefined) return false;
    }
    return false;
  }

  #rescaled(now: SimTime, from: number, to: number, why: string): void {
    const message = `the HPA controller was able to update the target scale to ${to}`;
    this.#conditions.set("AbleToScale", true, "SucceededRescale", message, now);
    this.#events.push({ type: "Normal", reason: "SuccessfulRescale", message: `New size: ${to}; reason: ${why}` });
    const { behavior, featureGates, minReplicas, kubernetesMinor } = this.#spec;
    if (behavior !== undefined) {
      if (to > from) storeScaleEvent(this.#scaleEvents.up, to - from, behavior.scaleUp, now);
      else storeScaleEvent(this.#scaleEvents.down, from - to, behavior.scaleDown, now);
    }
    this.#note({ desiredReplicas: to, lastScaleAt: now });
    if (!featureGates.scaleToZero || kubernetesMinor <= 35) return;
    if (to === 0 && minReplicas === 0 && this.#hasOutsideMetric()) {
      this.#conditions.set("ScaledToZero", true, "ScaledToZero", "the HPA controller scaled the workload to zero", now);
    } else {
      const not = "the HPA controller did not scale the workload to zero";
      this.#conditions.set("ScaledToZero", false, "NotScaledToZero", not, now);
    }
  }

  #warn(reason: string, message: string): void {
    this.#events.push({ type: "Warning", reason, message });
  }

  #note(change: Partial<Status>): void {
    invariant(this.#status !== undefined, "the status is begun before it is changed");
    this.#status = { ...this.#status, ...change };
  }

  /** The condition that ruled where the metrics didn't. */
  #rulingReason(): string {
    const able = this.#conditions.reasonOf("AbleToScale") ?? "";
    if (able !== "ReadyForNewScale") return able;
    return (
      (this.#conditions.isTrue("ScalingLimited") ? this.#conditions.reasonOf("ScalingLimited") : undefined) ?? able
    );
  }

  #statusText(): string {
    return JSON.stringify([this.#status, this.#conditions.all()]);
  }
}

/** Of a pass that ended with an error. */
const failure = (reason: string): Outcome => ({ rescale: false, reason, error: reason });

const stabilityOf = (asked: number, stable: number, up: boolean): readonly [string, string] => {
  if (asked === stable) return ["ReadyForNewScale", "recommended size matches current size"];
  return up
    ? [
        "ScaleUpStabilized",
        "recent recommendations were lower than current one, applying the lowest recent recommendation",
      ]
    : [
        "ScaleDownStabilized",
        "recent recommendations were higher than current one, applying the highest recent recommendation",
      ];
};

const LIMIT_MESSAGES: Readonly<Record<Limited["reason"], string>> = {
  DesiredWithinRange: "the desired count is within the acceptable range",
  TooFewReplicas: "the desired replica count is less than the minimum replica count",
  TooManyReplicas: "the desired replica count is more than the maximum replica count",
  ScaleUpLimit: "the desired replica count is increasing faster than the maximum scale rate",
  ScaleDownLimit: "the desired replica count is decreasing faster than the maximum scale rate",
};
