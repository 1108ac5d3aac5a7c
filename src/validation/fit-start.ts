import { studentQuantile } from "../sim/student.ts";

/** How long pods take from the node to ready. */
export interface StartFit {
  /** Of a log-normal distribution, in seconds. */
  readonly mean: number;
  readonly deviation: number;
  /** The mean, with 90 % confidence. */
  readonly interval: readonly [number, number];
  /** Pods that it rests on. */
  readonly starts: number;
}

/** With fewer nothing is said: of five the interval is some four standard errors wide already. */
export const LEAST_STARTS = 5;

/**
 * Fits a log-normal distribution by likelihood, its variance without bias; the interval of the mean is Cox's (Zhou and Gao,
 * "Confidence intervals for the log-normal mean", 1997), by Student's t.
 *
 * @param lengths seconds, one per pod, above 0
 * @returns undefined: too few
 */
export const fitStarts = (lengths: readonly number[]): StartFit | undefined => {
  const count = lengths.length;
  if (count < LEAST_STARTS) return undefined;
  const logs = lengths.map(Math.log);
  const centre = logs.reduce((sum, log) => sum + log, 0) / count;
  const variance = logs.reduce((sum, log) => sum + (log - centre) ** 2, 0) / (count - 1);
  const log = centre + variance / 2;
  const error = Math.sqrt(variance / count + variance ** 2 / (2 * (count - 1)));
  const half = studentQuantile(0.95, count - 1) * error;
  const mean = Math.exp(log);
  const deviation = mean * Math.sqrt(Math.expm1(variance));
  return { mean, deviation, interval: [Math.exp(log - half), Math.exp(log + half)], starts: count };
};
