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
  /** The bucket of the value observed last, where that of the next one lies as a rule, and its bounds. */
  #bucket = 0;
  #above = Number.POSITIVE_INFINITY;
  #upTo = Number.NEGATIVE_INFINITY;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.#scale = scaleOf(bounds);
  }

  /** @param weight how many observations of the same value */
  observe(value: number, weight = 1): void {
    if (!(value > this.#above && value <= this.#upTo)) this.#turnTo(value);
    const { counts } = this;
    counts[this.#bucket] = (counts[this.#bucket] as number) + weight;
    this.sum += value * weight;
  }

  /** Observes every `width`th of some values, from `from` to before `to`. */
  observeColumn(values: Float64Array, from: number, to: number, width: number): void {
    const { counts } = this;
    let { sum } = this;
    let above = this.#above;
    let upTo = this.#upTo;
    // Those of one bucket that follow each other are counted together.
    let count = 0;
    for (let i = from; i < to; i += width) {
      const value = values[i] as number;
      sum += value;
      if (!(value > above && value <= upTo)) {
        counts[this.#bucket] = (counts[this.#bucket] as number) + count;
        count = 0;
        this.#turnTo(value);
        above = this.#above;
        upTo = this.#upTo;
      }
      count += 1;
    }
    counts[this.#bucket] = (counts[this.#bucket] as number) + count;
    this.sum = sum;
  }

  /** The same where `value` is known to fall in `bucket`. */
  add(bucket: number, value: number, weight: number): void {
    this.counts[bucket] = (this.counts[bucket] as number) + weight;
    this.sum += value * weight;
  }

  /** @returns index of the bucket that `value` falls in */
  bucketOf(value: number): number {
    const { edges, first, lowest, cells } = this.#scale;
    const cell = cellOf(value) - lowest;
    let bucket = cell < 0 ? 0 : (first[cell < cells ? cell : cells] as number);
    while (value > (edges[bucket + 1] as number)) bucket += 1;
    return bucket;
  }

  #turnTo(value: number): void {
    const { edges } = this.#scale;
    const bucket = this.bucketOf(value);
    this.#bucket = bucket;
    this.#above = edges[bucket] as number;
    this.#upTo = edges[bucket + 1] as number;
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
  let bucket = 0;
  return Uint16Array.from({ length: count }, (_, i) => {
    const value = valueOf(i);
    while (value > (edges[bucket + 1] as number)) bucket += 1;
    return bucket;
  });
};

/** Bounds and what lies beyond them. Lists of numbers are of several kinds to V8, and are looked through three times as slowly. */
export const edgesOf = (bounds: readonly number[]): Float64Array =>
  Float64Array.of(Number.NEGATIVE_INFINITY, ...bounds, Number.POSITIVE_INFINITY);

/** Where a histogram's buckets are. Cells are eighths of powers of two: few bounds lie in one. */
interface Scale {
  readonly edges: Float64Array;
  /** By cell, from `lowest` on: the first bucket that its values may fall in. */
  readonly first: Uint16Array;
  readonly lowest: number;
  /** Up to the bound that is greatest; values beyond are in one more. */
  readonly cells: number;
}

const DOUBLE = new Float64Array(1);
/** Its lower and its upper half. */
const WORDS = new Int32Array(DOUBLE.buffer);
const BITS_BELOW = 17;

/** Sign, exponent and three more bits of a number: grows with it, and is negative for negative ones. */
const cellOf = (value: number): number => {
  DOUBLE[0] = value;
  return (WORDS[1] as number) >> BITS_BELOW;
};

/** The least number in a cell. */
const leastIn = (cell: number): number => {
  WORDS[0] = 0;
  WORDS[1] = cell << BITS_BELOW;
  return DOUBLE[0] as number;
};

const scales = new WeakMap<readonly number[], Scale>();

/** The same for all with the same bounds. */
const scaleOf = (bounds: readonly number[]): Scale => {
  let made = scales.get(bounds);
  if (made === undefined) {
    const edges = edgesOf(bounds);
    const lowest = cellOf(bounds.find((bound) => bound > 0) ?? 1);
    const cells = Math.max(0, cellOf(bounds.at(-1) ?? 0) - lowest) + 1;
    const first = bucketsOfAscending(edges, cells + 1, (i) => leastIn(lowest + i));
    made = { edges, first, lowest, cells };
    scales.set(bounds, made);
  }
  return made;
};
