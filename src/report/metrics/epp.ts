import type { Histogram, MetricSample } from "../../model/metric-family.ts";
import type { GatewayMetric } from "../metric.ts";
import type { GatewayCounts, GatewayView, Moments, PoolGauges, RequestLabels, RequestSeries } from "../world-view.ts";

// What llm-d's endpoint picker exports under its present names (llm-d-router@ebab6879, 62 commits after v0.10.0-rc.1), as far
// as it is simulated. Left out since nothing here takes such time: scheduler, plugin, request and response processing,
// enqueue and dispatch cycle durations. Left out since it isn't simulated: inter-token latency per request, predictions,
// time to the end of a revocation, data layer errors, build info.

const PREFIX = "llm_d_epp_";
export const alpha = (help: string): string => `[ALPHA] ${help}`;

export const sample = (labels: Readonly<Record<string, string>>, value: MetricSample["value"]): MetricSample => ({
  labels,
  value,
});

const requestLabels = ({ fairnessId, model, priority, targetModel }: RequestLabels) => ({
  fairness_id: fairnessId,
  model_name: model,
  priority: String(priority),
  target_model_name: targetModel,
});

const gauge = (name: string, help: string, samples: GatewayMetric["samples"]): GatewayMetric => ({
  name: PREFIX + name,
  type: "gauge",
  help: alpha(help),
  samples,
});

/** @param name without `_total` */
const counter = (name: string, help: string, samples: GatewayMetric["samples"]): GatewayMetric => ({
  name: PREFIX + name,
  type: "counter",
  help: alpha(help),
  samples,
});

/** A histogram has a series once something was observed. */
const observed = (labels: Readonly<Record<string, string>>, histogram: Histogram): MetricSample[] =>
  histogram.count === 0 ? [] : [sample(labels, histogram.value())];

const histogram = (name: string, help: string, samples: GatewayMetric["samples"]): GatewayMetric => ({
  name: PREFIX + name,
  type: "histogram",
  help: alpha(help),
  samples,
});

const perRequest = (
  name: string,
  help: string,
  which: (series: RequestSeries) => Histogram,
  more: Readonly<Record<string, string>> = {},
): GatewayMetric =>
  histogram(name, help, (view) =>
    view.counted.requests.flatMap((series) => observed({ ...requestLabels(series), ...more }, which(series))),
  );

export const poolSamples =
  (read: (gauges: PoolGauges) => number | undefined): GatewayMetric["samples"] =>
  (view) => {
    const value = view.flushed === undefined ? undefined : read(view.flushed);
    return value === undefined ? [] : [sample({ name: view.pool }, value)];
  };

const deviation = (name: string, what: string, read: (gauges: PoolGauges) => Moments | undefined): GatewayMetric =>
  gauge(
    `std_dev_${name}`,
    `The standard deviation ${what}`,
    poolSamples((gauges) => read(gauges)?.deviation),
  );

const pool: readonly GatewayMetric[] = [
  gauge(
    "average_kv_cache_utilization",
    "The average kv cache utilization for an inference server pool.",
    poolSamples(({ kvUsage }) => kvUsage?.mean),
  ),
  gauge(
    "average_queue_size",
    "The average number of requests pending in the model server queue.",
    poolSamples(({ waiting }) => waiting?.mean),
  ),
  gauge(
    "average_running_requests",
    "The average number of running requests across model servers in the pool.",
    poolSamples(({ running }) => running?.mean),
  ),
  deviation("kv_cache_utilization", "kv cache utilization for an inference server pool.", ({ kvUsage }) => kvUsage),
  deviation("queue_size", "number of requests pending in the model server queue.", ({ waiting }) => waiting),
  deviation(
    "running_requests",
    "number of running requests across model servers in the pool.",
    ({ running }) => running,
  ),
  gauge(
    "ready_endpoints",
    "The number of ready endpoints in the inference server pool.",
    poolSamples(({ ready }) => ready),
  ),
  gauge(
    "per_endpoint_queue_size",
    "The total number of requests pending in the model server queue for each underlying endpoint.",
    (view) =>
      view.endpoints.map(({ name, waiting }) => sample({ model_server_endpoint: name, name: view.pool }, waiting)),
  ),
];

