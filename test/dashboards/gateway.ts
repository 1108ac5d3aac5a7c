import { dashboard, type Line, SIMULATED, timeseries } from "./parts.ts";

const EPP = "sim:llm_d_epp";
const rate = (series: string, by: string): Line => ({
  expr: `sum by (scenario, ${by}) (rate(${EPP}_${series}{${SIMULATED}}[$__rate_interval]))`,
  legend: `{{scenario}} {{${by}}}`,
});
const quantile = (q: number, name: string): Line => ({
  expr: `histogram_quantile(${q}, sum by (scenario, le) (rate(${EPP}_${name}_bucket{${SIMULATED}}[$__rate_interval])))`,
  legend: `{{scenario}} p${q * 100}`,
});
const gauge = (name: string, by: string): Line => ({
  expr: `sum by (scenario, ${by}) (${EPP}_${name}{${SIMULATED}})`,
  legend: `{{scenario}} {{${by}}}`,
});

export const gateway = dashboard({
  uid: "servetwin-gateway",
  title: "servetwin / Gateway",
  description: "Simulated endpoint pickers, by llm-d's present names.",
  panels: [
    timeseries("Requests", "Per second, by model.", "reqps", [rate("request_total", "model_name")]),
    timeseries("Running requests", "Sent on and not ended.", "short", [gauge("request_running", "model_name")]),
    timeseries("Time to first token", "As the picker sees it.", "s", [
      quantile(0.5, "request_ttft_seconds"),
      quantile(0.99, "request_ttft_seconds"),
    ]),
    timeseries("Duration", "From arrival to the last byte.", "s", [
      quantile(0.5, "request_duration_seconds"),
      quantile(0.99, "request_duration_seconds"),
    ]),
    timeseries("Attempts", "Scheduling attempts per second, by the endpoint that was picked.", "reqps", [
      rate("scheduler_attempts_total", "endpoint_name"),
    ]),
    timeseries("Queues of endpoints", "Waiting requests, as scraped last.", "short", [
      gauge("per_endpoint_queue_size", "model_server_endpoint"),
    ]),
    timeseries("Pool", "Ready endpoints.", "short", [gauge("ready_endpoints", "name")]),
    timeseries("KV cache of the pool", "Mean usage, as flushed last.", "percentunit", [
      gauge("average_kv_cache_utilization", "name"),
    ]),
  ],
});
