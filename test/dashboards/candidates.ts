import { BAND_METRIC } from "../../src/report/bands.ts";
import { bars, dashboard, type Line, SIMULATED, THIRD, TOLD, table } from "./parts.ts";

/** What a row and a bar is of; a label that tables can join by. */
const RUN = "run";
const named = (expr: string): string => `label_join(${expr}, "${RUN}", " ", "simulation", "scenario")`;
const BY = "sum by (simulation, scenario";

const quantile = (q: number, name: string): string =>
  named(`histogram_quantile(${q}, ${BY}, le) (sim:vllm:${name}_bucket{${SIMULATED}}))`);
const total = (series: string): string => named(`${BY}) (sim:vllm:${series}{${SIMULATED}})`);
const line = (expr: string): readonly Line[] => [{ expr, legend: `{{${RUN}}}` }];
const band = (kpi: string): readonly Line[] =>
  ["0.1", "0.9"].map((edge) => ({
    expr: named(`max by (simulation, scenario) (sim:${BAND_METRIC.name}{${TOLD},kpi="${kpi}",quantile="${edge}"})`),
    legend: `{{${RUN}}}, p${Number(edge) * 100}`,
  }));

/** Whole runs so far: histograms since the start, not rates, since what a preview exports stands still. */
export const candidates = dashboard({
  uid: "servetwin-candidates",
  title: "servetwin / Candidates",
  description: "Scenarios of simulations beside each other: baseline and candidates, over their whole runs.",
  panels: [
    table("Key figures", "Over the whole run so far.", RUN, [
      { legend: "TTFT p50", unit: "s", expr: quantile(0.5, "time_to_first_token_seconds") },
      { legend: "TTFT p99", unit: "s", expr: quantile(0.99, "time_to_first_token_seconds") },
      { legend: "ITL p99", unit: "s", expr: quantile(0.99, "inter_token_latency_seconds") },
      { legend: "E2E p99", unit: "s", expr: quantile(0.99, "e2e_request_latency_seconds") },
      { legend: "Completed", unit: "short", expr: total("e2e_request_latency_seconds_count") },
      { legend: "Output tokens", unit: "short", expr: total("request_generation_tokens_sum") },
    ]),
    bars("TTFT p99", "Time to first token.", "s", line(quantile(0.99, "time_to_first_token_seconds")), THIRD),
    bars("ITL p99", "Time between tokens.", "s", line(quantile(0.99, "inter_token_latency_seconds")), THIRD),
    bars("E2E p99", "From arrival to the last token.", "s", line(quantile(0.99, "e2e_request_latency_seconds")), THIRD),
    bars("Requests", "That were completed.", "short", line(total("e2e_request_latency_seconds_count")), THIRD),
    bars("Output tokens per second", "The band, p10 to p90.", "short", band("outputTokensPerSecond"), THIRD),
    bars("GPU hours", "The band, p10 to p90.", "short", band("gpuHours"), THIRD),
  ],
});
