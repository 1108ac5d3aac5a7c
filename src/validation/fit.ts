import { cholesky, inverse, type Matrix, quadratic, solveCholesky } from "./least-squares.ts";
import type { MeasuredRun } from "./measured-run.ts";
import type { Observation } from "./observations.ts";
import type { Replayed } from "./replay.ts";

/** What is fitted: a vector whose prior is normal, and how runs come out under it. */
export interface FitProblem {
  readonly observations: readonly Observation[];
  readonly prior: readonly number[];
  readonly spread: readonly number[];
  /** Inverse of the prior's covariance where its values hang together; left out: each by itself, by `spread`. */
  readonly precision?: Matrix;
  /** Beyond this many expected deviations an observation loses weight (Huber, 1964); left out: 1.5. */
  readonly outlying?: number;
  /** Replays of the observations' runs, by run id. */
  replay(vector: readonly number[], wanted?: (run: MeasuredRun) => boolean): ReadonlyMap<string, Replayed>;
  /** The same with shorter runs, good enough for derivatives. */
  sketch(vector: readonly number[]): ReadonlyMap<string, Replayed>;
}

const OUTLYING = 1.5;
/** Length of the step for derivatives, in logarithms of the corrections. */
const PROBE = 0.08;

export const residualsAt = (
  problem: FitProblem,
  vector: readonly number[],
  wanted?: (run: MeasuredRun) => boolean,
): readonly (number | undefined)[] => residualsOf(problem, problem.replay(vector, wanted));

const residualsOf = (
  { observations }: FitProblem,
  replayed: ReadonlyMap<string, Replayed>,
): readonly (number | undefined)[] =>
  observations.map(({ run, measured, of }) => {
    const one = replayed.get(run.id);
    const predicted = one === undefined ? undefined : of(one);
    return predicted === undefined || !(predicted > 0) ? undefined : Math.log(predicted / measured);
  });

/** Derivatives by forward differences of the sketches; these draw the same requests each time. */
export const slopesAt = (
  problem: FitProblem,
  vector: readonly number[],
  tell: (done: number) => void = () => {},
): Matrix => {
  const before = residualsOf(problem, problem.sketch(vector));
  const columns = vector.map((_, i) => {
    const after = residualsOf(problem, problem.sketch(vector.map((value, j) => (i === j ? value + PROBE : value))));
    tell(i + 1);
    return after.map((value, row) => {
      const was = before[row];
      return value === undefined || was === undefined ? 0 : (value - was) / PROBE;
    });
  });
  return before.map((_, row) => columns.map((column) => column[row] as number));
};

const precisionOf = ({ spread, precision }: FitProblem): Matrix =>
  precision ?? spread.map((one, i) => spread.map((_, j) => (i === j ? 1 / one ** 2 : 0)));

export interface Solved {
  readonly vector: readonly number[];
  readonly covariance: Matrix;
}

/**
 * One step of Gauss and Newton towards the most probable vector, from residuals at `at` and the slopes given.
 * @param counts which observations take part
 */
export const solve = (
  problem: FitProblem,
  at: readonly number[],
  residuals: readonly (number | undefined)[],
  slopes: Matrix,
  counts: (observation: Observation) => boolean = () => true,
): Solved => {
  const { outlying = OUTLYING } = problem;
  const size = at.length;
  const normal = precisionOf(problem).map((row) => [...row]);
  const right = normal.map((row) =>
    row.reduce((sum, value, j) => sum + value * ((problem.prior[j] as number) - (at[j] as number)), 0),
  );
  problem.observations.forEach((observation, row) => {
    const residual = residuals[row];
    if (residual === undefined || !counts(observation)) return;
    const scaled = Math.abs(residual) / observation.deviation;
    const weight = Math.min(1, outlying / Math.max(scaled, 1e-9)) / observation.deviation ** 2;
    const slope = slopes[row] as readonly number[];
    for (let i = 0; i < size; i += 1) {
      const si = (slope[i] as number) * weight;
      if (si === 0) continue;
      right[i] = (right[i] as number) - si * residual;
      for (let j = 0; j < size; j += 1) {
        (normal[i] as number[])[j] = (normal[i]?.[j] as number) + si * (slope[j] as number);
      }
    }
  });
  const step = solveCholesky(cholesky(normal), right);
  return { vector: at.map((value, i) => value + (step[i] as number)), covariance: inverse(normal) };
};

/** Robust sum of squares, prior included: what the fit makes small. */
export const cost = (
  problem: FitProblem,
  vector: readonly number[],
  residuals: readonly (number | undefined)[],
  counts: (observation: Observation) => boolean = () => true,
): number => {
  const { outlying = OUTLYING } = problem;
  const prior = quadratic(
    precisionOf(problem),
    vector.map((value, i) => value - (problem.prior[i] as number)),
  );
  return problem.observations.reduce((sum, observation, row) => {
    const residual = residuals[row];
    if (residual === undefined || !counts(observation)) return sum;
    const scaled = Math.abs(residual) / observation.deviation;
    return sum + (scaled <= outlying ? scaled ** 2 : 2 * outlying * scaled - outlying ** 2);
  }, prior);
};
