import type { Histogram, HistogramValue } from "../../model/metric-family.ts";
import type { GatewayMetric } from "../metric.ts";
import type { GatewayView, RequestSeries } from "../world-view.ts";
import { alpha, flowLabels, PORT, poolSamples, queueSeconds, sample, stages } from "./epp.ts";

// The names that llm-d's endpoint picker inherited from the Gateway API Inference Extension and still exports beside its own
// (llm-d-router@ebab6879): fewer labels, so series of several fairness ids and priorities are one here.

const deprecated = (present: string, help: string): string => alpha(`[Deprecated: Use llm_d_epp_${present}] ${help}`);

/** Requests put together by what `labels` leaves of them. */
const groups = (
  { counted }: GatewayView,
  labels: (series: RequestSeries) => Readonly<Record<string, string>>,
): { readonly labels: Readonly<Record<string, string>>; readonly all: RequestSeries[] }[] => {
  const found = new Map<string, { labels: Readonly<Record<string, string>>; all: RequestSeries[] }>();
  for (const series of counted.requests) {
    const kept = labels(series);
    const key = JSON.stringify(kept);
    const group = found.get(key);
    if (group === undefined) found.set(key, { labels: kept, all: [series] });
    else group.all.push(series);
  }
  return [...found.values()];
};

const modelLabels = ({ model, targetModel }: RequestSeries) => ({ model_name: model, target_model_name: targetModel });

const summed = (histograms: readonly Histogram[]): HistogramValue => {
  const [first] = histograms;
  const bounds = first?.bounds ?? [];
  return {
    bounds,
    counts: Array.from({ length: bounds.length + 1 }, (_, i) =>
      histograms.reduce((sum, { counts }) => sum + (counts[i] as number), 0),
    ),
    sum: histograms.reduce((sum, one) => sum + one.sum, 0),
  };
};

const objective = (
  name: string,
  present: string,
  help: string,
  which: (series: RequestSeries) => Histogram,
): GatewayMetric => ({
  name: `inference_objective_${name}`,
  type: "histogram",
  help: deprecated(present, help),
  samples: (view) =>
    groups(view, modelLabels).flatMap(({ labels, all }) => {
      const value = summed(all.map(which));
      return value.counts.every((count) => count === 0) ? [] : [sample(labels, value)];
    }),
});

const pool = (name: string, present: string, help: string, read: Parameters<typeof poolSamples>[0]): GatewayMetric => ({
  name: `inference_pool_${name}`,
  type: "gauge",
  help: deprecated(present, help),
  samples: poolSamples(read),
});

const extension = (
  name: string,
  type: GatewayMetric["type"],
  help: string,
  samples: GatewayMetric["samples"],
): GatewayMetric => ({
  name: `inference_extension_${name}`,
  type,
  help: deprecated(type === "counter" ? `${name}_total` : name, help),
  samples,
});

const objectives: readonly GatewayMetric[] = [
  {
    name: "inference_objective_request",
    type: "counter",
    help: deprecated(
      "request_total",
      "Counter of inference objective requests broken out for each model and target model.",
    ),
    samples: (view) =>
      groups(view, (series) => ({
        model_name: series.model,
        priority: String(series.priority),
        target_model_name: series.targetModel,
      })).flatMap(({ labels, all }) => {
        const count = all.reduce((sum, { requests }) => sum + requests, 0);
        return count === 0 ? [] : [sample(labels, count)];
      }),
  },
  {
    name: "inference_objective_request_error",
    type: "counter",
    help: deprecated(
      "request_error_total",
      "Counter of inference objective requests errors broken out for each model and target model.",
    ),
    samples: (view) =>
      groups(view, modelLabels).flatMap(({ labels, all }) => {
        const codes = [...new Set(all.flatMap(({ errors }) => [...errors.keys()]))];
        return codes.map((code) =>
          sample(
            { error_code: code, ...labels },
            all.reduce((sum, { errors }) => sum + (errors.get(code) ?? 0), 0),
          ),
        );
      }),
  },
  {
    name: "inference_objective_running_requests",
    type: "gauge",
    help: deprecated("request_running", "Inference objective number of running requests in each model."),
    samples: (view) =>
      groups(view, ({ model }) => ({ model_name: model })).flatMap(({ labels, all }) =>
        all.every(({ requests }) => requests === 0)
          ? []
          : [
              sample(
                labels,
                all.reduce((sum, { running }) => sum + running, 0),
              ),
            ],
      ),
  },
  objective(
    "request_duration_seconds",
    "request_duration_seconds",
    "Inference objective response latency distribution in seconds for each model and target model.",
    ({ duration }) => duration,
  ),
  objective(
    "request_sizes",
    "request_size_bytes",
    "Inference objective requests size distribution in bytes for each model and target model.",
    ({ requestBytes }) => requestBytes,
  ),
  objective(
    "response_sizes",
    "response_size_bytes",
    "Inference objective responses size distribution in bytes for each model and target model.",
    ({ responseBytes }) => responseBytes,
  ),
  objective(
    "input_tokens",
    "request_input_tokens",
    "Inference objective input token count distribution for requests in each model.",
    ({ inputTokens }) => inputTokens,
  ),
  objective(
    "output_tokens",
    "request_output_tokens",
    "Inference objective output token count distribution for requests in each model.",
    ({ outputTokens }) => outputTokens,
  ),
  objective(
    "prompt_cached_tokens",
    "request_cached_tokens",
    "Inference objective prompt cached token count distribution for requests in each model.",
    ({ cachedTokens }) => cachedTokens,
  ),
  objective(
    "normalized_time_per_output_token_seconds",
    "request_ntpot_seconds",
    "Inference objective latency divided by number of output tokens in seconds for each model and target model.",
    ({ ntpot }) => ntpot,
  ),
];

