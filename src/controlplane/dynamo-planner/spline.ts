import { invariant } from "../../sim/invariant.ts";

/**
 * Cubic spline through points with the "not-a-knot" end condition, as scipy's `interp1d(kind="cubic")`; outside, the value at the
 * nearest end. @param xs ascending, at least 4
 */
export const cubicSpline = (xs: readonly number[], ys: readonly number[]): ((x: number) => number) => {
  const n = xs.length;
  invariant(n >= 4 && ys.length === n, "a cubic spline needs at least 4 points");
  const x = (i: number) => xs[i] as number;
  const y = (i: number) => ys[i] as number;
  const h = (i: number) => x(i + 1) - x(i);
  // Second derivatives m: continuity of the first one inside, of the third one at the second and the last but one point.
  const rows = xs.map((_, i) => {
    const row = new Array<number>(n + 1).fill(0);
    if (i === 0 || i === n - 1) {
      const first = i === 0 ? 0 : n - 3;
      row[first] = h(first + 1);
      row[first + 1] = -(h(first) + h(first + 1));
      row[first + 2] = h(first);
      return row;
    }
    row[i - 1] = h(i - 1);
    row[i] = 2 * (h(i - 1) + h(i));
    row[i + 1] = h(i);
    row[n] = 6 * ((y(i + 1) - y(i)) / h(i) - (y(i) - y(i - 1)) / h(i - 1));
    return row;
  });
  const m = solved(rows);
  return (at) => {
    const inside = Math.min(Math.max(at, x(0)), x(n - 1));
    const next = xs.findIndex((knot, i) => i > 0 && inside <= knot);
    const i = next - 1;
    const [left, right] = [inside - x(i), x(next) - inside];
    const [a, b] = [m[i] as number, m[next] as number];
    const cubes = (a * right ** 3 + b * left ** 3) / (6 * h(i));
    return cubes + (y(i) / h(i) - (a * h(i)) / 6) * right + (y(next) / h(i) - (b * h(i)) / 6) * left;
  };
};

/** Gauss with pivots. @param rows of a square matrix, each with its right side last; changed */
const solved = (rows: number[][]): readonly number[] => {
  const n = rows.length;
  const at = (r: number, c: number): number => (rows[r] as number[])[c] as number;
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let r = column + 1; r < n; r += 1) if (Math.abs(at(r, column)) > Math.abs(at(pivot, column))) pivot = r;
    [rows[column], rows[pivot]] = [rows[pivot] as number[], rows[column] as number[]];
    for (let r = column + 1; r < n; r += 1) {
      const factor = at(r, column) / at(column, column);
      rows[r] = (rows[r] as number[]).map((value, c) => value - factor * at(column, c));
    }
  }
  const result = new Array<number>(n).fill(0);
  for (let r = n - 1; r >= 0; r -= 1) {
    let rest = at(r, n);
    for (let c = r + 1; c < n; c += 1) rest -= at(r, c) * (result[c] as number);
    result[r] = rest / at(r, r);
  }
  return result;
};
