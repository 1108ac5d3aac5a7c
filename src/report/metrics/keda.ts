import type { MetricFamily, MetricSample } from "../../model/metric-family.ts";
import type { KedaMetric } from "../metric.ts";
import type { KedaView, ScaledObjectView } from "../world-view.ts";

// What KEDA's operator shows of ScaledObjects (kedacore/keda v2.21, pkg/metricscollector/prommetrics.go), as far as its loop is
// simulated. Two of its gauges have names that end in _total.

const row = (
  name: string,
  help: string,
  samples: (view: KedaView) => readonly MetricSample[],
  type: MetricFamily["type"] = "gauge",
): KedaMetric => ({ name: `keda_${name}`, type, help, samples });

type Metric = ScaledObjectView["metrics"][number];

const perMetric = (view: KedaView, read: (metric: Metric) => number | undefined): MetricSample[] =>
  view.objects.flatMap(({ namespace, name, metrics }) =>
    metrics.flatMap((one) => {
      const value = read(one);
      if (value === undefined) return [];
      const { scaler, triggerIndex, metric } = one;
      const labels = { namespace, metric, scaledObject: name, scaler, triggerIndex: String(triggerIndex) };
      return [{ labels: { ...labels, type: "scaledobject" }, value }];
    }),
  );

const perObject = (view: KedaView, read: (object: ScaledObjectView) => number | undefined): MetricSample[] =>
  view.objects.flatMap((object) => {
    const value = read(object);
    return value === undefined ? [] : [{ labels: { namespace: object.namespace, scaledObject: object.name }, value }];
  });

const tally = (words: readonly string[]): readonly (readonly [string, number])[] => {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts];
};

export const kedaMetrics: readonly KedaMetric[] = [
  row(
    "resource_registered_total",
    "Total number of KEDA custom resources per namespace for each custom resource type (CRD) registered.",
    ({ objects }) =>
      tally(objects.map(({ namespace }) => namespace)).map(([namespace, value]) => ({
        labels: { type: "scaled_object", namespace },
        value,
      })),
  ),
  row(
    "scaled_object_errors",
    "The number of errors that have occurred for each ScaledObject.",
    (view) => perObject(view, ({ errors }) => errors),
    "counter",
  ),
  row("scaled_object_paused", "Indicates whether a ScaledObject is paused (1), or not (0).", (view) =>
    perObject(view, ({ paused }) => Number(paused)),
  ),
  row("scaler_active", "Indicates whether a scaler is active (1), or not (0).", (view) =>
    perMetric(view, ({ active }) => (active === undefined ? undefined : Number(active))),
  ),
  row(
    "scaler_detail_errors",
    "The total number of errors encountered for each scaler.",
    (view) => perMetric(view, ({ errors }) => errors),
    "counter",
  ),
  row(
    "scaler_empty_upstream_responses",
    "Number of times a query returns an empty result",
    ({ objects }) =>
      objects.flatMap(({ namespace, name, empty }) =>
        empty.map(({ triggerName, metric, ignoreNullValues, count }) => ({
          labels: {
            namespace,
            scaledResource: name,
            triggerName,
            metricName: metric,
            resourceType: "ScaledObject",
            ignoreNullValues: String(ignoreNullValues),
          },
          value: count,
        })),
      ),
    "counter",
  ),
  row(
    "scaler_metrics_value",
    "The current value for each scaler's metric that would be used by the HPA in computing the target average.",
    (view) => perMetric(view, ({ value }) => value),
  ),
  row("trigger_registered_total", "Total number of triggers per trigger type registered.", ({ objects }) =>
    tally(objects.flatMap(({ triggerTypes }) => triggerTypes)).map(([type, value]) => ({ labels: { type }, value })),
  ),
];
