/** What a plugin of the endpoint picker does; some do two things. */
export type PluginKind =
  | "handler"
  | "picker"
  | "filter"
  | "scorer"
  | "decider"
  | "producer"
  | "admitter"
  | "fairness"
  | "ordering"
  | "usage-limit"
  | "detector"
  | "data-layer"
  | "parser"
  | "other";

export interface PluginType {
  readonly kinds: readonly PluginKind[];
  /** Of stability Alpha: loaded with --allow-experimental-plugins only. */
  readonly alpha?: true;
  /** Deprecated; what its docs name instead. */
  readonly insteadOf?: string;
}

const type = (...kinds: readonly PluginKind[]): PluginType => ({ kinds });
const alpha = (...kinds: readonly PluginKind[]): PluginType => ({ kinds, alpha: true });
const old = (insteadOf: string, ...kinds: readonly PluginKind[]): PluginType => ({ kinds, insteadOf });

/**
 * Every plugin type that the endpoint picker registers, so that a slip is told from a plugin that is not modelled.
 * Source: llm-d-router, August 2026, cmd/epp/runner/runner.go (registerInTreePlugins).
 */
export const PLUGIN_TYPES: Readonly<Record<string, PluginType>> = {
  "single-profile-handler": type("handler"),
  "disagg-profile-handler": type("handler"),
  "pd-profile-handler": old("disagg-profile-handler", "handler"),
  "data-parallel-profile-handler": type("handler"),
  "header-profile-handler": alpha("handler"),

  "max-score-picker": type("picker"),
  "random-picker": type("picker"),
  "weighted-random-picker": type("picker"),

  "decode-filter": type("filter"),
  "prefill-filter": type("filter"),
  "encode-filter": type("filter"),
  "label-selector-filter": type("filter"),
  "by-label": old("label-selector-filter", "filter"),
  "by-label-selector": old("label-selector-filter", "filter"),
  "prefix-cache-affinity-filter": type("filter"),
  "slo-headroom-tier-filter": type("filter"),
  "utilization-filter": alpha("filter"),
  "endpoint-attribute-filter": alpha("filter"),
  "session-affinity-filter": alpha("filter"),
  "topology-affinity-filter": alpha("filter"),
  "header-based-testing-filter": type("filter"),
  "multicluster-session-affinity-filter": alpha("filter"),

  "queue-scorer": type("scorer"),
  "kv-cache-utilization-scorer": type("scorer"),
  "running-requests-size-scorer": type("scorer"),
  "load-aware-scorer": type("scorer"),
  "active-request-scorer": type("scorer"),
  "token-load-scorer": type("scorer"),
  "prefix-cache-scorer": type("scorer"),
  "precise-prefix-cache-scorer": type("scorer", "producer"),
  "no-hit-lru-scorer": type("scorer"),
  "lora-affinity-scorer": type("scorer"),
  "session-affinity-scorer": alpha("scorer"),
  "context-length-aware": type("scorer", "filter"),
  "latency-scorer": type("scorer"),
  "topology-affinity-scorer": alpha("scorer"),
  "header-label-affinity-scorer": alpha("scorer"),
  "endpoint-attribute-scorer": alpha("scorer"),
  "mm-embeddings-cache-scorer": type("scorer"),
  "multicluster-queue-scorer": alpha("scorer"),
  "multicluster-kv-cache-utilization-scorer": alpha("scorer"),
  "multicluster-prefix-cache-scorer": alpha("scorer"),

  "prefix-based-pd-decider": type("decider"),
  "always-disagg-pd-decider": type("decider"),
  "always-disagg-multimodal-decider": type("decider"),

  "token-producer": type("producer"),
  tokenizer: old("token-producer", "producer"),
  "approx-prefix-cache-producer": type("producer"),
  "precise-prefix-cache-producer": type("producer"),
  "burst-prefix-cache-producer": alpha("producer"),
  "inflight-load-producer": type("producer"),
  "predicted-latency-producer": type("producer"),
  "session-id-producer": type("producer"),
  "mm-embeddings-cache-producer": type("producer"),
  "p2p-source-producer": alpha("producer"),
  "multicluster-approx-prefix-cache-producer": alpha("producer"),

  "probabilistic-admitter": type("admitter"),
  "latency-slo-admitter": type("admitter"),

  "global-strict-fairness-policy": type("fairness"),
  "round-robin-fairness-policy": type("fairness"),
  "program-aware-fairness": type("fairness"),
  "fcfs-ordering-policy": type("ordering"),
  "edf-ordering-policy": type("ordering"),
  "slo-deadline-ordering-policy": type("ordering"),
  "static-usage-limit-policy": type("usage-limit"),
  "priority-holdback-policy": alpha("usage-limit"),
  "soft-reflective-ceiling-policy": alpha("usage-limit"),
  "utilization-detector": type("detector", "filter"),
  "concurrency-detector": type("detector", "filter"),
  "sheddable-eviction-filter": alpha("other"),
  "priority-then-time-eviction-order-policy": alpha("other"),

  "metrics-data-source": type("data-layer"),
  "core-metrics-extractor": type("data-layer"),
  "dcgm-data-source": alpha("data-layer"),
  "dcgm-extractor": alpha("data-layer"),
  "models-data-source": type("data-layer"),
  "models-data-extractor": type("data-layer"),
  "topology-extractor": alpha("data-layer"),
  "endpoint-notification-source": type("data-layer"),
  "k8s-notification-source": type("data-layer"),
  "file-discovery": type("data-layer"),
  "multicluster-metrics-data-source": alpha("data-layer"),
  "multicluster-metrics-extractor": alpha("data-layer"),
  "multicluster-file-discovery": alpha("data-layer"),

  "disagg-headers-handler": old("disagg-profile-handler", "other"),
  "prefill-header-handler": old("disagg-profile-handler", "other"),
  "destination-endpoint-served-verifier": type("other"),
  "request-attribute-reporter": type("other"),
  "agent-identity": alpha("other"),
  "disaggregatedset-rollout-screener": alpha("other"),

  "openai-parser": type("parser"),
  "anthropic-parser": type("parser"),
  "vllmhttp-parser": type("parser"),
  "vllmgrpc-parser": type("parser"),
  "sglanghttp-parser": type("parser"),
  "vertexai-parser": type("parser"),
  "passthrough-parser": type("parser"),
};