const requests: readonly GatewayMetric[] = [
  counter("request", "Total number of processed requests.", (view) =>
    view.counted.requests.flatMap((series) =>
      series.requests === 0 ? [] : [sample(requestLabels(series), series.requests)],
    ),
  ),
  counter("request_error", "Total number of request errors.", (view) =>
    view.counted.requests.flatMap((series) =>
      [...series.errors].map(([code, count]) => sample({ error_code: code, ...requestLabels(series) }, count)),
    ),
  ),
  gauge("request_running", "Current number of active running requests.", (view) =>
    view.counted.requests.flatMap((series) =>
      series.requests === 0 ? [] : [sample(requestLabels(series), series.running)],
    ),
  ),
  perRequest("request_duration_seconds", "End-to-end request latency distribution in seconds.", (s) => s.duration),
  perRequest(
    "request_ttft_seconds",
    "Time to first token in seconds, measured from request received to first response byte. For non-streaming requests, this equals total request duration.",
    (s) => s.ttft,
    { streaming: "true" },
  ),
  perRequest(
    "request_streaming_tpot_seconds",
    "Average time per output token in seconds for streaming requests, computed as (e2e - TTFT) / (output_tokens - 1).",
    (s) => s.tpot,
  ),
  perRequest(
    "request_ntpot_seconds",
    "Normalized time per output token in seconds (end-to-end latency divided by output token count).",
    (s) => s.ntpot,
  ),
  perRequest("request_size_bytes", "Incoming request body size distribution in bytes.", (s) => s.requestBytes),
  perRequest("response_size_bytes", "Outgoing response body size distribution in bytes.", (s) => s.responseBytes),
  perRequest("request_input_tokens", "Input token count distribution per request.", (s) => s.inputTokens),
  perRequest("request_output_tokens", "Output token count distribution per request.", (s) => s.outputTokens),
  perRequest(
    "request_cached_tokens",
    "Distribution of prompt tokens read from cache per request, as reported by the model server in the response.",
    (s) => s.cachedTokens,
  ),
];

const SATURATION =
  "Pool saturation signal gating Flow Control dispatch. The stage label partitions by pipeline role: 'prefill' and 'decode' are per-stage signals, 'effective' is max(prefill, decode) and is the value used for gating. 1.0 is the gating set point; values above 1.0 indicate the magnitude of oversubscription past it. An empty pool reads as 1.0. With the default utilization detector, endpoints with missing or stale metrics score as fully saturated (fail-closed; see flow_control_stale_endpoints).";

const capacity = (what: string, share: string, read: (band: Band) => number): GatewayMetric =>
  gauge(
    `flow_control_capacity_utilization_${what}`,
    `Fraction of a priority band's effective ${share} capacity currently occupied, aggregated over every flow in the band (0.0-1.0). The denominator falls back to a default when the band does not configure one, so every configured band reports a series. The all-bands rollup is a separate metric, flow_control_global_capacity_utilization_${what}.`,
    (view) =>
      (view.flowControl?.bands ?? []).map((band) =>
        sample({ inference_pool: view.pool, priority: String(band.priority) }, read(band)),
      ),
  );
type Band = NonNullable<GatewayView["flowControl"]>["bands"][number];

