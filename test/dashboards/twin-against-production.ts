import { BAND_METRIC } from "../../src/report/bands.ts";
import { type Band, dashboard, type Line, PRODUCTION, row, SIMULATED, THIRD, TOLD, timeseries } from "./parts.ts";

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

/** Where a latency's key figure would lie on real servers, p10 to p90; of several simulations all that any of their bands holds. */
const band = (kpi: string, what: string): Band => {
  const edge = (quantile: string, hull: string): Line => ({
    expr: `${hull}(sim:${BAND_METRIC.name}{${TOLD},scenario=~"$scenario",kpi="${kpi}",quantile="${quantile}"})`,
    legend: `${what} band, p${Number(quantile) * 100}`,
  });
  return { low: edge("0.1", "min"), high: edge("0.9", "max") };
};
/** Of latencies alone: other figures of a whole run follow traffic, and say little of the last minutes. */
const latencyBands = (kpi: string): readonly Band[] => [
  band(`${kpi}P50Seconds`, "p50"),
  band(`${kpi}P99Seconds`, "p99"),
];

/** One panel per signal, with both series in it. */
export const twinAgainstProduction = dashboard({
  uid: "servetwin-against-production",
  title: "servetwin / Twin against production",
  description:
    "Production and its twin at the same instants: production solid, simulated dashed. Shaded is the band, p10 to p90, in which the twin's latency over its whole run so far would lie on real servers; it is exported where the latency model knows how uncertain it is.",
  panels: [
    timeseries("Requests", "Requests that ended, per second.", "reqps", rates("vllm:request_success_total")),
    timeseries("Replicas", "Ready replicas of Deployments.", "short", sums("kube_deployment_status_replicas_ready")),
    timeseries(
      "Time to first token",
      "Median and 99th percentile.",
      "s",
      quantiles("vllm:time_to_first_token_seconds"),
      { bands: latencyBands("ttft") },
    ),
    timeseries(
      "Inter-token latency",
      "Median and 99th percentile.",
      "s",
      quantiles("vllm:inter_token_latency_seconds"),
      { bands: latencyBands("itl") },
    ),
    timeseries("End to end", "Median and 99th percentile.", "s", quantiles("vllm:e2e_request_latency_seconds"), {
      bands: latencyBands("e2e"),
    }),
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
    row("Drift of Shadows that follow production"),
    timeseries(
      "Drift: simulated over production",
      "Of the last half hour, as the operator compares them: 1 is right, 0.9 is 10 % too little.",
      "short",
      [{ expr: `max by (simulation, metric) (servetwin_drift_ratio{${TOLD}})`, legend: "{{simulation}} {{metric}}" }],
      THIRD,
    ),
    timeseries(
      "Drift: confidence",
      "How sure it is that the ratio lies beyond the metric's margin, and not by chance.",
      "percentunit",
      [
        {
          expr: `max by (simulation, metric) (servetwin_drift_confidence{${TOLD}})`,
          legend: "{{simulation}} {{metric}}",
        },
      ],
      THIRD,
    ),
    timeseries(
      "Drifted",
      "The condition of the same name: 1 where it is true, with its likely cause.",
      "short",
      [{ expr: `max by (simulation, cause) (servetwin_drifted{${TOLD}})`, legend: "{{simulation}} {{cause}}" }],
      THIRD,
    ),
  ],
});
