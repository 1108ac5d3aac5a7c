import type { Duration, Expr } from "./ast.ts";
import { computeDurationMs } from "./compute-duration.ts";

/** Of an instant query: `step()` is 0 and `range()` too. */
const INSTANT = { stepMs: 0, rangeMs: 0 };

/**
 * How far back from its instant a query looks, without the look-back of its selectors, in milliseconds: what a store must
 * keep to answer it. Infinite for one that looks at a fixed time (`@ 100`).
 */
export const reachMs = (expr: Expr): number => {
  switch (expr.kind) {
    case "selector":
      return shiftMs(expr);
    case "matrix":
      return lengthMs(expr.range) + shiftMs(expr.selector);
    case "subquery":
      return lengthMs(expr.range) + shiftMs(expr) + reachMs(expr.expr);
    default:
      return Math.max(0, ...partsOf(expr).map(reachMs));
  }
};

/** Whether it looks at one instant only, so that its answer can be had of a single scrape of everything. */
export const isInstant = (expr: Expr): boolean => {
  if (expr.kind === "matrix" || expr.kind === "subquery") return false;
  if (expr.kind === "selector") return expr.offset === undefined && expr.at === undefined;
  return partsOf(expr).every(isInstant);
};

const partsOf = (expr: Expr): readonly Expr[] => {
  switch (expr.kind) {
    case "paren":
    case "unary":
    case "subquery":
      return [expr.expr];
    case "binary":
      return [expr.left, expr.right];
    case "call":
      return expr.args;
    case "aggregate":
      return [expr.expr, expr.param].filter((part) => part !== undefined);
    default:
      return [];
  }
};

/** One that looks ahead looks no further back. */
const shiftMs = ({ offset, at }: { readonly offset: Duration | undefined; readonly at: unknown }): number => {
  if (typeof at === "number") return Number.POSITIVE_INFINITY;
  return offset === undefined ? 0 : Math.max(0, lengthMs(offset));
};

const lengthMs = (duration: Duration): number => computeDurationMs(duration, INSTANT, true);
