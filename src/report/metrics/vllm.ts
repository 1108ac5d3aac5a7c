import type { EngineCounters, EngineHistograms, EngineState } from "../../model/engine-state.ts";
import type { MetricSample } from "../../model/metric-family.ts";
import type { ReplicaMetric } from "../metric.ts";
import type { ReplicaView } from "../world-view.ts";

// What vLLM's V1 engine exports (vllm/v1/metrics/loggers.py, 0.26), as far as it is simulated; the series of speculative
// decoding appear with its first draft. Names, types and help are vLLM's; bounds are those of the engine's
// histograms.

/** One sample per data-parallel rank, whose index is the engine's; none of one for which there is no value. */
export const eachRank = (
  view: ReplicaView,
  read: (state: EngineState) => MetricSample["value"] | undefined,
  more: Readonly<Record<string, string>> = {},
): MetricSample[] => {
  const samples: MetricSample[] = [];
  for (const [rank, state] of (view.state.ranks ?? [view.state]).entries()) {
    const value = read(state);
    if (value === undefined) continue;
    samples.push({ labels: { model_name: view.modelName, engine: String(rank), ...more }, value });
  }
  return samples;
};

/** The same for each value of a label of its own. */
const split = (
  view: ReplicaView,
  label: string,
  read: (state: EngineState) => Readonly<Record<string, number>>,
): MetricSample[] => {
  const samples: MetricSample[] = [];
  for (const key in read(view.state)) {
    samples.push(...eachRank(view, (state) => read(state)[key] as number, { [label]: key }));
  }
  return samples;
};

export type Told = Pick<ReplicaMetric, "name" | "help">;

/** A family with a sample for each rank that has a value. */
export const perRank = (
  row: Told,
  type: ReplicaMetric["type"],
  read: (state: EngineState) => MetricSample["value"] | undefined,
): ReplicaMetric => ({ ...row, type, samples: (view) => eachRank(view, read) });

const gauge = (row: Told, read: (state: EngineState) => number): ReplicaMetric => perRank(row, "gauge", read);

const gauges = (
  row: Told,
  label: string,
  read: (state: EngineState) => Readonly<Record<string, number>>,
): ReplicaMetric => ({
  ...row,
  type: "gauge",
  samples: (view) => split(view, label, read),
});

const counter = (row: Told, read: (counters: EngineCounters) => number): ReplicaMetric =>
  perRank(row, "counter", ({ counters: told }) => read(told));

const counters = (
  row: Told,
  label: string,
  read: (counters: EngineCounters) => Readonly<Record<string, number>>,
): ReplicaMetric => ({
  ...row,
  type: "counter",
  samples: (view) => split(view, label, ({ counters: told }) => read(told)),
});

/** There only once drafts have been verified. */
const draftCounter = (row: Told, read: (counters: EngineCounters) => number): ReplicaMetric => ({
  ...row,
  type: "counter",
  samples: (view) => (view.state.counters.drafts === 0 ? [] : eachRank(view, ({ counters: told }) => read(told))),
});

const histogram = (row: Told, which: Exclude<keyof EngineHistograms, "interTokenFine">): ReplicaMetric =>
  perRank(row, "histogram", ({ histograms }) => histograms[which].value());

/** As Python's `str` spells them. */
const decimal = (value: number): string => (Number.isInteger(value) ? value.toFixed(1) : String(value));
const truth = (value: boolean): string => (value ? "True" : "False");

