import { invariant } from "../sim/invariant.ts";

/** Rows of equal length. */
export type Matrix = readonly (readonly number[])[];

/**
 * Lower triangle L with L L' = the matrix given (Cholesky). @throws unless it is symmetric and positive definite
 */
export const cholesky = (matrix: Matrix): Matrix => {
  const size = matrix.length;
  const lower = matrix.map((row) => row.map(() => 0));
  const at = (i: number, j: number): number => lower[i]?.[j] ?? 0;
  for (let i = 0; i < size; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = matrix[i]?.[j] ?? 0;
      for (let k = 0; k < j; k += 1) sum -= at(i, k) * at(j, k);
      invariant(i !== j || sum > 0, "a positive definite matrix");
      (lower[i] as number[])[j] = i === j ? Math.sqrt(sum) : sum / at(j, j);
    }
  }
  return lower;
};

/** @returns x with L L' x = b */
export const solveCholesky = (lower: Matrix, b: readonly number[]): number[] => {
  const size = b.length;
  const at = (i: number, j: number): number => lower[i]?.[j] ?? 0;
  const x = [...b];
  for (let i = 0; i < size; i += 1) {
    for (let k = 0; k < i; k += 1) x[i] = (x[i] as number) - at(i, k) * (x[k] as number);
    x[i] = (x[i] as number) / at(i, i);
  }
  for (let i = size - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < size; k += 1) x[i] = (x[i] as number) - at(k, i) * (x[k] as number);
    x[i] = (x[i] as number) / at(i, i);
  }
  return x;
};

export const inverse = (matrix: Matrix): Matrix => {
  const lower = cholesky(matrix);
  return matrix.map((_, i) =>
    solveCholesky(
      lower,
      matrix.map((__, j) => (i === j ? 1 : 0)),
    ),
  );
};

/** @returns x' M x */
export const quadratic = (matrix: Matrix, x: readonly number[]): number =>
  matrix.reduce(
    (sum, row, i) => sum + (x[i] as number) * row.reduce((inner, value, j) => inner + value * (x[j] as number), 0),
    0,
  );
