/** Facts kept at most: those of some thirty requests. */
const MOST = 128;

/**
 * Facts that were told and are to be counted once there are enough of them, or somebody looks. A request passes through
 * more code than the processor's instruction cache holds; counted many at once, facts find the counting code in it.
 */
export class Uncounted<F> {
  readonly #count: (facts: readonly F[]) => void;
  #facts: F[] = [];

  /** @param count all of these, in order */
  constructor(count: (facts: readonly F[]) => void) {
    this.#count = count;
  }

  add(fact: F): void {
    this.#facts.push(fact);
    if (this.#facts.length === MOST) this.settle();
  }

  /** Counts all of them; whoever looks at what was counted wants this first. */
  settle(): void {
    const facts = this.#facts;
    if (facts.length === 0) return;
    // A new list: to an old one, which the collector has moved, every new fact would be a write barrier.
    this.#facts = [];
    this.#count(facts);
  }
}
