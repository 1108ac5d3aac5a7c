import { MetricNames } from "../controlplane/metrics/metric-names.ts";
import { VARIANT_GAUGES } from "../controlplane/wva/metrics.ts";
import { autoscalerMetrics, gatewayMetrics, replicaMetrics, workloadMetrics } from "../report/metrics/index.ts";

/** What an HPA may call the gauges that are simulated. */
export const metricNames = new MetricNames([
  ...[...replicaMetrics, ...gatewayMetrics, ...workloadMetrics, ...autoscalerMetrics]
    .filter(({ type }) => type === "gauge")
    .map(({ name }) => name),
  ...VARIANT_GAUGES,
]);
