/** Facts kept at most: those of some thirty requests. */
const MOST = 128;

/**
 * Facts that were told and are to be counted once there are enough of them, or somebody looks. A request passes through
 * more code than the processor's instruction cache holds; counted many at once, facts find the counting code in it.
 */
export class Uncounted<F> {
  readonly #count: (facts: readonly F[], size: number) => void;
  #facts = new Array<F>(MOST);
  #size = 0;

  /** @param count the first `size` of these, in order */
  constructor(count: (facts: readonly F[], size: number) => void) {
    this.#count = count;
  }

  add(fact: F): void {
    this.#facts[this.#size] = fact;
    this.#size += 1;
    if (this.#size === MOST) this.settle();
  }

  /** Counts all of them; whoever looks at what was counted wants this first. */
  settle(): void {
    const [facts, size] = [this.#facts, this.#size];
    if (size === 0) return;
    // A new list: to an old one, which the collector has moved, every new fact would be a write barrier.
    this.#facts = new Array<F>(MOST);
    this.#size = 0;
    this.#count(facts, size);
  }
}
