/** Which of production's series tell of its traffic. */
export interface TrafficFamilies {
  /** As `spec.workload.prometheus.metrics` names it. */
  readonly name: "vLLM" | "EPP" | "Gateway";
  /** Counter of requests, at their arrival or at their end. */
  readonly requests: string;
  /** Gauges of requests under way: arrivals are what ended and what came to be under way. Empty: `requests` counts arrivals. */
  readonly underWay: readonly string[];
  /** Histograms without their suffixes; undefined: it exports none. */
  readonly prompts: string | undefined;
  readonly outputs: string | undefined;
  /** Counters of prompt tokens looked up in the prefix cache, and of those found. */
  readonly queried: string | undefined;
  readonly found: string | undefined;
  /** Labels that hold the model's name, the first that is not empty. */
  readonly model: readonly string[];
  readonly priority: string | undefined;
}

const VLLM: TrafficFamilies = {
  name: "vLLM",
  requests: "vllm:request_success_total",
  underWay: ["vllm:num_requests_running", "vllm:num_requests_waiting"],
  prompts: "vllm:request_prompt_tokens",
  outputs: "vllm:request_generation_tokens",
  queried: "vllm:prefix_cache_queries_total",
  found: "vllm:prefix_cache_hits_total",
  model: ["model_name"],
  priority: undefined,
};

/**
 * Candidates in order of preference: who counts requests as they arrive knows the rate best. vLLM: v1/metrics/loggers.py
 * (0.26, and 0.8 to 0.9, whose prefix counters bore `gpu_`); EPP: both generations of names of llm-d's endpoint picker;
 * Gateway: Istio's standard metrics, and Envoy's own.
 */
export const TRAFFIC_FAMILIES: readonly TrafficFamilies[] = [
  {
    name: "EPP",
    requests: "llm_d_epp_request_total",
    underWay: [],
    prompts: "llm_d_epp_request_input_tokens",
    outputs: "llm_d_epp_request_output_tokens",
    queried: undefined,
    found: undefined,
    model: ["target_model_name", "model_name"],
    priority: "priority",
  },
  {
    name: "EPP",
    requests: "inference_objective_request_total",
    underWay: [],
    prompts: "inference_objective_input_tokens",
    outputs: "inference_objective_output_tokens",
    queried: undefined,
    found: undefined,
    model: ["target_model_name", "model_name"],
    priority: "priority",
  },
  VLLM,
  { ...VLLM, queried: "vllm:gpu_prefix_cache_queries_total", found: "vllm:gpu_prefix_cache_hits_total" },
  ...["istio_requests_total", "envoy_cluster_upstream_rq_total"].map(
    (requests): TrafficFamilies => ({
      ...VLLM,
      name: "Gateway",
      requests,
      underWay: [],
      prompts: undefined,
      outputs: undefined,
      queried: undefined,
      found: undefined,
      model: [],
    }),
  ),
];

export type TrafficMetrics = "Auto" | TrafficFamilies["name"];

/** Every series name that may be asked for, of the source that was chosen, or of all. */
export const candidateNames = (metrics: TrafficMetrics): readonly string[] => [
  ...new Set([...TRAFFIC_FAMILIES.filter((one) => fits(one, metrics)), VLLM].flatMap(seriesNames)),
];

/**
 * The families to go by, of those that are there. What a gateway doesn't tell is taken from vLLM where it is there.
 * @param present series names that the selector matches
 * @returns undefined: none counts requests
 */
export const detect = (metrics: TrafficMetrics, present: ReadonlySet<string>): TrafficFamilies | undefined => {
  const counted = TRAFFIC_FAMILIES.filter((one) => fits(one, metrics) && present.has(one.requests));
  const chosen = counted.find(({ queried }) => queried === undefined || present.has(queried)) ?? counted[0];
  if (chosen === undefined) return undefined;
  const engine =
    TRAFFIC_FAMILIES.find(({ name, queried }) => name === "vLLM" && present.has(queried as string)) ?? VLLM;
  const histogram = (own: string | undefined, theirs: string | undefined): string | undefined =>
    [own, theirs].find((name) => name !== undefined && present.has(`${name}_bucket`));
  const counter = (own: string | undefined): string | undefined =>
    own !== undefined && present.has(own) ? own : undefined;
  return {
    ...chosen,
    underWay: chosen.underWay.filter((name) => present.has(name)),
    prompts: histogram(chosen.prompts, engine.prompts),
    outputs: histogram(chosen.outputs, engine.outputs),
    queried: counter(engine.queried),
    found: counter(engine.found),
  };
};

/** Series that have to be fetched for it. */
export const seriesNames = ({
  requests,
  underWay,
  prompts,
  outputs,
  queried,
  found,
}: TrafficFamilies): readonly string[] => [
  requests,
  ...underWay,
  ...[prompts, outputs].flatMap((name) =>
    name === undefined ? [] : [`${name}_bucket`, `${name}_sum`, `${name}_count`],
  ),
  ...[queried, found].flatMap((name) => name ?? []),
];

const fits = ({ name }: TrafficFamilies, metrics: TrafficMetrics): boolean => metrics === "Auto" || metrics === name;
