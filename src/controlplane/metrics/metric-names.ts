import type { Problem } from "../../model/problem.ts";
import type { HpaMetric, HpaSpec } from "../hpa/spec.ts";

/** Names that metrics had in earlier versions. Source: vLLM v0.10 and v0.22. */
const RENAMED: Readonly<Record<string, string>> = { "vllm:gpu_cache_usage_perc": "vllm:kv_cache_usage_perc" };

/** A few of those that autoscalers use most, for messages. */
const USUAL = ["vllm:num_requests_waiting", "vllm:num_requests_running", "vllm:kv_cache_usage_perc"];

const isUsage = (metric: HpaMetric): boolean =>
  "resource" in metric && (metric.resource === "cpu" || metric.resource === "memory");

const CRUDE: Problem = {
  severity: "warning",
  reason: "CrudeModel",
  message:
    "usage of CPU and memory is simulated crudely: one core per rank while a step is under way, and constant memory",
  fix: "scale on what engines or gateway tell of their load, such as vllm:num_requests_waiting",
};

/**
 * What an HPA may call the simulated series where no adapter's rules are known: by their own names, with `_` for `:`, as an
 * API path may have it, or without the prefix `vllm:`.
 */
export class MetricNames {
  readonly #series = new Map<string, string>();

  /** @param gauges names of the gauges that are simulated */
  constructor(gauges: readonly string[]) {
    for (const series of [...gauges, ...Object.keys(RENAMED)]) {
      const now = RENAMED[series] ?? series;
      for (const alias of [series, series.replaceAll(":", "_"), series.replace(/^vllm:/, "")]) {
        if (!this.#series.has(alias)) this.#series.set(alias, now);
      }
    }
  }

  /** @returns the series behind a metric name of an HPA; undefined: this world has none */
  seriesOf(metric: string): string | undefined {
    return this.#series.get(metric);
  }

  /** @returns the series that must be scraped for this HPA, without doubles */
  neededSeries(spec: HpaSpec): readonly string[] {
    return [
      ...new Set(spec.metrics.flatMap((metric) => ("metric" in metric ? (this.seriesOf(metric.metric) ?? []) : []))),
    ];
  }

  /** Warnings for all metrics of an HPA that find no data here; `field` is the path of the entry in the object. */
  problems(spec: HpaSpec): readonly Problem[] {
    return spec.metrics.flatMap((metric, index) => {
      if (isUsage(metric)) return [{ ...CRUDE, field: `spec.metrics[${index}]` }];
      const message = this.#messageOf(metric);
      if (message === undefined) return [];
      const fix = `use a Pods or External metric on a simulated gauge, such as ${USUAL.join(", ")}`;
      return [{ severity: "warning", reason: "UnknownMetric", message, fix, field: `spec.metrics[${index}]` }];
    });
  }

  #messageOf(metric: HpaMetric): string | undefined {
    const holds = "the HPA finds no data for it and holds";
    if ("metric" in metric) {
      if (this.seriesOf(metric.metric) !== undefined) return undefined;
      return `no simulated series stands behind the metric ${JSON.stringify(metric.metric)}: ${holds}`;
    }
    const what = metric.type === "Unknown" ? `metrics of type ${metric.said} are` : `usage of ${metric.resource} is`;
    return `${what} not simulated: ${holds}`;
  }
}
