import { flagTable, rows } from "../flags/flag.ts";

const CONFIG_FILE = "its file may set any flag, the routing logic too, and is not read";

/**
 * Flags of `vllm-router`.
 * Source: vLLM production-stack@a6c01db0 (August 2026), src/vllm_router/parsers/parser.py and
 * experimental/semantic_cache_integration.py.
 */
export const STACK_ROUTER_FLAGS = flagTable({
  server: "vllm-router",
  flags: [
    ...rows(
      "modelled",
      "text",
      `routing-logic session-key prefill-model-labels decode-model-labels service-discovery k8s-namespace k8s-label-selector
      k8s-service-discovery-type`,
    ),
    ...rows(
      "modelled",
      "whole",
      "kv-aware-threshold engine-stats-interval request-stats-window prefix-min-match-length",
    ),

    ...rows("ignored-breaks", "text", "dynamic-config-yaml dynamic-config-json external-providers-config"),
    ...rows("ignored-matters", "text", "callbacks feature-gates"),
    ...rows("ignored-matters", "whole", "max-instance-failover-reroute-attempts"),

    ...rows(
      "harmless",
      "text",
      `host root-path static-backends static-models static-aliases static-model-types static-model-labels request-rewriter
      file-storage-class file-storage-path batch-processor log-level log-format sentry-dsn otel-endpoint otel-service-name
      semantic-cache-model semantic-cache-dir`,
    ),
    ...rows(
      "harmless",
      "whole",
      `port static-backend-health-check-interval static-backend-health-check-timeout-seconds k8s-port
      k8s-watcher-timeout-seconds backend-health-check-timeout-seconds lmcache-controller-port lmcache-controller-reply-port
      lmcache-controller-heartbeat-port log-stats-interval lmcache-health-check-interval lmcache-worker-timeout`,
    ),
    ...rows(
      "harmless",
      "number",
      "sentry-traces-sample-rate sentry-profile-session-sample-rate semantic-cache-threshold",
    ),
    ...rows("harmless", "switch", "static-backend-health-checks enable-batch-api log-stats version otel-secure"),
  ],
  aliases: {},
  breaks: {
    "dynamic-config-yaml": CONFIG_FILE,
    "dynamic-config-json": CONFIG_FILE,
    "external-providers-config": "requests that it sends to other providers are sent to the replicas here",
  },
});
