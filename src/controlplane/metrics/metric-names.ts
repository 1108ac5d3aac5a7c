import type { Problem } from "../../model/problem.ts";
import type { HpaMetric, HpaSpec } from "../hpa/spec.ts";

/** An engine series that an HPA may ask for, under all names that it goes by. */
interface EngineSeries {
  readonly series: string;
  /** Without prefix; production's of today first. */
  readonly names: readonly string[];
}

/**
 * Sources: vLLM v0.22 metric names; `gpu_cache_usage_perc` is what `kv_cache_usage_perc` was called before. The rules of an
 * adapter often turn `vllm:` into `vllm_` or drop it.
 */
const KNOWN: readonly EngineSeries[] = [
  { series: "vllm:num_requests_waiting", names: ["num_requests_waiting"] },
  { series: "vllm:num_requests_running", names: ["num_requests_running"] },
  { series: "vllm:kv_cache_usage_perc", names: ["kv_cache_usage_perc", "gpu_cache_usage_perc"] },
];

const SERIES = new Map(
  KNOWN.flatMap(({ series, names }) =>
    names.flatMap((name) => [`vllm:${name}`, `vllm_${name}`, name].map((alias) => [alias, series] as const)),
  ),
);

/** @returns the engine series behind a metric name of an HPA; undefined: this world has none */
export const seriesOf = (metric: string): string | undefined => SERIES.get(metric);

/** @returns the engine series that must be scraped for this HPA, without doubles */
export const neededSeries = (spec: HpaSpec): readonly string[] => [
  ...new Set(spec.metrics.flatMap((metric) => ("metric" in metric ? (seriesOf(metric.metric) ?? []) : []))),
];

/** A warning if no series stands behind the name: the HPA will find no data and hold. */
export const metricProblem = (metric: string): Problem | undefined =>
  seriesOf(metric) === undefined
    ? {
        severity: "warning",
        reason: "UnknownMetric",
        message: `no simulated series stands behind the metric ${JSON.stringify(metric)}: the HPA finds no data for it and holds`,
        fix: `use one of ${KNOWN.map(({ series }) => series).join(", ")}`,
      }
    : undefined;

/** Warnings for all metrics of an HPA that find no data here; `field` is the path of the entry in the object. */
export const metricProblems = (spec: HpaSpec): readonly Problem[] =>
  spec.metrics.flatMap((metric, index) => {
    const problem = problemOf(metric);
    return problem === undefined ? [] : [{ ...problem, field: `spec.metrics[${index}]` }];
  });

const problemOf = (metric: HpaMetric): Problem | undefined => {
  if ("metric" in metric) return metricProblem(metric.metric);
  const what = metric.type === "Unknown" ? `metrics of type ${metric.said} are` : `usage of ${metric.resource} is`;
  return {
    severity: "warning",
    reason: "UnknownMetric",
    message: `${what} not simulated: the HPA finds no data for it and holds`,
    fix: `use a Pods or External metric on one of ${KNOWN.map(({ series }) => series).join(", ")}`,
  };
};
