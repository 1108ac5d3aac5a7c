import { invariant } from "../sim/invariant.ts";
import { LEAST, LogScale, MOST } from "./log-scale.ts";

/**
 * Quantiles of any number of values >= 0 in bounded memory, each within a relative error of the exact one; mergeable.
 * Bucket i holds the values in (g^(i-1), g^i] with g = (1 + a) / (1 - a), and answers 2 g^i / (g + 1), which lies within
 * the share a of all of them. Count, sum, minimum and maximum are exact.
 *
 * Source: Masson, Rim, Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees" (VLDB 2019).
 */
export class QuantileSketch {
  readonly accuracy: number;
  count = 0;
  sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #zeros = 0;
  readonly #logGrowth: number;
  readonly #scale: LogScale;
  /** Counts of the buckets from number `#first` on; grows to what was seen, at most ln(MOST / LEAST) / ln(g) of them. */
  #counts = new Float64Array(0);
  #first = 0;

  /** @param accuracy the largest relative error of a quantile; 0.005 takes at most 4146 buckets */
  constructor(accuracy = 0.005) {
    invariant(accuracy > 0 && accuracy < 1, `accuracy between 0 and 1, got ${accuracy}`);
    this.accuracy = accuracy;
    this.#logGrowth = Math.log((1 + accuracy) / (1 - accuracy));
    this.#scale = LogScale.of(this.#logGrowth);
  }

  get min(): number {
    return this.count === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#max;
  }

  get mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** Buckets held now: what its memory depends on. */
  get buckets(): number {
    return this.#counts.length;
  }

  /** @param value finite and >= 0 @param weight how many observations of it */
  observe(value: number, weight = 1): void {
    this.observeIn(this.bucketOf(value), value, weight);
  }

  /** The same, where several sketches of one accuracy observe a value: its bucket is found once. */
  observeIn(bucket: number, value: number, weight = 1): void {
    this.count += weight;
    this.sum += value * weight;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    if (value < LEAST) this.#zeros += weight;
    else this.#add(bucket, weight);
  }

  /** Means nothing where the value counts as zero. @throws unless it is finite and >= 0 */
  bucketOf(value: number): number {
    // The message is put together only where it is needed: this is called for every request, several times.
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      invariant(false, `a sketch takes finite values >= 0, got ${value}`);
    }
    return this.#scale.bucketOf(value);
  }

  /** Afterwards this one answers as if it had seen the values of both. @throws if the accuracies differ */
  merge(other: QuantileSketch): void {
    invariant(other.accuracy === this.accuracy, "sketches of one accuracy");
    if (other.count === 0) return;
    this.count += other.count;
    this.sum += other.sum;
    this.#zeros += other.#zeros;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    this.#make(other.#first);
    this.#make(other.#first + other.#counts.length - 1);
    for (let i = 0; i < other.#counts.length; i += 1) {
      const count = other.#counts[i] as number;
      if (count > 0) this.#add(other.#first + i, count);
    }
  }

  /**
   * @param q 0 to 1
   * @returns the value at rank q (n - 1), between neighbours by linear interpolation, within `accuracy` of the exact
   * one; 0 if nothing was observed
   */
  quantile(q: number): number {
    if (this.count === 0) return 0;
    const rank = q * (this.count - 1);
    const below = Math.floor(rank);
    const low = this.#valueAt(below);
    return rank === below ? low : low + (rank - below) * (this.#valueAt(below + 1) - low);
  }

  /** The order statistic number `rank`, from 0. */
  #valueAt(rank: number): number {
    if (rank <= 0) return this.#min;
    if (rank >= this.count - 1) return this.#max;
    let seen = this.#zeros;
    if (rank < seen) return 0;
    for (let i = 0; i < this.#counts.length; i += 1) {
      seen += this.#counts[i] as number;
      if (rank < seen) return this.#within(this.#middleOf(this.#first + i));
    }
    return this.#max;
  }

  #within(value: number): number {
    return Math.min(this.#max, Math.max(this.#min, value));
  }

  #middleOf(bucket: number): number {
    return (2 * Math.exp(bucket * this.#logGrowth)) / (Math.exp(this.#logGrowth) + 1);
  }

  #add(bucket: number, weight: number): void {
    const slot = bucket - this.#first;
    const counts = this.#counts;
    if (slot >= 0 && slot < counts.length) {
      counts[slot] = (counts[slot] as number) + weight;
    } else {
      this.#make(bucket);
      this.#counts[bucket - this.#first] = weight;
    }
  }

  /** Makes room for a bucket, and for half as many again as there are, so that growing costs little in the long run. */
  #make(bucket: number): void {
    const size = this.#counts.length;
    if (size === 0) {
      this.#first = bucket;
      this.#counts = new Float64Array(1);
      return;
    }
    const end = this.#first + size;
    if (bucket >= this.#first && bucket < end) return;
    const room = size >> 1;
    const first =
      bucket < this.#first ? Math.max(this.bucketOf(LEAST), Math.min(bucket, this.#first - room)) : this.#first;
    const newEnd = bucket >= end ? Math.min(this.bucketOf(MOST) + 1, Math.max(bucket + 1, end + room)) : end;
    const counts = new Float64Array(newEnd - first);
    counts.set(this.#counts, this.#first - first);
    this.#counts = counts;
    this.#first = first;
  }
}
