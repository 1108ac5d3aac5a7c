import type { SimTime } from "../../sim/time.ts";
import type { Condition } from "../autoscaler.ts";

export type ConditionType = "AbleToScale" | "ScalingActive" | "ScalingLimited" | "ScaledToZero";

/** The conditions of a status, an HPA's unless another's types are named, in order of first appearance. */
export class Conditions<Type extends string = ConditionType> {
  readonly #byType = new Map<string, Condition>();

  constructor(existing: readonly Condition[] = []) {
    for (const condition of existing) this.#byType.set(condition.type, condition);
  }

  /** lastTransitionTime moves only when the status flips. */
  set(type: Type, isTrue: boolean | "Unknown", reason: string, message: string, now: SimTime): void {
    const status = isTrue === "Unknown" ? isTrue : isTrue ? "True" : "False";
    const before = this.#byType.get(type);
    const lastTransitionAt = before?.status === status ? before.lastTransitionAt : now;
    this.#byType.set(type, { type, status, reason, message, lastTransitionAt });
  }

  remove(type: Type): void {
    this.#byType.delete(type);
  }

  isTrue(type: Type): boolean {
    return this.#byType.get(type)?.status === "True";
  }

  reasonOf(type: Type): string | undefined {
    return this.#byType.get(type)?.reason;
  }

  all(): readonly Condition[] {
    return [...this.#byType.values()];
  }
}
