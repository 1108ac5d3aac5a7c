import { dashboard, type Line, SIMULATED, THIRD, table, timeseries } from "./parts.ts";

const quantile = (q: number, name: string): string =>
  `histogram_quantile(${q}, sum by (scenario, le) (sim:vllm:${name}_bucket{${SIMULATED}}))`;
const total = (series: string): string => `sum by (scenario) (sim:vllm:${series}{${SIMULATED}})`;
const line = (expr: string): readonly Line[] => [{ expr, legend: "{{scenario}}" }];

/** Whole runs so far: histograms since the start, not rates, since what a preview exports stands still. */
export const candidates = dashboard({
  uid: "servetwin-candidates",
  title: "servetwin / Candidates",
  description: "Scenarios of one simulation beside each other: its baseline and its candidates.",
  panels: [
    table("Key figures", "Over the whole run so far.", "scenario", [
      { legend: "TTFT p50", unit: "s", expr: quantile(0.5, "time_to_first_token_seconds") },
      { legend: "TTFT p99", unit: "s", expr: quantile(0.99, "time_to_first_token_seconds") },
      { legend: "ITL p99", unit: "s", expr: quantile(0.99, "inter_token_latency_seconds") },
      { legend: "E2E p99", unit: "s", expr: quantile(0.99, "e2e_request_latency_seconds") },
      { legend: "Completed", unit: "short", expr: total("e2e_request_latency_seconds_count") },
      { legend: "Output tokens", unit: "short", expr: total("request_generation_tokens_sum") },
    ]),
    timeseries("TTFT p99", "Over the last minutes.", "s", line(recent("time_to_first_token_seconds")), THIRD),
    timeseries("ITL p99", "Over the last minutes.", "s", line(recent("inter_token_latency_seconds")), THIRD),
    timeseries("E2E p99", "Over the last minutes.", "s", line(recent("e2e_request_latency_seconds")), THIRD),
    timeseries(
      "Replicas",
      "Ready.",
      "short",
      line(`sum by (scenario) (sim:kube_deployment_status_replicas_ready{${SIMULATED}})`),
      THIRD,
    ),
    timeseries("Waiting", "Of all replicas.", "short", line(total("num_requests_waiting")), THIRD),
    timeseries(
      "KV cache",
      "Mean over replicas.",
      "percentunit",
      line(`avg by (scenario) (sim:vllm:kv_cache_usage_perc{${SIMULATED}})`),
      THIRD,
    ),
  ],
});

function recent(name: string): string {
  return `histogram_quantile(0.99, sum by (scenario, le) (rate(sim:vllm:${name}_bucket{${SIMULATED}}[$__rate_interval])))`;
}
