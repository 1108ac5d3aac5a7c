import { VARIANT_COUNTERS, VARIANT_GAUGES } from "../controlplane/wva/metrics.ts";
import type { MetricFamily } from "../model/metric-family.ts";
import {
  autoscalerMetrics,
  gatewayMetrics,
  kedaMetrics,
  nodeMetrics,
  podMetrics,
  replicaMetrics,
  seriesNamesOf,
  workloadMetrics,
} from "../report/metrics/index.ts";

type Named = Pick<MetricFamily, "name" | "type">;

/** All families that targets of a simulated Prometheus show. */
const FAMILIES: readonly Named[] = [
  ...[replicaMetrics, gatewayMetrics, workloadMetrics, autoscalerMetrics, nodeMetrics, podMetrics, kedaMetrics].flat(),
  ...VARIANT_GAUGES.map((name): Named => ({ name, type: "gauge" })),
  ...VARIANT_COUNTERS.map((name): Named => ({ name, type: "counter" })),
];

/** Names of all series that targets show, as they are exposed. */
export const SIMULATED_SERIES: readonly string[] = FAMILIES.flatMap(seriesNamesOf);

/** Those that are gauges. */
export const SIMULATED_GAUGES: readonly string[] = FAMILIES.filter(({ type }) => type === "gauge").map(
  ({ name }) => name,
);

/** What a simulated Prometheus makes itself. */
export const OWN_SERIES: readonly string[] = ["up", "ALERTS", "ALERTS_FOR_STATE"];
