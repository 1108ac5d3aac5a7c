import type { Labels } from "./labels.ts";
import { QueryError } from "./query-error.ts";

/**
 * Labels and values at one instant, in columns. Each step of a plan owns one and writes it anew at every instant, so what
 * reads it must be done before the step is asked again. From one instant to the next the labels are mostly the same
 * objects at the same places; steps make use of that.
 */
export class InstantVector {
  readonly labels: Labels[] = [];
  values = new Float64Array(16);
  /** 1 where the name goes at the end of the query (delayed name removal). */
  drops = new Uint8Array(16);
  length = 0;
  /** So many of the first are known to differ from one another. */
  #distinct = 0;

  clear(): void {
    this.length = 0;
  }

  push(labels: Labels, value: number, drop: number): void {
    const at = this.length;
    if (at === this.values.length) this.#grow();
    if (this.labels[at] !== labels) {
      this.labels[at] = labels;
      if (at < this.#distinct) this.#distinct = at;
    }
    this.values[at] = value;
    this.drops[at] = drop;
    this.length = at + 1;
  }

  /** @throws QueryError if two have the same labels */
  refuseDoubles(): void {
    if (this.length <= this.#distinct) return;
    const seen = new Set<string>();
    for (let i = 0; i < this.length; i += 1) {
      const { key } = this.labels[i] as Labels;
      if (seen.has(key)) throw new QueryError("vector cannot contain metrics with the same labelset");
      seen.add(key);
    }
    this.#distinct = this.length;
  }

  #grow(): void {
    const values = new Float64Array(this.values.length * 2);
    values.set(this.values);
    this.values = values;
    const drops = new Uint8Array(this.drops.length * 2);
    drops.set(this.drops);
    this.drops = drops;
  }
}

/**
 * What a step made of labels, remembered. Bounded: pods come and go, and each has labels of its own. Labels that stand
 * where they stood last time are not even looked up.
 */
export class LabelCache<T> {
  readonly #make: (labels: Labels) => T;
  readonly #made = new Map<Labels, T>();
  readonly #lastLabels: Labels[] = [];
  readonly #last: T[] = [];
  readonly #most: number;

  constructor(make: (labels: Labels) => T, most = 20_000) {
    this.#make = make;
    this.#most = most;
  }

  clear(): void {
    this.#made.clear();
    this.#lastLabels.length = 0;
    this.#last.length = 0;
  }

  /** @param at its place in the vector */
  get(labels: Labels, at: number): T {
    if (this.#lastLabels[at] === labels) return this.#last[at] as T;
    let made = this.#made.get(labels);
    if (made === undefined) {
      if (this.#made.size >= this.#most) this.#made.clear();
      made = this.#make(labels);
      this.#made.set(labels, made);
    }
    this.#lastLabels[at] = labels;
    this.#last[at] = made;
    return made;
  }
}
