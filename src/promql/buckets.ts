/**
 * Quantiles and fractions of classic histograms: counts of observations up to each upper bound.
 * Source: promql/quantile.go, Prometheus 3.14.
 */
export class Buckets {
  readonly bounds: number[] = [];
  readonly counts: number[] = [];

  clear(): void {
    this.bounds.length = 0;
    this.counts.length = 0;
  }

  /** Keeps bounds sorted; counts of the same bound are added up. */
  add(bound: number, count: number): void {
    const { bounds, counts } = this;
    let at = bounds.length;
    while (at > 0 && (bounds[at - 1] as number) > bound) at -= 1;
    if (at > 0 && bounds[at - 1] === bound) {
      counts[at - 1] = (counts[at - 1] as number) + count;
    } else if (at === bounds.length) {
      bounds.push(bound);
      counts.push(count);
    } else {
      bounds.splice(at, 0, bound);
      counts.splice(at, 0, count);
    }
  }
}

/** Where counts fell from one bound to a higher one, and were lifted. */
export interface Repair {
  readonly lowest: number;
  readonly highest: number;
  readonly most: number;
}

/** Differences this small, relative to the sum, are rounding. */
const SMALL_DELTA = 1e-12;

/** @param repaired told if the counts were no histogram's */
export const bucketQuantile = (q: number, buckets: Buckets, repaired: (repair: Repair) => void): number => {
  const { bounds, counts } = buckets;
  const last = bounds.length - 1;
  if (Number.isNaN(q)) return Number.NaN;
  if (q < 0) return Number.NEGATIVE_INFINITY;
  if (q > 1) return Number.POSITIVE_INFINITY;
  if (bounds[last] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const repair = lift(buckets);
  if (repair !== undefined) repaired(repair);
  const total = counts[last] as number;
  if (last < 1 || total === 0) return Number.NaN;
  let rank = q * total;
  let at = 0;
  while (at < last && !((counts[at] as number) >= rank)) at += 1;
  if (at === last) return bounds[last - 1] as number;
  if (at === 0 && (bounds[0] as number) <= 0) return bounds[0] as number;
  let start = 0;
  let count = counts[at] as number;
  if (at > 0) {
    start = bounds[at - 1] as number;
    count -= counts[at - 1] as number;
    rank -= counts[at - 1] as number;
  }
  return start + ((bounds[at] as number) - start) * (rank / count);
};

/** Makes the counts rise with the bounds. @returns what had to be lifted, beyond rounding */
const lift = ({ bounds, counts }: Buckets): Repair | undefined => {
  let [lowest, highest, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  let forced = false;
  let before = counts[0] as number;
  for (let i = 1; i < counts.length; i += 1) {
    const count = counts[i] as number;
    if (count === before) continue;
    const rounding = almostEqual(before, count);
    if (!rounding && !(count < before)) {
      before = count;
      continue;
    }
    counts[i] = before;
    if (rounding) continue;
    forced = true;
    lowest = Math.min(lowest, bounds[i] as number);
    highest = Math.max(highest, bounds[i] as number);
    most = Math.max(most, before - count);
  }
  return forced ? { lowest, highest, most } : undefined;
};

const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** Source: almost.Equal, Prometheus 3.14. */
const almostEqual = (a: number, b: number): boolean => {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < SMALL_DELTA * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DELTA;
};

/** The share of observations between two values. */
export const bucketFraction = (lower: number, upper: number, { bounds, counts }: Buckets): number => {
  const last = bounds.length - 1;
  if (bounds[last] !== Number.POSITIVE_INFINITY) return Number.NaN;
  const total = counts[last] as number;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const [below, upTo] = [rankOf(lower, bounds, counts), rankOf(upper, bounds, counts)];
  return (Math.min(upTo, total) - Math.min(below, total)) / total;
};

/** How many observations are up to a value, between bounds in proportion. */
const rankOf = (value: number, bounds: readonly number[], counts: readonly number[]): number => {
  let rank = 0;
  let lowest = (bounds[0] as number) <= 0 ? Number.NEGATIVE_INFINITY : 0;
  for (let i = 0; i < bounds.length; i += 1) {
    const highest = bounds[i] as number;
    const count = counts[i] as number;
    if (lowest >= value) return rank;
    if (highest > value) {
      // A bucket without end on one side holds nothing that could be divided.
      return lowest === Number.NEGATIVE_INFINITY
        ? count
        : rank + ((count - rank) * (value - lowest)) / (highest - lowest);
    }
    rank = count;
    lowest = highest;
  }
  return counts[counts.length - 1] as number;
};
