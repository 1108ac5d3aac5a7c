import { dashboard, type Line, PRODUCTION, SIMULATED, timeseries } from "./parts.ts";

const both = (of: (name: string, matchers: string) => string, name: string, what = ""): readonly Line[] => [
  { expr: of(name, PRODUCTION), legend: `${what}production` },
  { expr: of(`sim:${name}`, SIMULATED), legend: `${what}simulated` },
];

const quantiles = (name: string): readonly Line[] =>
  [0.5, 0.99].flatMap((q) =>
    both(
      (series, matchers) =>
        `histogram_quantile(${q}, sum by (le) (rate(${series}_bucket{${matchers}}[$__rate_interval])))`,
      name,
      `p${q * 100} `,
    ),
  );
const rates = (name: string): readonly Line[] =>
  both((series, matchers) => `sum(rate(${series}{${matchers}}[$__rate_interval]))`, name);
const sums = (name: string): readonly Line[] => both((series, matchers) => `sum(${series}{${matchers}})`, name);

/** One panel per signal, with both series in it. */
export const twinAgainstProduction = dashboard({
  uid: "servetwin-against-production",
  title: "servetwin / Twin against production",
  description: "Production and its twin at the same instants: production solid, simulated dashed.",
  panels: [
    timeseries("Requests", "Requests that ended, per second.", "reqps", rates("vllm:request_success_total")),
    timeseries("Replicas", "Ready replicas of Deployments.", "short", sums("kube_deployment_status_replicas_ready")),
    timeseries(
      "Time to first token",
      "Median and 99th percentile.",
      "s",
      quantiles("vllm:time_to_first_token_seconds"),
    ),
    timeseries(
      "Inter-token latency",
      "Median and 99th percentile.",
      "s",
      quantiles("vllm:inter_token_latency_seconds"),
    ),
    timeseries("End to end", "Median and 99th percentile.", "s", quantiles("vllm:e2e_request_latency_seconds")),
    timeseries("Running requests", "In batches, of all replicas.", "short", sums("vllm:num_requests_running")),
    timeseries("Waiting requests", "In engines' queues, of all replicas.", "short", sums("vllm:num_requests_waiting")),
    timeseries(
      "KV cache",
      "Mean usage over replicas.",
      "percentunit",
      both((series, matchers) => `avg(${series}{${matchers}})`, "vllm:kv_cache_usage_perc"),
    ),
    timeseries("Generated tokens", "Per second.", "short", rates("vllm:generation_tokens_total")),
    timeseries(
      "How far off: time to first token",
      "Mean of the simulated over mean of production's, less 1: 0 is right, 0.1 is 10 % too slow.",
      "percentunit",
      [
        {
          expr: `(sum(rate(sim:vllm:time_to_first_token_seconds_sum{${SIMULATED}}[$__rate_interval])) / sum(rate(sim:vllm:time_to_first_token_seconds_count{${SIMULATED}}[$__rate_interval]))) / (sum(rate(vllm:time_to_first_token_seconds_sum{${PRODUCTION}}[$__rate_interval])) / sum(rate(vllm:time_to_first_token_seconds_count{${PRODUCTION}}[$__rate_interval]))) - 1`,
          legend: "relative error",
        },
      ],
    ),
  ],
});
