import type { Problem } from "../../model/problem.ts";
import { metricNames, parseQuery } from "../../promql/index.ts";
import { nearest } from "../../schema/nearest.ts";
import { OWN_SERIES, SIMULATED_SERIES } from "../simulated-series.ts";

/**
 * What is wrong with a PromQL query that somebody's autoscaling depends on: what Prometheus would refuse, as an error with
 * the place, and metrics that nothing here exports, as warnings.
 *
 * @param place where the query stands
 * @param also names that are known besides, such as those of recording rules
 */
export const queryProblems = (
  query: string,
  place: Pick<Problem, "object" | "field">,
  also: readonly string[] = [],
): readonly Problem[] => {
  const parsed = parseQuery(query);
  if (!parsed.ok) {
    // Below its first line Prometheus shows the query and a caret.
    const [message = ""] = parsed.message.split("\n");
    return [{ severity: "error", reason: "BadQuery", ...place, message: `is no PromQL: ${message}` }];
  }
  const known = [...SIMULATED_SERIES, ...OWN_SERIES, ...also];
  return metricNames(parsed.expr)
    .names.filter((name) => !known.includes(name))
    .map((name) => unknownMetric(name, known, place));
};

const unknownMetric = (name: string, known: readonly string[], place: Pick<Problem, "object" | "field">): Problem => {
  const near = nearest(name, known);
  return {
    severity: "warning",
    reason: "UnknownMetric",
    ...place,
    message: `no simulated series is named ${name}: the query finds no data for it${near === undefined ? "" : `; did you mean ${near}?`}`,
    fix: "name a metric of docs/metrics.md",
  };
};
