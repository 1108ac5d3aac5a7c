import { studentCdf } from "../../sim/student.ts";
import type { DriftMetric } from "./drift-metrics.ts";
import type { Interval } from "./reading.ts";

/** Both sides over the same stretch of time. */
export interface Pair {
  readonly simulated: Interval;
  readonly production: Interval;
}

export interface Compared {
  readonly metric: string;
  /** Simulation over production; 1.15: the simulation's is 15 % more. */
  readonly ratio: number;
  /** That the ratio lies beyond the metric's margin, 0 to 1, of this metric alone. */
  readonly confidence: number;
}

/** Intervals are taken together in so many blocks at the most, which are nearly independent of each other. */
const BLOCKS = 10;
const LEAST_BLOCKS = 5;

/**
 * Whether one metric differs by more than its margin. The logarithm of the ratio has its error by the jackknife over
 * blocks of time (Tukey, 1958; blocks for what lasts longer than an interval: Kuensch, Ann. Statist. 17, 1989), and
 * Student's t then says how sure it is that the margin is exceeded.
 * @param pairs in order of time
 * @returns undefined: there is too little to say
 */
export const compare = (metric: DriftMetric, pairs: readonly Pair[]): Compared | undefined => {
  const blocks = blocksOf(pairs);
  if (blocks.length < LEAST_BLOCKS) return undefined;
  const whole = logRatio(metric, pairs);
  if (whole === undefined) return undefined;
  const without = blocks.map((_, i) => logRatio(metric, blocks.filter((_block, j) => j !== i).flat()));
  if (without.some((one) => one === undefined)) return undefined;
  const [n, left] = [blocks.length, without as number[]];
  const middle = left.reduce((sum, one) => sum + one, 0) / n;
  const variance = ((n - 1) / n) * left.reduce((sum, one) => sum + (one - middle) ** 2, 0);
  const beyond = Math.abs(whole) - Math.log(metric.margin);
  // A world without chance (replicas that never change) has no error, and differs for sure or not at all.
  const confidence = variance < 1e-18 ? Number(beyond > 0) : studentCdf(beyond / Math.sqrt(variance), n - 1);
  return { metric: metric.name, ratio: Math.exp(whole), confidence };
};

const blocksOf = (pairs: readonly Pair[]): readonly (readonly Pair[])[] => {
  const length = Math.max(1, Math.ceil(pairs.length / BLOCKS));
  const blocks: Pair[][] = [];
  // From the end backwards: what is left over at the beginning is the oldest.
  for (let end = pairs.length; end >= length; end -= length) blocks.unshift(pairs.slice(end - length, end));
  return blocks;
};

const logRatio = ({ value, offset }: DriftMetric, pairs: readonly Pair[]): number | undefined => {
  const simulated = value(pairs.map((pair) => pair.simulated));
  const production = value(pairs.map((pair) => pair.production));
  if (simulated === undefined || production === undefined) return undefined;
  const [above, below] = [simulated + offset, production + offset];
  return above > 0 && below > 0 ? Math.log(above / below) : undefined;
};
