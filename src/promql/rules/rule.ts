import type { VectorSample } from "../answer.ts";
import { Labels } from "../labels.ts";
import type { PreparedQuery } from "../query.ts";
import { QueryError } from "../query-error.ts";

/** One rule with its state from one evaluation to the next. */
export interface Rule {
  /**
   * @param atMs when it is evaluated
   * @param queryMs for which instant its query is asked
   * @returns the samples that it gives, of that instant
   * @throws QueryError if the query fails, or its result can't be used
   */
  evaluate(atMs: number, queryMs: number): readonly VectorSample[];
}

/** What a query gives as samples; a scalar is one without labels. Source: rules.EngineQueryFunc, Prometheus 3.14. */
export const resultOf = (query: PreparedQuery, atMs: number): readonly VectorSample[] => {
  const answer = query.instant(atMs);
  if (!answer.ok) throw new QueryError(answer.message);
  const { value } = answer;
  if (value.kind === "vector") return value.samples;
  if (value.kind === "scalar") return [{ labels: Labels.none, value: value.value }];
  throw new QueryError("rule result is not a vector or scalar");
};

/** The labels of a rule over those of a sample; an empty one takes away. */
export const withLabels = (labels: Labels, further: Iterable<readonly [name: string, value: string]>): Labels => {
  let result = labels;
  for (const [name, value] of further) result = result.with(name, value);
  return result;
};
