import type { Expr, VectorSelector } from "../../../src/promql/ast.ts";

/** Functions that look at the time of evaluation. Source: AtModifierUnsafeFunctions, Prometheus 3.14. */
const UNSAFE = new Set(
  (
    "days_in_month day_of_month day_of_week day_of_year end hour minute month year predict_linear range start step time " +
    "timestamp"
  ).split(" "),
);

/** @returns the query with `@ atMs` at all that it selects, so that it gives the same at any time; undefined if it can't */
export const pinned = (expr: Expr, atMs: number): Expr | undefined => (isSafe(expr) ? pin(expr, atMs) : undefined);

const isSafe = (expr: Expr): boolean => {
  switch (expr.kind) {
    case "call":
      return !UNSAFE.has(expr.name) && expr.args.every(isSafe);
    case "binary":
      return isSafe(expr.left) && isSafe(expr.right);
    case "aggregate":
      return isSafe(expr.expr as Expr) && (expr.param === undefined || isSafe(expr.param));
    case "subquery":
    case "paren":
    case "unary":
      return isSafe(expr.expr);
    default:
      return true;
  }
};

const pin = (expr: Expr, atMs: number): Expr => {
  switch (expr.kind) {
    case "selector":
      return { ...expr, at: expr.at ?? atMs };
    case "matrix":
      return { ...expr, selector: pin(expr.selector, atMs) as VectorSelector };
    case "subquery":
      // What is inside of it is evaluated at times of its own.
      return { ...expr, at: expr.at ?? atMs };
    case "call":
      return { ...expr, args: expr.args.map((arg) => pin(arg, atMs)) };
    case "binary":
      return { ...expr, left: pin(expr.left, atMs), right: pin(expr.right, atMs) };
    case "aggregate":
      return {
        ...expr,
        expr: pin(expr.expr as Expr, atMs),
        param: expr.param === undefined ? undefined : pin(expr.param, atMs),
      };
    case "paren":
    case "unary":
      return { ...expr, expr: pin(expr.expr, atMs) };
    default:
      return expr;
  }
};
