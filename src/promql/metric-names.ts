import type { Expr, VectorSelector } from "./ast.ts";
import { METRIC_NAME } from "./labels.ts";

export interface MetricNames {
  /** Sorted, without doubles. */
  readonly names: readonly string[];
  /** Matchers of selectors that name their metrics otherwise, such as `__name__=~"vllm:.*"`; `*` for one that names none. */
  readonly patterns: readonly string[];
}

/** What a query selects: to tell the user of metrics that nothing here produces. */
export const metricNames = (expr: Expr): MetricNames => {
  const names = new Set<string>();
  const patterns = new Set<string>();
  for (const selector of selectorsOf(expr)) {
    const matchers = selector.matchers.filter(({ name }) => name === METRIC_NAME);
    const exact = matchers.filter(({ operator, value }) => operator === "=" && value !== "");
    for (const { value } of exact) names.add(value);
    if (exact.length > 0) continue;
    for (const { operator, value } of matchers) patterns.add(`${METRIC_NAME}${operator}${JSON.stringify(value)}`);
    if (matchers.length === 0) patterns.add("*");
  }
  return { names: [...names].sort(), patterns: [...patterns].sort() };
};

/** All selectors of a query, as they stand in it. */
export const selectorsOf = (expr: Expr): readonly VectorSelector[] => {
  switch (expr.kind) {
    case "selector":
      return [expr];
    case "matrix":
      return [expr.selector];
    case "subquery":
    case "paren":
    case "unary":
      return selectorsOf(expr.expr);
    case "call":
      return expr.args.flatMap(selectorsOf);
    case "binary":
      return [...selectorsOf(expr.left), ...selectorsOf(expr.right)];
    case "aggregate":
      return [expr.expr, expr.param].flatMap((part) => (part === undefined ? [] : selectorsOf(part)));
    default:
      return [];
  }
};
