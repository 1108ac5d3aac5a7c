import type { Fact } from "../model/fact.ts";
import { type SimTime, toSeconds } from "../sim/time.ts";

/** Pods that others of higher priority pushed out, and those that a ResourceQuota didn't let be created. */
export class DeniedPods {
  /** By who lost and who won. */
  readonly #preempted = new Map<string, { readonly first: SimTime; count: number }>();
  /** By workload and quota. */
  readonly #refused = new Map<string, { readonly first: SimTime; last: SimTime; again: SimTime; most: number }>();

  preempted({ at, workload, by }: Extract<Fact, { kind: "preempted" }>): void {
    const key = `of ${workload} pushed out by pods of ${by}, whose priority is higher`;
    const before = this.#preempted.get(key);
    if (before === undefined) this.#preempted.set(key, { first: at, count: 1 });
    else before.count += 1;
  }

  refused({ at, workload, quota, missing, again }: Extract<Fact, { kind: "create-refused" }>): void {
    const key = `ResourceQuota ${quota} kept pods of ${workload} from being created`;
    const before = this.#refused.get(key);
    if (before === undefined) this.#refused.set(key, { first: at, last: at, again, most: missing });
    else Object.assign(before, { last: at, again, most: Math.max(before.most, missing) });
  }

  notes(): readonly string[] {
    const preempted = [...this.#preempted].map(
      ([key, { first, count }]) =>
        `${count} ${count === 1 ? "pod" : "pods"} ${key}, the first at ${toSeconds(first).toFixed(0)} s`,
    );
    const refused = [...this.#refused].map(([key, { first, last, again, most }]) => {
      const [from, to, next] = [first, last, again].map((at) => toSeconds(at).toFixed(0));
      return `${key} (FailedCreate): ${most} missing at most, first at ${from} s, last tried at ${to} s, due again at ${next} s`;
    });
    return [...preempted, ...refused];
  }
}
