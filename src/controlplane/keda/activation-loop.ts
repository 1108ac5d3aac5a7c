import { after, type Micros, type SimTime, START, seconds } from "../../sim/time.ts";
import type { Condition } from "../autoscaler.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import { Conditions } from "../hpa/conditions.ts";
import { fullSecond } from "./full-second.ts";
import type { ScaledObject, ScaledObjectState } from "./scaled-object.ts";

export type ScaledObjectCondition = "Ready" | "Active" | "Fallback" | "Paused" | "HPAActive";

const READY = ["ScaledObjectReady", "ScaledObject is defined correctly and is ready for scaling"] as const;

export interface ActivationLoopOptions {
  /** From the start of the world to the first poll, which is when KEDA's operator took up the object. */
  readonly firstAfter: Micros;
  /** What the HPA's status says when the loop looks; without it the condition HPAActive never shows. */
  readonly hpaConditions?: () => readonly Condition[];
}

/**
 * KEDA's scale loop of one ScaledObject: every pollingInterval from nothing to something and back, and to the minimum; what
 * lies between is the HPA's business.
 * Source: pkg/scaling/executor/scale_scaledobjects.go (RequestScale) and pkg/scaling/scale_handler.go, kedacore/keda v2.20;
 * of the pauses handlePause, controllers/keda/scaledobject_controller.go.
 */
export class ActivationLoop implements ControlLoop {
  readonly name: string;
  readonly queries: readonly string[];
  readonly firstAfter: Micros;
  readonly #object: ScaledObject;
  readonly #hpaConditions: (() => readonly Condition[]) | undefined;
  readonly #conditions = new Conditions<ScaledObjectCondition>();
  /** Whole seconds, as status.lastActiveTime is stored. */
  #lastActive: SimTime | undefined;

  constructor(object: ScaledObject, { firstAfter, hpaConditions }: ActivationLoopOptions) {
    const { namespace, name, activeBefore } = object.spec;
    this.name = `ScaledObject/${namespace}/${name}`;
    this.queries = object.queries;
    this.firstAfter = firstAfter;
    this.#object = object;
    this.#hpaConditions = hpaConditions;
    this.#lastActive = activeBefore ? START : undefined;
  }

  get conditions(): readonly Condition[] {
    return this.#conditions.all();
  }

  run({ now, monitoring, scale }: ControlView): ControlStep {
    const { spec } = this.#object;
    const target = scale(spec.workload);
    const againAfter = seconds(spec.pollingIntervalSeconds);
    if (spec.annotations.paused) return { scales: this.#paused(target.specReplicas, now), againAfter };
    const state = this.#object.poll({ now, monitoring, scale: target });
    this.#set("Ready", true, ...READY, now);
    this.#showFallback(now);
    this.#showOneWayPause(now);
    const active = state.active || spec.annotations.forceActivation;
    const scales = active
      ? this.#whileActive(state, target.specReplicas, now)
      : this.#whileInactive(state, target.specReplicas, now);
    this.#showHpa(now);
    return { scales, againAfter };
  }

  /** The HPA is gone, and the target is held at the count that the annotation names, if it names one. */
  #paused(current: number, now: SimTime): ControlStep["scales"] {
    const { annotations } = this.#object.spec;
    this.#set("Ready", true, "ScaledObjectReady", PAUSED, now);
    this.#set("Paused", true, "ScaledObjectPaused", PAUSED, now);
    const replicas = annotations.pausedReplicas;
    return replicas === undefined || replicas === current ? [] : this.#scale(replicas, PAUSED);
  }

