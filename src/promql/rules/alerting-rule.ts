import type { VectorSample } from "../answer.ts";
import { Labels, METRIC_NAME } from "../labels.ts";
import type { PreparedQuery } from "../query.ts";
import { QueryError } from "../query-error.ts";
import { expandedLabel } from "./label-template.ts";
import { type Rule, resultOf, withLabels } from "./rule.ts";
import type { AlertingRuleSpec } from "./rule-spec.ts";

interface Alert {
  readonly labels: Labels;
  readonly activeAtMs: number;
  state: "pending" | "firing";
  /** Since when its cause is gone while it goes on; undefined while the cause is there. */
  causeGoneAtMs: number | undefined;
}

/**
 * Alerts that its query calls for, as the series ALERTS and ALERTS_FOR_STATE. Nobody is told, and annotations are not
 * looked at. A server that has just started would keep both series back for two intervals, to find out what was before;
 * this one has run for long. Source: AlertingRule.Eval, rules/alerting.go, Prometheus 3.14.
 */
export class AlertingRule implements Rule {
  readonly #spec: AlertingRuleSpec;
  readonly #query: PreparedQuery;
  readonly #limit: number;
  readonly #ruleLabels: Labels;
  /** By key of their labels. */
  #active = new Map<string, Alert>();

  constructor(spec: AlertingRuleSpec, query: PreparedQuery, limit: number) {
    this.#spec = spec;
    this.#query = query;
    this.#limit = limit;
    this.#ruleLabels = Labels.of(spec.labels);
  }

  evaluate(atMs: number, queryMs: number): readonly VectorSample[] {
    const called = this.#called(queryMs);
    for (const [key, labels] of called) {
      if (this.#active.has(key)) continue;
      this.#active.set(key, { labels, activeAtMs: atMs, state: "pending", causeGoneAtMs: undefined });
    }
    for (const [key, alert] of this.#active) {
      if (!this.#goesOn(alert, called.has(key), atMs)) this.#active.delete(key);
    }
    if (this.#limit > 0 && this.#active.size > this.#limit) {
      const message = `exceeded limit of ${this.#limit} with ${this.#active.size} alerts`;
      this.#active = new Map();
      throw new QueryError(message);
    }
    return [...this.#active.values()].flatMap((alert) => this.#samples(alert));
  }

  /** Labels of the alerts that the query calls for now. */
  #called(queryMs: number): ReadonlyMap<string, Labels> {
    const called = new Map<string, Labels>();
    for (const sample of resultOf(this.#query, queryMs)) {
      const own = Object.entries(this.#spec.labels).map(([name, text]) => [name, expandedLabel(text, sample)] as const);
      const labels = withLabels(sample.labels, [[METRIC_NAME, ""], ...own, ["alertname", this.#spec.alert]]);
      if (called.has(labels.key)) {
        throw new QueryError("vector contains metrics with the same labelset after applying alert labels");
      }
      called.set(labels.key, labels);
    }
    return called;
  }

  #goesOn(alert: Alert, isCalled: boolean, atMs: number): boolean {
    const { forMs, keepFiringForMs } = this.#spec;
    if (isCalled) alert.causeGoneAtMs = undefined;
    else {
      if (alert.state === "pending" || keepFiringForMs === 0) return false;
      alert.causeGoneAtMs ??= atMs;
      if (atMs - alert.causeGoneAtMs >= keepFiringForMs) return false;
    }
    if (alert.state === "pending" && atMs - alert.activeAtMs >= forMs) alert.state = "firing";
    return true;
  }

  #samples({ labels, state, activeAtMs }: Alert): readonly VectorSample[] {
    const all = withLabels(this.#ruleLabels, labels.pairs());
    return [
      {
        labels: withLabels(all, [
          [METRIC_NAME, "ALERTS"],
          ["alertstate", state],
        ]),
        value: 1,
      },
      { labels: all.with(METRIC_NAME, "ALERTS_FOR_STATE"), value: Math.floor(activeAtMs / 1000) },
    ];
  }
}
