/** A mean, and between which bounds the true one lies. */
export interface Estimate {
  readonly mean: number;
  /** Left out: so few values don't bound it. */
  readonly interval?: { readonly low: number; readonly high: number };
}

/** Variance of the mixture over effect sizes; among 1, 3, 10, 30, 100 and 300 it gives the shortest intervals after 4 to 8 values. */
const MIXTURE_VARIANCE = 10;

/**
 * Fewer values bound nothing, however alike: all of n values lie on one side of the middle of any symmetric distribution with
 * probability 2^(1 - n), and differences that have two humps (a replica more, or none) are none the martingale was made for.
 */
export const leastValues = (alpha: number): number => 1 + Math.ceil(Math.log2(1 / alpha));

/**
 * The mean of normal values whose variance nobody knows, with an interval that may be looked at after every value: with
 * probability 1 - `alpha` the true mean lies in all of the intervals of a growing list at once, so that one may stop at whichever
 * pleases and the error rate holds. A fixed-sample interval has no such right: looked at again and again, it errs ever more often.
 *
 * Source: Wang and Ramdas, "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance"
 * (arXiv:2310.03722v5, 2024), the test martingale with a Gaussian mixture over effect sizes; the interval is where it stays
 * below 1 / alpha, by Ville's inequality.
 *
 * @param values at least one, independent of each other, in the order they came
 */
export const estimate = (values: readonly number[], alpha: number): Estimate => {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const half = n < leastValues(alpha) ? Number.POSITIVE_INFINITY : multiplier(n, alpha) * deviation(values, mean);
  // Values that are all the same have no deviation, and 0 times infinity is no number.
  if (!Number.isFinite(half)) return { mean };
  return { mean, interval: { low: mean - half, high: mean + half } };
};

/** Half the interval's length, in standard deviations. */
const multiplier = (n: number, alpha: number): number => {
  const prior = 1 + n * MIXTURE_VARIANCE;
  const root = (prior / (alpha * alpha)) ** (1 / n);
  if (root >= prior) return Number.POSITIVE_INFINITY;
  return Math.sqrt((((root - 1) / (1 - root / prior)) * (n - 1)) / n);
};

const deviation = (values: readonly number[], mean: number): number =>
  Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