  #whileActive(state: ScaledObjectState, current: number, now: SimTime): ControlStep["scales"] {
    const { minReplicaCount = 0, idleReplicaCount, annotations } = this.#object.spec;
    const why = annotations.forceActivation ? "activation is being forced by annotation" : "triggers are active";
    this.#set("Active", true, "ScalerActive", `Scaling is performed because ${why}`, now);
    if (current === 0 || (idleReplicaCount !== undefined && current < minReplicaCount)) {
      return annotations.pausedScaleOut ? [] : this.#activate(state, current, now);
    }
    if (state.error) {
      const message = "Some triggers defined in ScaledObject are not working correctly";
      this.#set("Ready", "Unknown", "PartialTriggerError", message, now);
      return [];
    }
    this.#lastActive = fullSecond(now);
    return [];
  }

  #activate({ activeTriggers }: ScaledObjectState, current: number, now: SimTime): ControlStep["scales"] {
    const { minReplicaCount = 0, annotations } = this.#object.spec;
    const replicas = Math.max(1, minReplicaCount);
    this.#lastActive = fullSecond(now);
    const by = annotations.forceActivation
      ? "caused by forced activation annotation"
      : `triggered by ${activeTriggers.join(";")}`;
    return this.#scale(replicas, `Scaled ${this.#target} from ${current} to ${replicas}, ${by}`);
  }

  #whileInactive({ error }: ScaledObjectState, current: number, now: SimTime): ControlStep["scales"] {
    const { minReplicaCount = 0, idleReplicaCount, fallback, annotations } = this.#object.spec;
    this.#set("Active", false, "ScalerNotActive", NOT_ACTIVE, now);
    // Its replicas are the HPA's to set, which wouldn't leave 0 again.
    if (error && fallback !== undefined && fallback.replicas !== 0) return [];
    if (error && fallback === undefined) {
      const message = "Triggers defined in ScaledObject are not working correctly";
      this.#set("Ready", false, "TriggerError", message, now);
      return [];
    }
    if ((idleReplicaCount !== undefined && current > idleReplicaCount) || (current > 0 && minReplicaCount === 0)) {
      return annotations.pausedScaleIn ? [] : this.#deactivate(current, now);
    }
    if (idleReplicaCount === undefined && current < minReplicaCount) {
      return this.#scale(
        minReplicaCount,
        "Successfully set ScaleTarget replicas count to ScaledObject minReplicaCount",
      );
    }
    return [];
  }

  #deactivate(current: number, now: SimTime): ControlStep["scales"] {
    const {
      minReplicaCount = 0,
      idleReplicaCount,
      cooldownPeriodSeconds,
      initialCooldownPeriodSeconds,
    } = this.#object.spec;
    const due =
      this.#lastActive === undefined
        ? after(START, seconds(initialCooldownPeriodSeconds))
        : after(this.#lastActive, seconds(cooldownPeriodSeconds));
    // KEDA asks whether it lies before now, but its clock is never found at the very nanosecond.
    if (now < due) {
      this.#set("Active", false, "ScalerCooldown", "Scaler cooling down because triggers are not active", now);
      return [];
    }
    const replicas = idleReplicaCount ?? minReplicaCount;
    return this.#scale(replicas, `Deactivated ${this.#target} from ${current} to ${replicas}`);
  }

  get #target(): string {
    const { targetKind, namespace, workload } = this.#object.spec;
    return `${targetKind} ${namespace}/${workload}`;
  }

  #scale(replicas: number, reason: string): ControlStep["scales"] {
    return [{ workload: this.#object.spec.workload, replicas, reason }];
  }

  // ---- conditions

  #showFallback(now: SimTime): void {
    if (this.#object.fallbackActive) {
      this.#set("Fallback", true, "FallbackExists", "At least one trigger is falling back on this scaled object", now);
    } else {
      this.#set("Fallback", false, "NoFallbackFound", "No fallbacks are active on this scaled object", now);
    }
  }

  #showOneWayPause(now: SimTime): void {
    const { pausedScaleIn, pausedScaleOut } = this.#object.spec.annotations;
    if (pausedScaleIn || pausedScaleOut) this.#set("Paused", true, "ScaledObjectPaused", PAUSED, now);
  }

  /** Source: getHPAHealth. */
  #showHpa(now: SimTime): void {
    const said = this.#hpaConditions?.().find(({ type }) => type === "ScalingActive");
    if (said === undefined) return;
    if (said.status === "True") this.#set("HPAActive", true, "HPAActive", "HPA is actively scaling", now);
    else if (said.reason === "ScalingDisabled") this.#set("HPAActive", true, "ScalingDisabled", said.message, now);
    else {
      const reason = said.reason === "" ? "HPAMetricsUnavailable" : said.reason;
      this.#set("HPAActive", false, reason, `HPA is not actively scaling: ${said.message}`, now);
    }
  }

  #set(type: ScaledObjectCondition, status: boolean | "Unknown", reason: string, message: string, now: SimTime): void {
    this.#conditions.set(type, status, reason, message, now);
  }
}

const NOT_ACTIVE = "Scaling is not performed because triggers are not active";
const PAUSED = "ScaledObject is paused";
