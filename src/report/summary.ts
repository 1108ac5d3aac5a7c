import { type Buckets, histogramCeiling, histogramQuantile, total } from "./histogram-quantile.ts";
import type { Summary } from "./report.ts";
import type { QuantileSketch } from "./sketch.ts";

export const summaryOf = (sketch: QuantileSketch): Summary => ({
  count: sketch.count,
  mean: sketch.mean,
  p50: sketch.quantile(0.5),
  p90: sketch.quantile(0.9),
  p95: sketch.quantile(0.95),
  p99: sketch.quantile(0.99),
  max: sketch.max,
});

/** The mean is exact; percentiles are interpolated inside their bucket; the maximum is the bound above it. */
export const summaryOfHistogram = (histogram: Buckets): Summary => {
  const count = total(histogram.counts);
  return {
    count,
    mean: count === 0 ? 0 : histogram.sum / count,
    p50: histogramQuantile(0.5, histogram),
    p90: histogramQuantile(0.9, histogram),
    p95: histogramQuantile(0.95, histogram),
    p99: histogramQuantile(0.99, histogram),
    max: histogramCeiling(histogram),
  };
};
