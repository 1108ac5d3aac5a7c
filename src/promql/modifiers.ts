import type { At, Duration, Expr, MatrixSelector, Subquery, VectorSelector } from "./ast.ts";
import { ParseError } from "./query-error.ts";

/** Does to the expression before it what a modifier says. @throws ParseError where it makes no sense */
export type Modifier = (expr: Expr) => Expr;

/** Source: addOffset, Prometheus 3.14. */
export const addOffset =
  (offset: Duration, to: number): Modifier =>
  (expr) =>
    shifted(expr, to, "offset modifier", (target) => {
      if (target.offset !== undefined) throw new ParseError("offset may not be set multiple times", expr.from, expr.to);
      return { offset };
    });

/** Source: setTimestamp, Prometheus 3.14. */
export const addAt =
  (at: At, to: number): Modifier =>
  (expr) =>
    shifted(expr, to, "@ modifier", (target) => {
      if (target.at === undefined) return { at };
      throw new ParseError("@ <timestamp> may not be set multiple times", expr.from, expr.to);
    });

type Shift = Partial<Pick<VectorSelector, "offset" | "at">>;

const shifted = (expr: Expr, to: number, what: string, shift: (target: VectorSelector | Subquery) => Shift): Expr => {
  if (expr.kind === "selector" || expr.kind === "subquery") return { ...expr, ...shift(expr), to };
  if (expr.kind === "matrix") return { ...expr, selector: { ...expr.selector, ...shift(expr.selector) }, to };
  const before = "an instant vector selector or range vector selector or a subquery";
  throw new ParseError(`${what} must be preceded by ${before}`, expr.from, expr.to);
};

/** Source: setAnchored and setSmoothed, Prometheus 3.14. */
export const addExtension =
  (extension: "anchored" | "smoothed"): Modifier =>
  (expr) => {
    if (expr.kind === "subquery") {
      throw new ParseError(`${extension} modifier is not supported for subqueries`, expr.from, expr.to);
    }
    const selector = expr.kind === "matrix" ? expr.selector : expr;
    if (selector.kind !== "selector") throw new ParseError(`${extension} modifier not implemented`, expr.from, expr.to);
    if (selector.extension !== undefined && selector.extension !== extension) {
      throw new ParseError("anchored and smoothed modifiers cannot be used together", expr.from, expr.to);
    }
    return expr.kind === "matrix" ? { ...expr, selector: { ...selector, extension } } : { ...selector, extension };
  };

export const addRange =
  (range: Duration, to: number): Modifier =>
  (expr): MatrixSelector => {
    if (expr.kind !== "selector") throw new ParseError("ranges only allowed for vector selectors", expr.from, expr.to);
    const set = expr.offset !== undefined ? "offset" : expr.at !== undefined ? "@" : undefined;
    if (set !== undefined) throw new ParseError(`no ${set} modifiers allowed before range`, expr.from, expr.to);
    return { kind: "matrix", selector: expr, range, from: expr.from, to };
  };

export const addSubquery =
  (range: Duration, step: Duration | undefined, to: number): Modifier =>
  (expr): Subquery => ({
    kind: "subquery",
    expr,
    range,
    step,
    offset: undefined,
    at: undefined,
    from: expr.from,
    to,
  });
