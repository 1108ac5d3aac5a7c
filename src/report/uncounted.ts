import type { Fact } from "../model/fact.ts";

/** Facts kept at most: those of some thirty requests. */
const MOST = 128;

/**
 * Facts that were told and are to be counted once there are enough of them, or somebody looks. A request passes through
 * more code than the processor's instruction cache holds; counted many at once, facts find the counting code in it.
 */
export class Uncounted {
  readonly #count: (fact: Fact) => void;
  #facts: Fact[] = [];

  constructor(count: (fact: Fact) => void) {
    this.#count = count;
  }

  add(fact: Fact): void {
    this.#facts.push(fact);
    if (this.#facts.length === MOST) this.settle();
  }

  /** Counts all of them, in order; whoever looks at what was counted wants this first. */
  settle(): void {
    const facts = this.#facts;
    if (facts.length === 0) return;
    // A new list: to an old one, which the collector has moved, every new fact would be a write barrier.
    this.#facts = [];
    for (let i = 0; i < facts.length; i += 1) this.#count(facts[i] as Fact);
  }
}
