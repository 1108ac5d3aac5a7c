import { bare, type Expr } from "./ast.ts";

/** Functions that look at the time of evaluation. Source: AtModifierUnsafeFunctions, Prometheus 3.14. */
const LOOKS_AT_THE_CLOCK: ReadonlySet<string> = new Set(
  (
    "days_in_month day_of_month day_of_week day_of_year end hour minute month year predict_linear range start step time " +
    "timestamp"
  ).split(" "),
);

/** Whether an expression gives the same at every step of a range query. Source: preprocessExprHelper, Prometheus 3.14. */
export const isStepInvariant = (expr: Expr): boolean => {
  switch (expr.kind) {
    case "selector":
    case "subquery":
      return expr.at !== undefined;
    case "matrix":
      return expr.selector.at !== undefined;
    case "aggregate":
      return expr.expr !== undefined && isStepInvariant(expr.expr);
    case "binary":
      return isStepInvariant(expr.left) && isStepInvariant(expr.right);
    case "call":
      // When a sample was taken does not depend on the clock, if it is the same sample at all times.
      if (expr.name === "timestamp" && expr.args.map(bare)[0]?.kind === "selector")
        return expr.args.every(isStepInvariant);
      return !LOOKS_AT_THE_CLOCK.has(expr.name) && expr.args.every(isStepInvariant);
    case "paren":
    case "unary":
      return isStepInvariant(expr.expr);
    default:
      return true;
  }
};
