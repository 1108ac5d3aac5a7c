import type { HistogramValue } from "../model/metric-family.ts";

export interface Buckets extends Pick<HistogramValue, "bounds" | "sum"> {
  readonly counts: ArrayLike<number>;
}

/**
 * As PromQL's `histogram_quantile` on a classic histogram: linear between the bounds of the bucket that holds rank q n,
 * from 0 in the first bucket; the highest bound if the rank falls beyond it. Here 0 where PromQL says NaN, for no observations.
 * Source: Prometheus 3.5 promql/quantile.go, bucketQuantile.
 */
export const histogramQuantile = (q: number, { bounds, counts }: Buckets): number => {
  const rank = q * total(counts);
  if (rank === 0) return 0;
  let below = 0;
  for (let i = 0; i < bounds.length; i += 1) {
    const inside = counts[i] ?? 0;
    if (inside > 0 && below + inside >= rank) {
      const lower = i === 0 ? 0 : (bounds[i - 1] as number);
      return lower + ((bounds[i] as number) - lower) * ((rank - below) / inside);
    }
    below += inside;
  }
  return bounds.at(-1) ?? 0;
};

/** @returns the upper bound of the highest bucket that holds anything; the highest finite bound if that is +Inf's */
export const histogramCeiling = ({ bounds, counts }: Buckets): number => {
  for (let i = counts.length - 1; i >= 0; i -= 1) {
    if ((counts[i] ?? 0) > 0) return bounds[Math.min(i, bounds.length - 1)] ?? 0;
  }
  return 0;
};

export const total = (counts: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < counts.length; i += 1) sum += counts[i] ?? 0;
  return sum;
};