const pools: readonly GatewayMetric[] = [
  pool(
    "average_kv_cache_utilization",
    "average_kv_cache_utilization",
    "The average kv cache utilization for an inference server pool.",
    ({ kvUsage }) => kvUsage?.mean,
  ),
  pool(
    "average_queue_size",
    "average_queue_size",
    "The average number of requests pending in the model server queue.",
    ({ waiting }) => waiting?.mean,
  ),
  pool(
    "average_running_requests",
    "average_running_requests",
    "The average number of running requests across model servers in the pool.",
    ({ running }) => running?.mean,
  ),
  pool("ready_pods", "ready_endpoints", "The number of ready pods in the inference server pool.", ({ ready }) => ready),
];

const SATURATION =
  "Pool saturation signal gating Flow Control dispatch. The stage label partitions by pipeline role: 'prefill' and 'decode' are per-stage signals, 'effective' is max(prefill, decode) and is the value used for gating. 1.0 is the gating set point; values above 1.0 indicate the magnitude of oversubscription past it. An empty pool reads as 1.0. With the default utilization detector, endpoints with missing or stale metrics score as fully saturated (fail-closed; see llm_d_epp_flow_control_stale_endpoints).";

const extensions: readonly GatewayMetric[] = [
  extension("scheduler_attempts", "counter", "Total number of scheduling attempts.", (view) =>
    view.counted.attempts.map(({ status, targetModel, endpoint, count }) =>
      sample(
        { namespace: view.namespace, pod_name: endpoint, port: PORT, status, target_model_name: targetModel },
        count,
      ),
    ),
  ),
  extension(
    "flow_control_queue_size",
    "gauge",
    "Current number of requests actively held in the Flow Control queue.",
    (view) => view.counted.queues.map((queue) => sample(flowLabels(view, queue), queue.size)),
  ),
  extension(
    "flow_control_queue_bytes",
    "gauge",
    "Current total size in bytes of requests actively held in the Flow Control queue.",
    (view) => view.counted.queues.map((queue) => sample(flowLabels(view, queue), queue.bytes)),
  ),
  extension(
    "flow_control_request_queue_duration_seconds",
    "histogram",
    "Distribution of total time requests spend in the Flow Control layer (from enqueue to final outcome).",
    queueSeconds,
  ),
  extension("flow_control_pool_saturation", "gauge", SATURATION, stages),
  extension("prefix_indexer_size", "gauge", "Size of the prefix indexer.", (view) =>
    view.prefixIndex === undefined ? [] : [sample({}, view.prefixIndex.entries)],
  ),
  extension(
    "prefix_indexer_hit_ratio",
    "histogram",
    "Ratio of prefix length matched to total prefix length in the cache lookup.",
    (view) => (view.prefixIndex === undefined ? [] : [sample({}, view.counted.prefixHitRatio.value())]),
  ),
  extension(
    "prefix_indexer_hit_bytes",
    "histogram",
    "Length of the prefix match in number of bytes in the cache lookup.",
    (view) => (view.prefixIndex === undefined ? [] : [sample({}, view.counted.prefixHitBytes.value())]),
  ),
  {
    name: "llm_d_inference_scheduler_disagg_decision",
    type: "counter",
    help: deprecated("disagg_decision_total", "Total number of disaggregation routing decisions made"),
    samples: (view) =>
      view.disagg === undefined
        ? []
        : view.counted.decisions.map(({ model, decision, count }) =>
            sample({ decision_type: decision, model_name: model }, count),
          ),
  },
];

export const eppDeprecatedMetrics: readonly GatewayMetric[] = [...objectives, ...pools, ...extensions];
