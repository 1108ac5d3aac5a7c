import type { Histogram } from "../model/metric-family.ts";

/** A histogram's bucket that took the last observation: others are sought only when that one doesn't fit. */
export class RecentBucket {
  readonly #histogram: Histogram;
  #index = 0;
  /** Exclusive and inclusive bound. */
  #above = Number.POSITIVE_INFINITY;
  #upTo = Number.NEGATIVE_INFINITY;

  constructor(histogram: Histogram) {
    this.#histogram = histogram;
  }

  /** Counts a value; the histogram's sum is left to others. */
  count(value: number, weight: number): void {
    const { counts } = this.#histogram;
    if (!(value > this.#above && value <= this.#upTo)) this.#seek(value);
    counts[this.#index] = (counts[this.#index] as number) + weight;
  }

  #seek(value: number): void {
    const { bounds } = this.#histogram;
    this.#index = this.#histogram.bucketOf(value);
    this.#above = bounds[this.#index - 1] ?? Number.NEGATIVE_INFINITY;
    this.#upTo = bounds[this.#index] ?? Number.POSITIVE_INFINITY;
  }
}