export const vllmMetrics: readonly ReplicaMetric[] = [
  gauge(
    { name: "vllm:num_requests_running", help: "Number of requests in model execution batches." },
    ({ running }) => running,
  ),
  gauge(
    { name: "vllm:num_requests_waiting", help: "Number of requests waiting to be processed." },
    ({ waiting }) => waiting,
  ),
  gauges(
    {
      name: "vllm:num_requests_waiting_by_reason",
      help: "Number of waiting requests by reason. Reason labels: 'capacity' = waiting for scheduling capacity; 'deferred' = deferred by transient constraints (LoRA budget, KV transfer, blocked status). Sum of all reasons equals vllm:num_requests_waiting.",
    },
    "reason",
    // Those that wait for an adapter's slot count as waiting for capacity.
    ({ waiting, deferred = 0 }) => ({ capacity: waiting - deferred, deferred }),
  ),
  gauges(
    {
      name: "vllm:engine_sleep_state",
      help: "Engine sleep state; awake = 0 means engine is sleeping; awake = 1 means engine is awake; weights_offloaded = 1 means sleep level 1; discard_all = 1 means sleep level 2.",
    },
    "sleep_state",
    () => ({ awake: 1, weights_offloaded: 0, discard_all: 0 }),
  ),
  gauge(
    { name: "vllm:kv_cache_usage_perc", help: "KV-cache usage. 1 means 100 percent usage." },
    ({ kvUsage }) => kvUsage,
  ),
  counter(
    { name: "vllm:prefix_cache_queries", help: "Prefix cache queries, in terms of number of queried tokens." },
    ({ prefixQueries }) => prefixQueries,
  ),
  counter(
    { name: "vllm:prefix_cache_hits", help: "Prefix cache hits, in terms of number of cached tokens." },
    ({ prefixHits }) => prefixHits,
  ),
  counter(
    {
      name: "vllm:external_prefix_cache_queries",
      help: "External prefix cache queries from KV connector cross-instance cache sharing, in terms of number of queried tokens.",
    },
    ({ externalQueries }) => externalQueries,
  ),
  counter(
    {
      name: "vllm:external_prefix_cache_hits",
      help: "External prefix cache hits from KV connector cross-instance cache sharing, in terms of number of cached tokens.",
    },
    ({ externalHits }) => externalHits,
  ),
  counter(
    { name: "vllm:num_preemptions", help: "Cumulative number of preemption from the engine." },
    ({ preemptions }) => preemptions,
  ),
  counter(
    { name: "vllm:prompt_tokens", help: "Number of prefill tokens processed." },
    ({ promptTokens }) => promptTokens,
  ),
  counters(
    { name: "vllm:prompt_tokens_by_source", help: "Number of prompt tokens by source." },
    "source",
    ({ promptTokens, promptTokensCached, externalHits }) => ({
      local_compute: promptTokens - promptTokensCached,
      local_cache_hit: Math.max(0, promptTokensCached - externalHits),
      external_kv_transfer: Math.min(externalHits, promptTokensCached),
    }),
  ),
  counter(
    { name: "vllm:prompt_tokens_cached", help: "Number of cached prompt tokens (local + external)." },
    ({ promptTokensCached }) => promptTokensCached,
  ),
  counter(
    { name: "vllm:generation_tokens", help: "Number of generation tokens processed." },
    ({ generationTokens }) => generationTokens,
  ),
  counters(
    { name: "vllm:request_success", help: "Count of successfully processed requests." },
    "finished_reason",
    ({ success }) => success,
  ),
  counters(
    { name: "vllm:admission_rejections", help: "Number of requests rejected by admission control, by reason." },
    "reason",
    ({ overloaded }) => overloaded,
  ),
  draftCounter(
    { name: "vllm:spec_decode_num_drafts", help: "Number of spec decoding drafts." },
    ({ drafts }) => drafts,
  ),
  draftCounter(
    { name: "vllm:spec_decode_num_draft_tokens", help: "Number of draft tokens." },
    ({ draftTokens }) => draftTokens,
  ),
  draftCounter(
    { name: "vllm:spec_decode_num_accepted_tokens", help: "Number of accepted tokens." },
    ({ acceptedTokens }) => acceptedTokens,
  ),
  histogram({ name: "vllm:request_prompt_tokens", help: "Number of prefill tokens processed." }, "promptTokens"),
  histogram(
    { name: "vllm:request_generation_tokens", help: "Number of generation tokens processed." },
    "generationTokens",
  ),
  histogram(
    { name: "vllm:iteration_tokens_total", help: "Histogram of number of tokens per engine_step." },
    "iterationTokens",
  ),
  histogram(
    {
      name: "vllm:request_max_num_generation_tokens",
      help: "Histogram of maximum number of requested generation tokens.",
    },
    "maxGenerationTokens",
  ),
  histogram({ name: "vllm:request_params_n", help: "Histogram of the n request parameter." }, "paramsN"),
  histogram(
    { name: "vllm:time_to_first_token_seconds", help: "Histogram of time to first token in seconds." },
    "timeToFirstToken",
  ),
  histogram(
    { name: "vllm:inter_token_latency_seconds", help: "Histogram of inter-token latency in seconds." },
    "interTokenLatency",
  ),
  histogram(
    {
      name: "vllm:request_time_per_output_token_seconds",
      help: "Histogram of time_per_output_token_seconds per request.",
    },
    "timePerOutputToken",
  ),
  histogram(
    { name: "vllm:e2e_request_latency_seconds", help: "Histogram of e2e request latency in seconds." },
    "e2eLatency",
  ),
  histogram(
    { name: "vllm:request_queue_time_seconds", help: "Histogram of time spent in WAITING phase for request." },
    "queueTime",
  ),
  histogram(
    { name: "vllm:request_inference_time_seconds", help: "Histogram of time spent in RUNNING phase for request." },
    "inferenceTime",
  ),
  histogram(
    { name: "vllm:request_prefill_time_seconds", help: "Histogram of time spent in PREFILL phase for request." },
    "prefillTime",
  ),
  histogram(
    { name: "vllm:request_decode_time_seconds", help: "Histogram of time spent in DECODE phase for request." },
    "decodeTime",
  ),
  histogram(
    {
      name: "vllm:request_prefill_kv_computed_tokens",
      help: "Histogram of new KV tokens computed during prefill (excluding cached tokens).",
    },
    "prefillComputedTokens",
  ),
  {
    name: "vllm:cache_config_info",
    type: "gauge",
    help: "Information of the LLMEngine CacheConfig",
    // vLLM gives it every field of its cache configuration and no model_name; here are those that are simulated.
    samples: (view) => [
      {
        labels: {
          block_size: String(view.blockSize),
          enable_prefix_caching: truth(view.prefixCaching),
          engine: "0",
          gpu_memory_utilization: decimal(view.gpuMemoryUtilization),
          num_gpu_blocks: String(view.numGpuBlocks),
        },
        value: 1,
      },
    ],
  },
];
