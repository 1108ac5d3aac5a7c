import type { VectorSample } from "../answer.ts";
import { METRIC_NAME } from "../labels.ts";
import type { PreparedQuery } from "../query.ts";
import { QueryError } from "../query-error.ts";
import { type Rule, resultOf, withLabels } from "./rule.ts";
import type { RecordingRuleSpec } from "./rule-spec.ts";

/** Gives the result of its query another name. Source: RecordingRule.Eval, rules/recording.go, Prometheus 3.14. */
export class RecordingRule implements Rule {
  readonly #query: PreparedQuery;
  readonly #labels: readonly (readonly [string, string])[];
  readonly #limit: number;

  constructor(spec: RecordingRuleSpec, query: PreparedQuery, limit: number) {
    this.#query = query;
    this.#labels = [[METRIC_NAME, spec.record] as const, ...Object.entries(spec.labels)];
    this.#limit = limit;
  }

  evaluate(_atMs: number, queryMs: number): readonly VectorSample[] {
    const samples = resultOf(this.#query, queryMs).map(({ labels, value }) => ({
      labels: withLabels(labels, this.#labels),
      value,
    }));
    if (new Set(samples.map(({ labels }) => labels.key)).size < samples.length) {
      throw new QueryError("vector contains metrics with the same labelset after applying rule labels");
    }
    if (this.#limit > 0 && samples.length > this.#limit) {
      throw new QueryError(`exceeded limit of ${this.#limit} with ${samples.length} series`);
    }
    return samples;
  }
}
