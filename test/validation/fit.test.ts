import { describe, expect, it } from "vitest";
import { cost, type FitProblem, residualsAt, slopesAt, solve } from "../../src/validation/fit.ts";
import { cholesky, inverse, quadratic, solveCholesky } from "../../src/validation/least-squares.ts";
import type { MeasuredRun } from "../../src/validation/measured-run.ts";
import type { Observation } from "../../src/validation/observations.ts";
import type { Replayed } from "../../src/validation/replay.ts";

describe("least squares", () => {
  const matrix = [
    [4, 2, 0.6],
    [2, 5, 1],
    [0.6, 1, 3],
  ];

  it("solves and inverts what is positive definite", () => {
    const x = solveCholesky(cholesky(matrix), [1, 2, 3]);
    matrix.forEach((row, i) => {
      expect(row.reduce((sum, value, j) => sum + value * (x[j] as number), 0)).toBeCloseTo(i + 1, 12);
    });
    const product = inverse(matrix).map((row) =>
      matrix[0]?.map((_, j) => row.reduce((sum, value, k) => sum + value * (matrix[k]?.[j] as number), 0)),
    );
    product.flat().forEach((value, i) => expect(value).toBeCloseTo(i % 4 === 0 ? 1 : 0, 12));
    expect(quadratic(matrix, [1, -1, 2])).toBeCloseTo(4 + 5 + 12 - 4 + 2.4 - 4, 12);
  });

  it("refuses what is not", () =>
    expect(() =>
      cholesky([
        [1, 2],
        [2, 1],
      ]),
    ).toThrow());
});

/** A server whose ITL is a + b x and whose TTFT is c: three corrections, measured at several x. */
const problemOf = (
  truth: readonly [number, number, number],
  noise: readonly number[],
  prior = [0, 0, 0],
): FitProblem => {
  const xs = [1, 2, 4, 8, 16];
  const figures = ([a = 0, b = 0, c = 0]: readonly number[], x: number) => ({
    itl_mean: Math.exp(a) + Math.exp(b) * x,
    ttft_mean: Math.exp(c),
  });
  const runs = xs.map((x) => ({ id: String(x) }) as MeasuredRun);
  const observations = runs.flatMap((run, i): Observation[] =>
    (["itl_mean", "ttft_mean"] as const).map((metric) => ({
      run,
      metric,
      measured: figures(truth, xs[i] as number)[metric] * Math.exp(noise[i] ?? 0),
      deviation: 0.05,
      of: ({ overall }) => overall[metric],
    })),
  );
  const replay = (vector: readonly number[]) =>
    new Map(runs.map((run, i) => [run.id, { overall: figures(vector, xs[i] as number) } as Replayed]));
  return { observations, prior, spread: [1, 1, 1], replay, sketch: replay };
};

const fitOf = (problem: FitProblem) => {
  let vector = problem.prior;
  for (let i = 0; i < 6; i += 1)
    vector = solve(problem, vector, residualsAt(problem, vector), slopesAt(problem, vector)).vector;
  return vector;
};

describe("a fit", () => {
  const truth = [1.2, -0.7, 2.5] as const;

  it("finds what the figures were made with", () => {
    const vector = fitOf(problemOf(truth, []));
    vector.forEach((value, i) => expect(value).toBeCloseTo(truth[i] as number, 1));
  });

  it("makes the cost small, and an outlier doesn't pull it away", () => {
    const problem = problemOf(truth, [0, 0, 2, 0, 0]);
    const vector = fitOf(problem);
    expect(cost(problem, vector, residualsAt(problem, vector))).toBeLessThan(
      cost(problem, problem.prior, residualsAt(problem, problem.prior)),
    );
    vector.forEach((value, i) => expect(Math.abs(value - (truth[i] as number))).toBeLessThan(0.15));
  });

  it("stays with the prior where nothing was measured, and says how little it knows", () => {
    const problem = problemOf(truth, []);
    const { vector, covariance } = solve(
      problem,
      problem.prior,
      residualsAt(problem, problem.prior),
      slopesAt(problem, problem.prior),
      ({ metric }) => metric === "ttft_mean",
    );
    expect(vector.slice(0, 2)).toEqual([0, 0]);
    expect(covariance[0]?.[0]).toBeCloseTo(1, 9);
    expect(covariance[2]?.[2]).toBeLessThan(0.03);
  });
});
