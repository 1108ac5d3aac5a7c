import type { SimTime } from "../../sim/time.ts";
import type { MetricValue } from "../autoscaler.ts";

/** The window that the HPA takes for a metric whose API names none: metricServerDefaultMetricWindow, Kubernetes v1.36. */
const DEFAULT_WINDOW_SECONDS = 60;
const MIN_INT64 = -(2n ** 63n);

/** What Go's `int64(value * 1000)` gives on amd64: finer parts are cut off; NaN and what is too large are -2^63. */
export const milliOf = (value: number): bigint => {
  const milli = Math.trunc(value * 1000);
  return Math.abs(milli) < 2 ** 63 ? BigInt(milli) : MIN_INT64;
};

/** Its time is that of the query. Source: prometheus-adapter v0.12.0, metricFor (custom), convertSample (external). */
export const metricValue = (value: number, at: SimTime): MetricValue => ({
  valueMilli: milliOf(value),
  at,
  windowSeconds: DEFAULT_WINDOW_SECONDS,
});
