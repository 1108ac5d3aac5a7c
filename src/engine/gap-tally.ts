import { fineSecondsBounds } from "../model/fine-bounds.ts";
import { Histogram } from "../model/metric-family.ts";
import { RecentBucket } from "./recent-bucket.ts";

/** Bounds of vllm/v1/metrics/loggers.py (May 2026), in seconds. */
export const ITL_BOUNDS: readonly number[] = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];

/**
 * Gaps between tokens, by far the most frequent observation: one per request and step. Equal ones go in together, the
 * bucket is sought only when the last one doesn't fit, and the sum is kept in whole microseconds, so that it doesn't
 * depend on the order of adding.
 */
export class GapTally {
  readonly coarse = new Histogram(ITL_BOUNDS);
  readonly fine = new Histogram(fineSecondsBounds);
  readonly #buckets = [new RecentBucket(this.coarse), new RecentBucket(this.fine)] as const;
  #length = -1;
  #count = 0;
  /** Microseconds. */
  #sum = 0;

  add(length: number, count: number): void {
    if (length !== this.#length) this.flush();
    this.#length = length;
    this.#count += count;
  }

  /**
   * The same for one step after the other, from `begin` on, with ends `from` to `to`.
   * @param beyond added to the length of each, microseconds
   */
  addRun(ends: Float64Array, from: number, to: number, begin: number, beyond: number, count: number): void {
    this.flush();
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    let start = begin;
    for (let i = from; i < to; i += 1) {
      const end = ends[i] as number;
      const length = end - start + beyond;
      if (length < least) least = length;
      if (length > most) most = length;
      start = end;
    }
    this.#sum += (start - begin + (to - from) * beyond) * count;
    this.coarse.sum = this.fine.sum = this.#sum / 1e6;
    for (const bucket of this.#buckets) {
      if (bucket.takes(least / 1e6, most / 1e6)) bucket.count(most / 1e6, (to - from) * count);
      else {
        start = begin;
        for (let i = from; i < to; i += 1) {
          const end = ends[i] as number;
          bucket.count((end - start + beyond) / 1e6, count);
          start = end;
        }
      }
    }
  }

  /** Whoever reads the histograms wants this first. */
  flush(): void {
    if (this.#count === 0) return;
    const seconds = this.#length / 1e6;
    this.#sum += this.#length * this.#count;
    this.coarse.sum = this.fine.sum = this.#sum / 1e6;
    this.#buckets[0].count(seconds, this.#count);
    this.#buckets[1].count(seconds, this.#count);
    this.#count = 0;
  }
}
