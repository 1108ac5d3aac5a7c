import type { ScaleView } from "../autoscaler.ts";
import type { HpaTarget } from "../hpa/spec.ts";
import { truncatedMilli } from "./float-quantity.ts";
import type { FallbackSpec, ScaledObjectSpec } from "./spec.ts";
import type { Measured } from "./trigger.ts";

/** What a trigger's metric comes to once the fallback has had its say. */
export type Answered =
  | { readonly ok: true; readonly milli: bigint; readonly fallback: boolean }
  | { readonly ok: false; readonly message: string };

/**
 * Failures in a row of each external metric, as status.health has them: the HPA's questions and the polls count together.
 * Source: pkg/fallback/fallback.go, kedacore/keda v2.20 (GetMetricsWithFallback, doFallback, HasValidFallback).
 */
export class Fallback {
  readonly #failures = new Map<string, number>();
  readonly #said: FallbackSpec | undefined;
  readonly #modifiers: ScaledObjectSpec["scalingModifiers"];

  constructor({ fallback, scalingModifiers }: Pick<ScaledObjectSpec, "fallback" | "scalingModifiers">) {
    this.#said = isValidFallback({ fallback, scalingModifiers }) ? fallback : undefined;
    this.#modifiers = scalingModifiers;
  }

  /** Whether a metric has failed more often than is borne. */
  exceeded(metric: string): boolean {
    return this.#said !== undefined && (this.#failures.get(metric) ?? 0) > this.#said.failureThreshold;
  }

  /** Whether any metric has: the condition Fallback. */
  get active(): boolean {
    return [...this.#failures.keys()].some((metric) => this.exceeded(metric));
  }

  /** Counts what a metric came to, and puts the fallback's value in the place of an error that has lasted. */
  answer(metric: string, target: HpaTarget, measured: Measured, scale: ScaleView): Answered {
    if (measured.ok) {
      this.#failures.set(metric, 0);
      return { ok: true, milli: measured.milli, fallback: false };
    }
    if (this.#said === undefined) return measured;
    this.#failures.set(metric, (this.#failures.get(metric) ?? 0) + 1);
    if (!this.exceeded(metric)) return measured;
    // The formula sees nil for it.
    if (this.#said.behavior === "scalingModifiers") return { ok: true, milli: -1000n, fallback: false };
    return this.#instead(this.#said, target, scale);
  }

  #instead(said: FallbackSpec, target: HpaTarget, scale: ScaleView): Answered {
    const perTarget = this.#modifiers === undefined ? targetValue(target) : Number(this.#modifiers.target);
    const type = this.#modifiers === undefined ? target.type : this.#modifiers.metricType;
    const replicas = wanted(said, scale.specReplicas);
    if (type !== "Value") return { ok: true, milli: truncatedMilli(perTarget * replicas), fallback: true };
    const ready = scale.pods.filter(({ phase, ready }) => phase === "Running" && ready === true).length;
    if (ready === 0) return { ok: false, message: "error performing fallback" };
    return { ok: true, milli: truncatedMilli(perTarget * (replicas / ready)), fallback: true };
  }
}

const targetValue = (target: HpaTarget): number => (target.type === "Utilization" ? 0 : target.milli / 1000);

const wanted = ({ behavior, replicas }: FallbackSpec, current: number): number => {
  switch (behavior) {
    case "static":
    case "scalingModifiers":
      return replicas;
    case "currentReplicas":
      return current;
    case "currentReplicasIfHigher":
      return Math.max(current, replicas);
    case "currentReplicasIfLower":
      return Math.min(current, replicas);
    default:
      return behavior satisfies never;
  }
};

/** Whether KEDA uses the fallback at all: with scalingModifiers only if their target is a whole number above 0. */
export const isValidFallback = ({
  fallback,
  scalingModifiers,
}: {
  readonly fallback?: FallbackSpec | undefined;
  readonly scalingModifiers?: ScaledObjectSpec["scalingModifiers"];
}): boolean => {
  if (fallback === undefined) return false;
  if (scalingModifiers === undefined) return true;
  return /^\+?\d+$/.test(scalingModifiers.target) && Number(scalingModifiers.target) > 0;
};