const globalCapacity = (
  what: string,
  share: string,
  read: (all: NonNullable<GatewayView["flowControl"]>["all"]) => number | undefined,
): GatewayMetric =>
  gauge(
    `flow_control_global_capacity_utilization_${what}`,
    `Fraction of the global ${share} capacity currently occupied across all priority bands (0.0-1.0). Global capacity is optional and unset by default; this series is emitted only when it is configured. Kept separate from flow_control_capacity_utilization_${what} so aggregations over the per-band family do not double count the rollup.`,
    (view) => {
      const ratio = view.flowControl === undefined ? undefined : read(view.flowControl.all);
      return ratio === undefined ? [] : [sample({ inference_pool: view.pool }, ratio)];
    },
  );

const STALE =
  "Number of candidate endpoints whose metrics are missing or older than the staleness threshold, as of the most recent saturation evaluation. Recorded by the utilization saturation detector, which scores these endpoints as fully saturated in flow_control_pool_saturation (fail-closed): a nonzero value during a dispatch stall indicates a metrics collection problem rather than genuine overload. This gauge carries no stage label and is written on every detector call, so it reflects the most recently evaluated stage; a reading of 0 does not rule out stale metrics in another stage. Per-stage stale accounting is tracked in #2475.";

type Reclamation = NonNullable<NonNullable<GatewayView["flowControl"]>["reclamation"]>;

/** One sample, or one per outcome. */
const reclaimed =
  (read: (counts: Reclamation) => number | Readonly<Record<string, number>>): GatewayMetric["samples"] =>
  (view) => {
    const counts = view.flowControl?.reclamation;
    if (counts === undefined) return [];
    const told = read(counts);
    const pool = { inference_pool: view.pool };
    return typeof told === "number"
      ? [sample(pool, told)]
      : Object.entries(told).map(([outcome, count]) => sample({ ...pool, outcome }, count));
  };

/** Of a flow: labels of its requests and the pool. */
export const flowLabels = (view: GatewayView, labels: RequestLabels) => {
  const { fairness_id, ...rest } = requestLabels(labels);
  return { fairness_id, inference_pool: view.pool, ...rest };
};

export const stages = (view: GatewayView): MetricSample[] =>
  Object.entries(view.flowControl?.saturation ?? {}).map(([stage, value]) =>
    sample({ inference_pool: view.pool, stage }, value),
  );

export const queueSeconds: GatewayMetric["samples"] = (view) =>
  view.counted.queued.flatMap(({ labels, outcome, seconds }) =>
    observed({ ...flowLabels(view, labels), outcome }, seconds),
  );

const flowControl: readonly GatewayMetric[] = [
  gauge("flow_control_queue_size", "Current number of requests actively held in the Flow Control queue.", (view) =>
    view.counted.queues.map((queue) => sample(flowLabels(view, queue), queue.size)),
  ),
  gauge(
    "flow_control_queue_bytes",
    "Current total size in bytes of requests actively held in the Flow Control queue.",
    (view) => view.counted.queues.map((queue) => sample(flowLabels(view, queue), queue.bytes)),
  ),
  histogram(
    "flow_control_request_queue_duration_seconds",
    "Distribution of total time requests spend in the Flow Control layer (from enqueue to final outcome).",
    queueSeconds,
  ),
  counter("flow_control_requests", "Total number of requests processed by the Flow Control layer.", (view) =>
    view.counted.outcomes.map(({ outcome, priority, count }) =>
      sample({ inference_pool: view.pool, outcome, priority: String(priority) }, count),
    ),
  ),
  gauge("flow_control_pool_saturation", SATURATION, stages),
  capacity("requests", "request-count", ({ requestsRatio }) => requestsRatio),
  capacity("bytes", "byte-size", ({ bytesRatio }) => bytesRatio),
  globalCapacity("requests", "request-count", ({ requestsRatio }) => requestsRatio),
  globalCapacity("bytes", "byte-size", ({ bytesRatio }) => bytesRatio),
  gauge("flow_control_stale_endpoints", STALE, (view) => {
    const stale = view.flowControl?.stale;
    return stale === undefined ? [] : [sample({ detector: stale.detector }, stale.endpoints)];
  }),
  counter(
    "flow_control_revocations_issued",
    "Total number of in-flight eviction revocations issued, labeled by the demand band's priority.",
    (view) =>
      [...(view.flowControl?.reclamation?.issued ?? [])].map(([priority, count]) =>
        sample({ inference_pool: view.pool, priority: String(priority) }, count),
      ),
  ),
  counter(
    "flow_control_revocations",
    "Total number of in-flight eviction revocations by terminal outcome (confirmed, timed_out). Every issued revocation eventually increments exactly one outcome.",
    reclaimed(({ confirmed, timedOut }) => ({ confirmed, timed_out: timedOut })),
  ),
  gauge(
    "flow_control_reclaim_target",
    "Last computed reclamation deficit, in saturation-gauge units.",
    reclaimed(({ target }) => target),
  ),
  gauge(
    "flow_control_pending_reclaim",
    "Sum of outstanding and cooling pending-reclaim debits, in saturation-gauge units.",
    reclaimed(({ pending }) => pending),
  ),
];

