import type { MetricSample } from "../../model/metric-family.ts";
import type { AutoscalerMetric } from "../metric.ts";
import type { AutoscalerView } from "../world-view.ts";

// What kube-state-metrics prints on Kubernetes 1.35 about HorizontalPodAutoscalers.

const labels = (view: AutoscalerView) => ({ namespace: view.namespace, horizontalpodautoscaler: view.name });

const row = (name: string, help: string, samples: AutoscalerMetric["samples"]): AutoscalerMetric => ({
  name: `kube_horizontalpodautoscaler_${name}`,
  type: "gauge",
  help,
  samples,
});

const one = (name: string, help: string, read: (view: AutoscalerView) => number): AutoscalerMetric =>
  row(name, help, (view) => [{ labels: labels(view), value: read(view) }]);

const perMetric = (
  view: AutoscalerView,
  read: (metric: AutoscalerView["metrics"][number]) => number | undefined,
): MetricSample[] =>
  view.metrics.flatMap((metric) => {
    const value = read(metric);
    if (value === undefined) return [];
    // `container` is set for ContainerResource metrics only, which no simulated autoscaler has.
    const own = { metric_name: metric.name, metric_target_type: metric.targetType, container: "" };
    return [{ labels: { ...labels(view), ...own }, value }];
  });

export const kubeHorizontalPodAutoscalerMetrics: readonly AutoscalerMetric[] = [
  row("info", "Information about this autoscaler.", (view) => [
    {
      labels: {
        ...labels(view),
        scaletargetref_api_version: view.targetApiVersion,
        scaletargetref_kind: view.targetKind,
        scaletargetref_name: view.targetName,
      },
      value: 1,
    },
  ]),
  one(
    "spec_max_replicas",
    "[STABLE] Upper limit for the number of pods that can be set by the autoscaler; cannot be smaller than MinReplicas.",
    (view) => view.maxReplicas,
  ),
  one(
    "spec_min_replicas",
    "[STABLE] Lower limit for the number of pods that can be set by the autoscaler, default 1.",
    (view) => view.minReplicas,
  ),
  row(
    "spec_target_metric",
    "The metric specifications used by this autoscaler when calculating the desired replica count.",
    (view) => perMetric(view, (metric) => metric.target),
  ),
  row(
    "status_target_metric",
    "[STABLE] The current metric status used by this autoscaler when calculating the desired replica count.",
    (view) => perMetric(view, (metric) => metric.current),
  ),
  one(
    "status_current_replicas",
    "[STABLE] Current number of replicas of pods managed by this autoscaler.",
    (view) => view.currentReplicas,
  ),
  one(
    "status_desired_replicas",
    "[STABLE] Desired number of replicas of pods managed by this autoscaler.",
    (view) => view.desiredReplicas,
  ),
  row("status_condition", "[STABLE] The condition of this autoscaler.", (view) =>
    view.conditions.flatMap((condition) =>
      (["True", "False", "Unknown"] as const).map((status) => ({
        labels: { ...labels(view), condition: condition.type, status: status.toLowerCase() },
        value: condition.status === status ? 1 : 0,
      })),
    ),
  ),
];
