import type { SeriesAnswer, SeriesLabels } from "../monitoring-server.ts";
import type { MetricRule } from "./metric-rule.ts";
import { ROOT_SCOPED } from "./resource-kinds.ts";

/** Where a metric's values come from. */
export interface ListedMetric {
  readonly series: string;
  readonly rule: MetricRule;
}

export type MetricList = ReadonlyMap<string, ListedMetric>;
/** What matches a rule's seriesQuery. */
export type FindSeries = (seriesQuery: string) => SeriesAnswer;

const NAME = "__name__";

/** Key of a custom metric: one name may be shown for several resources. */
export const customKey = (resource: string, namespaced: boolean, metric: string): string =>
  `${resource}|${namespaced}|${metric}`;

/**
 * The custom metrics that there are now, by `customKey`; where two rules show one, the later counts. undefined: a query
 * failed, and the adapter keeps the list that it has.
 * Source: cachingMetricsLister.updateMetrics and basicSeriesRegistry.SetSeries, prometheus-adapter v0.12.0, pkg/custom-provider.
 */
export const customMetrics = (rules: readonly MetricRule[], find: FindSeries): MetricList | undefined =>
  listed(rules, find, (rule, metric, labels) => {
    const { resources, namespaced } = rule.labels.resourcesOf(labels);
    return resources.map((resource) => customKey(resource, namespaced && !ROOT_SCOPED.includes(resource), metric));
  });

/**
 * The external metrics that there are now, by name, likewise.
 * Source: basicMetricLister.ListAllMetrics and externalSeriesRegistry.filterAndStoreMetrics, pkg/external-provider.
 */
export const externalMetrics = (rules: readonly MetricRule[], find: FindSeries): MetricList | undefined =>
  listed(rules, find, (_rule, metric) => [metric]);

const listed = (
  rules: readonly MetricRule[],
  find: FindSeries,
  keysOf: (rule: MetricRule, metric: string, labels: SeriesLabels) => readonly string[],
): MetricList | undefined => {
  const found = new Map<string, ReturnType<FindSeries>>();
  const list = new Map<string, ListedMetric>();
  for (const rule of rules) {
    const answer = found.get(rule.seriesQuery) ?? find(rule.seriesQuery);
    found.set(rule.seriesQuery, answer);
    if (!answer.ok) return undefined;
    for (const { [NAME]: series = "", ...labels } of answer.series) {
      const metric = rule.nameOf(series);
      if (metric === undefined) continue;
      for (const key of keysOf(rule, metric, labels)) list.set(key, { series, rule });
    }
  }
  return list;
};
