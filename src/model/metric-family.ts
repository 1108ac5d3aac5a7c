import { cellOf, leastIn, MANTISSA_BITS_ABOVE } from "../sim/cells.ts";

/** A Prometheus metric family as plain data, under production's own name, without prefix. */
export interface MetricFamily {
  /** Without `_total`, `_bucket`, `_sum`, `_count`: the writer adds them. */
  readonly name: string;
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  /** A number for gauges and counters. */
  readonly value: number | HistogramValue;
  /** Unix seconds, for `_created` in OpenMetrics; left out where unknown. */
  readonly createdSeconds?: number;
}

export interface HistogramValue {
  /** Upper bounds, ascending, without +Inf. */
  readonly bounds: readonly number[];
  /** Per bucket, not cumulative; one more than bounds (the last is +Inf's). */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** Observations per bucket, in an array of numbers: cheap to add to, exact to merge. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly counts: Float64Array;
  sum = 0;
  readonly #scale: Scale;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.#scale = scaleOf(bounds);
  }

  /** @param weight how many observations of the same value */
  observe(value: number, weight = 1): void {
    this.add(this.bucketOf(value), value, weight);
  }

  /** Observes every `width`th of some values, from `from` to before `to`. */
  observeColumn(values: Float64Array, from: number, to: number, width: number): void {
    const { counts } = this;
    let { sum } = this;
    for (let i = from; i < to; i += width) {
      const value = values[i] as number;
      const bucket = this.bucketOf(value);
      counts[bucket] = (counts[bucket] as number) + 1;
      sum += value;
    }
    this.sum = sum;
  }

  /** The same where `value` is known to fall in `bucket`. */
  add(bucket: number, value: number, weight: number): void {
    this.counts[bucket] = (this.counts[bucket] as number) + weight;
    this.sum += value * weight;
  }

  /** @returns index of the bucket that `value` falls in */
  bucketOf(value: number): number {
    const { edges, first, bitsBelow, lowest, highest, crowd } = this.#scale;
    const cell = cellOf(value, bitsBelow);
    let bucket = first[(cell < lowest ? lowest : cell > highest ? highest : cell) - lowest] as number;
    // Added, not asked: which side of a bound it lies on can't be foretold.
    bucket += +(value > (edges[bucket + 1] as number)) | 0;
    for (let more = crowd; more > 0 && value > (edges[bucket + 1] as number); more -= 1) bucket += 1;
    return bucket;
  }

  get count(): number {
    return this.counts.reduce((total, n) => total + n, 0);
  }

  /** A copy as plain data. */
  value(): HistogramValue {
    const size = this.counts.length;
    // One by one: spreading a typed array takes ten times as long, and scrapes copy many.
    const counts = new Array<number>(size);
    for (let i = 0; i < size; i += 1) counts[i] = this.counts[i] as number;
    return { bounds: this.bounds, counts, sum: this.sum };
  }
}

/** Index of the bucket between two of `edges` that `value` falls in. */
export const bucketAmong = (edges: Float64Array, value: number): number => {
  let low = 0;
  // A small integer, which V8 doesn't take the length of such an array for.
  let high = (edges.length - 2) | 0;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (edges[middle + 1] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** The buckets of `count` ascending values, each sought from the one before on. */
export const bucketsOfAscending = (edges: Float64Array, count: number, valueOf: (i: number) => number): Uint16Array => {
  const buckets = new Uint16Array(count);
  let bucket = 0;
  for (let i = 0; i < count; i += 1) {
    const value = valueOf(i);
    while (value > (edges[bucket + 1] as number)) bucket += 1;
    buckets[i] = bucket;
  }
  return buckets;
};

/** Bounds and what lies beyond them. Lists of numbers are of several kinds to V8, and are looked through three times as slowly. */
export const edgesOf = (bounds: readonly number[]): Float64Array =>
  Float64Array.of(Number.NEGATIVE_INFINITY, ...bounds, Number.POSITIVE_INFINITY);

/** Where a histogram's buckets are. Cells are shares of powers of two, as a rule so small that at most one bound lies in each. */
interface Scale {
  readonly edges: Float64Array;
  /** By cell, from `lowest` on: the first bucket that its values may fall in. */
  readonly first: Uint16Array;
  /** The cells' width (cells.ts). */
  readonly bitsBelow: number;
  /** Cells for all that lies below the least bound above 0, and for all that lies above the greatest bound. */
  readonly lowest: number;
  readonly highest: number;
  /** How many bounds beyond the first may lie in one cell; 0 as a rule. */
  readonly crowd: number;
}

const scales = new WeakMap<readonly number[], Scale>();

/** The same for all with the same bounds. */
const scaleOf = (bounds: readonly number[]): Scale => {
  let made = scales.get(bounds);
  if (made === undefined) {
    made = scaleAlong(bounds);
    scales.set(bounds, made);
  }
  return made;
};

const MOST_CELLS = 4096;

const scaleAlong = (bounds: readonly number[]): Scale => {
  const edges = edgesOf(bounds);
  const positive = bounds.filter((bound) => bound > 0);
  const [least, most] = [positive[0] ?? 1, positive.at(-1) ?? 1];
  let bitsBelow = MANTISSA_BITS_ABOVE;
  const cells = (): number => cellOf(most, bitsBelow) - cellOf(least, bitsBelow);
  // They ascend, so that those of one cell are neighbours.
  const areCrowded = (): boolean =>
    positive.some((bound, i) => i > 0 && cellOf(bound, bitsBelow) === cellOf(positive[i - 1] as number, bitsBelow));
  while (areCrowded() && 2 * cells() < MOST_CELLS && bitsBelow > 0) bitsBelow -= 1;
  const lowest = cellOf(least, bitsBelow) - 1;
  const highest = cellOf(most, bitsBelow) + 1;
  const fromLowest = (i: number): number => (i === 0 ? Number.NEGATIVE_INFINITY : leastIn(lowest + i, bitsBelow));
  const first = bucketsOfAscending(edges, highest - lowest + 1, fromLowest);
  // Those that aren't above 0 are all in the lowest.
  const crowd = areCrowded() || bounds.length - positive.length > 1 ? bounds.length : 0;
  return { edges, first, bitsBelow, lowest, highest, crowd };
};
