import type { Labels } from "./labels.ts";

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  readonly drop: number;
}

/**
 * The best so far, the worst of them on top; NaN is worse than all. Which of equals stays depends on the order of exchanges,
 * so these are those of Go's container/heap. Source: Go 1.26; vectorByValueHeap, Prometheus 3.14.
 */
export class SampleHeap {
  readonly items: Sample[] = [];
  readonly #sign: 1 | -1;

  /** @param sign 1: the greatest are the best; -1: the smallest */
  constructor(sign: 1 | -1) {
    this.#sign = sign;
  }

  clear(): void {
    this.items.length = 0;
  }

  push(sample: Sample): void {
    const { items } = this;
    let at = items.push(sample) - 1;
    for (let parent = (at - 1) >> 1; at > 0 && this.#before(at, parent); parent = (at - 1) >> 1) {
      this.#swap(at, parent);
      at = parent;
    }
  }

  replaceIfBetter(sample: Sample): void {
    const worst = (this.items[0] as Sample).value;
    const better = this.#sign * worst < this.#sign * sample.value;
    if (!better && !(Number.isNaN(worst) && !Number.isNaN(sample.value))) return;
    this.items[0] = sample;
    this.#sink(0);
  }

  /** The best first. */
  sorted(): readonly Sample[] {
    const rank = (a: number, b: number): number => {
      if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
      return a === b ? 0 : this.#sign * a > this.#sign * b ? -1 : 1;
    };
    return this.items.sort((a, b) => rank(a.value, b.value));
  }

  #sink(start: number): void {
    const { length } = this.items;
    for (let at = start; ; ) {
      const left = 2 * at + 1;
      if (left >= length) return;
      const child = left + 1 < length && this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #before(a: number, b: number): boolean {
    const value = (this.items[a] as Sample).value;
    return Number.isNaN(value) || this.#sign * value < this.#sign * (this.items[b] as Sample).value;
  }

  #swap(a: number, b: number): void {
    const { items } = this;
    [items[a], items[b]] = [items[b] as Sample, items[a] as Sample];
  }
}