/** Port of a simulated endpoint: vLLM's default. */
export const PORT = "8000";

const plugin = (of: { readonly pluginName: string; readonly pluginType: string }) => ({
  plugin_name: of.pluginName,
  plugin_type: of.pluginType,
});

const prefixHistogram = (name: string, help: string, which: (counted: GatewayCounts) => Histogram): GatewayMetric =>
  histogram(name, help, (view) =>
    view.prefixIndex === undefined ? [] : observed(plugin(view.prefixIndex), which(view.counted)),
  );

const scheduling: readonly GatewayMetric[] = [
  counter("scheduler_attempts", "Total number of scheduling attempts.", (view) =>
    view.counted.attempts.map(({ status, targetModel, endpoint, count }) =>
      sample(
        { endpoint_name: endpoint, namespace: view.namespace, port: PORT, status, target_model_name: targetModel },
        count,
      ),
    ),
  ),
  counter("disagg_decision", "Total number of disaggregation routing decisions made", (view) => {
    const { disagg } = view;
    if (disagg === undefined) return [];
    return view.counted.decisions.map(({ model, decision, count }) =>
      sample({ decision_type: decision, model_name: model, ...plugin(disagg) }, count),
    );
  }),
  gauge("prefix_indexer_size", "Size of the prefix indexer.", (view) =>
    view.prefixIndex === undefined ? [] : [sample(plugin(view.prefixIndex), view.prefixIndex.entries)],
  ),
  prefixHistogram(
    "prefix_indexer_hit_ratio",
    "Ratio of prefix length matched to total prefix length in the cache lookup.",
    ({ prefixHitRatio }) => prefixHitRatio,
  ),
  prefixHistogram(
    "prefix_indexer_hit_bytes",
    "Length of the prefix match in number of bytes in the cache lookup.",
    ({ prefixHitBytes }) => prefixHitBytes,
  ),
];

/** Of `inflight-load-producer`: an endpoint has series from its first request on, and loses them when it goes. */
const inFlight = (what: string, help: string, read: (endpoint: GatewayView["endpoints"][number]) => number) =>
  gauge(`inflight_${what}`, help, ({ namespace, loadProducer, endpoints, counted }) => {
    if (loadProducer === undefined) return [];
    return endpoints
      .filter(({ name }) => counted.used.has(name))
      .map((endpoint) =>
        sample({ endpoint_name: endpoint.name, namespace, producer_name: loadProducer }, read(endpoint)),
      );
  });

const load: readonly GatewayMetric[] = [
  inFlight("requests", "Current number of in-flight requests per endpoint.", (endpoint) => endpoint.inFlight),
  inFlight("tokens", "Current number of in-flight tokens per endpoint.", (endpoint) => endpoint.inFlightTokens),
];

export const eppMetrics: readonly GatewayMetric[] = [...requests, ...pool, ...flowControl, ...scheduling, ...load];
