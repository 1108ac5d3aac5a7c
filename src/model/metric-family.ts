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
  readonly #edges: Float64Array;
  /** The bucket found last: the next value often falls in the same. */
  #recent = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
    this.#edges = sharedEdges(bounds);
  }

  /** @param weight how many observations of the same value */
  observe(value: number, weight = 1): void {
    this.add(this.bucketOf(value), value, weight);
  }

  /** The same where `value` is known to fall in `bucket`. */
  add(bucket: number, value: number, weight = 1): void {
    this.counts[bucket] = (this.counts[bucket] as number) + weight;
    this.sum += value * weight;
  }

  /** @returns index of the bucket that `value` falls in @param guess where it is looked for first */
  bucketOf(value: number, guess = this.#recent): number {
    const edges = this.#edges;
    if (value > (edges[guess] as number) && value <= (edges[guess + 1] as number)) return guess;
    this.#recent = bucketAmong(edges, value);
    return this.#recent;
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

/** Bounds and what lies beyond them. Lists of numbers are of several kinds to V8, and are looked through three times as slowly. */
export const edgesOf = (bounds: readonly number[]): Float64Array =>
  Float64Array.of(Number.NEGATIVE_INFINITY, ...bounds, Number.POSITIVE_INFINITY);

const shared = new WeakMap<readonly number[], Float64Array>();

/** The same for all with the same bounds. */
const sharedEdges = (bounds: readonly number[]): Float64Array => {
  let made = shared.get(bounds);
  if (made === undefined) shared.set(bounds, (made = edgesOf(bounds)));
  return made;
};
