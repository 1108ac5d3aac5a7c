import { MetricNames } from "../controlplane/metrics/metric-names.ts";
import { SIMULATED_GAUGES } from "./simulated-series.ts";

/** What an HPA may call the gauges that are simulated. */
export const metricNames = new MetricNames(SIMULATED_GAUGES);
