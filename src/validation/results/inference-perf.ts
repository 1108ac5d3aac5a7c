import * as z from "zod";
import { isMapping } from "../../model/mapping.ts";
import type { Problem } from "../../model/problem.ts";
import type { MeasuredRun, PoolLoad } from "../measured-run.ts";
import { type Companions, leftOut, measuredFigures, noted, type ResultFormat, type Results } from "../result-format.ts";

/*
 * kubernetes-sigs/inference-perf@010d12fb, inference_perf/reportgen/base.py: everything is in seconds. A stage's report has the
 * rate that was asked for, or the concurrency; the summary over stages has neither. Lengths are `prompt_len`, or `prompt_tokens`
 * and `output_tokens` since the server's own counts are read. Which load it was stands in the configuration beside it.
 */
const figure = z.number().nullish();
const Summary = z.looseObject({ mean: figure, median: figure, p90: figure, p95: figure, p99: figure }).nullish();

const Report = z.looseObject({
  load_summary: z.looseObject({
    count: figure,
    send_duration: figure,
    requested_rate: figure,
    achieved_rate: figure,
    concurrency: figure,
  }),
  successes: z.looseObject({
    count: z.number(),
    latency: z
      .looseObject({
        request_latency: Summary,
        time_per_output_token: Summary,
        time_to_first_token: Summary,
      })
      .nullish(),
    throughput: z.looseObject({ output_tokens_per_sec: figure, requests_per_sec: figure }).nullish(),
    prompt_len: Summary,
    prompt_tokens: Summary,
    output_len: Summary,
    output_tokens: Summary,
  }),
  failures: z.looseObject({ count: figure }).nullish(),
});
type Report = z.output<typeof Report>;

/** inference_perf/config: groups of prompts have two names each. */
const SharedPrefix = z.looseObject({
  num_groups: figure,
  num_unique_system_prompts: figure,
  num_prompts_per_group: figure,
  num_users_per_system_prompt: figure,
  system_prompt_len: figure,
});
const Config = z.looseObject({
  data: z.looseObject({ type: z.string().nullish(), shared_prefix: SharedPrefix.nullish() }).nullish(),
  load: z.looseObject({ type: z.string().nullish() }).nullish(),
  server: z.looseObject({ model_name: z.string().nullish() }).nullish(),
});
type Config = z.output<typeof Config>;

export const isInferencePerfConfig = (json: unknown): boolean =>
  isMapping(json) && isMapping(json.load) && (isMapping(json.data) || isMapping(json.server)) && !("kind" in json);

export const inferencePerf: ResultFormat = {
  name: "inference-perf",
  summary: "inference-perf's stage_N_lifecycle_metrics.json, with the config.yaml beside them",
  marks: "load_summary and successes.latency",
  recognises: (json) => isMapping(json) && isMapping(json.load_summary) && isMapping(json.successes),
  read: (json, file, companions): Results => {
    const out = (message: string, fix?: string): Results => ({
      runs: [],
      problems: [leftOut(file, file, message, fix)],
    });
    const parsed = Report.safeParse(json);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
      return out(`${path.join(".")}: ${message}`);
    }
    const { load_summary: sent, successes, failures } = parsed.data;
    if (!(successes.count > 0)) return out("no request was completed");
    if (sent.requested_rate == null && sent.concurrency == null) {
      const fix = "give the stage_N_lifecycle_metrics.json files (report.request_lifecycle.per_stage)";
      return out("it is the summary of several stages, and doesn't say what was sent when", fix);
    }
    const problems: Problem[] = [];
    const config = configIn(companions);
    const load = loadOf(parsed.data, config, file, problems);
    if (typeof load === "string") return out(load);
    const { request_latency: e2e, time_to_first_token: ttft, time_per_output_token: tpot } = successes.latency ?? {};
    const ms = (value: number | null | undefined): number | undefined => (value == null ? undefined : 1e3 * value);
    return {
      runs: [
        {
          id: file,
          model: config?.server?.model_name ?? undefined,
          load,
          completed: successes.count,
          failed: failures?.count ?? 0,
          measured: measuredFigures({
            ttft_mean: ms(ttft?.mean),
            ttft_p90: ms(ttft?.p90),
            ttft_p95: ms(ttft?.p95),
            ttft_p99: ms(ttft?.p99),
            tpot_mean: ms(tpot?.mean),
            e2e_mean: ms(e2e?.mean),
            e2e_p90: ms(e2e?.p90),
            e2e_p99: ms(e2e?.p99),
            output_tokens_per_s: successes.throughput?.output_tokens_per_sec,
          }),
        },
      ],
      problems,
    };
  },
};

/** The first one that is inference-perf's. */
const configIn = ({ configs }: Companions): Config | undefined => {
  const found = configs.find(isInferencePerfConfig);
  const parsed = found === undefined ? undefined : Config.safeParse(found);
  return parsed?.success === true ? parsed.data : undefined;
};

/** Both `constant` and `poisson` draw exponential gaps (loadgen/load_timer.py), the first with their sum made to fit. */
const loadOf = (
  { load_summary: sent, successes }: Report,
  config: Config | undefined,
  file: string,
  problems: Problem[],
): MeasuredRun["load"] | string => {
  const promptTokens = successes.prompt_tokens?.mean ?? successes.prompt_len?.mean;
  const outputMean = successes.output_tokens?.mean ?? successes.output_len?.mean;
  if (!(promptTokens != null && promptTokens > 0) || !(outputMean != null && outputMean > 0)) {
    return "successes.prompt_len and output_len don't say how long requests were";
  }
  const means = { promptTokens, outputTokens: Math.max(1, Math.round(outputMean)) };
  const requests = sent.count ?? successes.count;
  if (sent.concurrency != null && sent.concurrency > 0) {
    return { kind: "closed", concurrency: Math.min(sent.concurrency, requests), requests, shortest: 1, ...means };
  }
  const rate = sent.achieved_rate ?? sent.requested_rate;
  if (!(rate != null && rate > 0)) return "load_summary.requested_rate is 0";
  if (config === undefined) {
    const message = "without its configuration no prompts are taken to begin alike";
    problems.push(noted(file, file, message, "give inference-perf's config.yaml with -f as well"));
  }
  return {
    kind: "pool",
    ...promptsOf(config, requests),
    ...means,
    stages: [{ ratePerSecond: rate, durationSeconds: requests / rate, requests }],
  };
};

const promptsOf = (
  config: Config | undefined,
  requests: number,
): Pick<PoolLoad, "systemPrompts" | "promptsPerSystemPrompt" | "systemTokens"> => {
  const shared = config?.data?.type === "shared_prefix" ? config.data.shared_prefix : undefined;
  const groups = shared?.num_unique_system_prompts ?? shared?.num_groups;
  const each = shared?.num_users_per_system_prompt ?? shared?.num_prompts_per_group;
  if (groups == null || each == null) return { systemPrompts: requests, promptsPerSystemPrompt: 1, systemTokens: 0 };
  // More prompts than requests are never all sent: as many of each group as are.
  const sent = Math.min(each, Math.max(1, Math.ceil(requests / groups)));
  return { systemPrompts: groups, promptsPerSystemPrompt: sent, systemTokens: shared?.system_prompt_len ?? 0 };
};
