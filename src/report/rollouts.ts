import type { Fact } from "../model/fact.ts";
import { elapsed, type SimTime, toSeconds } from "../sim/time.ts";

type RolloutFact = Extract<Fact, { kind: "rollout" }>;

/** How long workloads took to change their pods. */
export class Rollouts {
  readonly #told: string[] = [];
  readonly #begun = new Map<string, RolloutFact>();

  rollout(fact: RolloutFact): void {
    const begun = this.#begun.get(fact.workload);
    if (fact.phase === "begun") {
      if (begun !== undefined) this.#told.push(`${startOf(begun)} was overtaken by the next`);
      this.#begun.set(fact.workload, fact);
    } else if (begun !== undefined) {
      this.#told.push(`${startOf(begun)} took ${secondsOf(elapsed(begun.at, fact.at))}`);
      this.#begun.delete(fact.workload);
    }
  }

  notes(now: SimTime): readonly string[] {
    const open = [...this.#begun.values()].map(
      (begun) => `${startOf(begun)} was not complete after ${secondsOf(elapsed(begun.at, now))}`,
    );
    return [...this.#told, ...open];
  }
}

const startOf = ({ workload, at }: RolloutFact): string =>
  `the rollout of ${workload} that began at ${toSeconds(at).toFixed(0)} s`;

const secondsOf = (length: ReturnType<typeof elapsed>): string => `${toSeconds(length).toFixed(0)} s`;
