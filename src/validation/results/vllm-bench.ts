import * as z from "zod";
import { isMapping } from "../../model/mapping.ts";
import type { Problem } from "../../model/problem.ts";
import type { Figures, LengthsSaid, MeasuredRun } from "../measured-run.ts";
import { leftOut, measuredFigures, noted, type ResultFormat, type Results } from "../result-format.ts";
import { mean, percentileOf } from "../score.ts";

/*
 * vllm/benchmarks/serve.py (vLLM main of August 2026; `benchmark_serving.py` before): latencies are in milliseconds under
 * names that say so, arrays of `--save-detailed` in seconds, one entry per request in the order of sending. TTFT and
 * latency count from when a request was sent: what it waited for under `--max-concurrency` is not in them.
 */
const figure = z.number().nullish();
const seconds = z.array(z.number()).nullish();

const Result = z.looseObject({
  model_id: z.string().nullish(),
  num_prompts: figure,
  /** A number, or "inf": all at once. */
  request_rate: z.union([z.number(), z.string()]).nullish(),
  burstiness: figure,
  max_concurrency: figure,
  ramp_up_strategy: z.string().nullish(),
  duration: figure,
  completed: z.number(),
  failed: figure,
  total_input_tokens: z.number(),
  total_output_tokens: figure,
  request_throughput: figure,
  output_throughput: figure,
  max_concurrent_requests: figure,
  input_lens: seconds,
  output_lens: z.union([z.array(z.number()), z.number()]).nullish(),
  ttfts: seconds,
  itls: z.array(z.array(z.number())).nullish(),
  start_times: seconds,
  mean_ttft_ms: figure,
  p90_ttft_ms: figure,
  p95_ttft_ms: figure,
  p99_ttft_ms: figure,
  mean_tpot_ms: figure,
  median_itl_ms: figure,
  mean_e2el_ms: figure,
  p90_e2el_ms: figure,
  p99_e2el_ms: figure,
});
type Result = z.output<typeof Result>;

/** Of a rate that a cap on requests in flight doesn't hold back. */
const REACHED = 0.95;

/** `vllm bench serve --save-result` and `benchmark_serving.py`; several results may stand in one array. */
export const vllmBench: ResultFormat = {
  name: "vllm-bench",
  summary: "vllm bench serve, benchmark_serving.py: --save-result, with or without --save-detailed",
  marks: "completed, total_input_tokens and request_throughput",
  recognises: (json) =>
    isMapping(json) && "completed" in json && "total_input_tokens" in json && "request_throughput" in json,
  read: (json, file): Results => {
    const parsed = Result.safeParse(json);
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
      return { runs: [], problems: [{ ...leftOut(file, file, message), field: path.join(".") }] };
    }
    const one = parsed.data;
    const problems: Problem[] = [];
    const failed = one.failed ?? Math.max(0, (one.num_prompts ?? one.completed) - one.completed);
    const details = detailsOf(one);
    const load = one.completed > 0 ? loadOf(one, details, file, problems) : "no request was completed";
    if (typeof load === "string") return { runs: [], problems: [...problems, leftOut(file, file, load)] };
    const measured = { ...figuresOf(one), ...missingFrom(one, details) };
    return {
      runs: [{ id: file, model: one.model_id ?? undefined, load, measured, completed: one.completed, failed }],
      problems,
    };
  },
};

const figuresOf = (one: Result): Figures =>
  measuredFigures({
    ttft_mean: one.mean_ttft_ms,
    ttft_p90: one.p90_ttft_ms,
    ttft_p95: one.p95_ttft_ms,
    ttft_p99: one.p99_ttft_ms,
    tpot_mean: one.mean_tpot_ms,
    itl_median: one.median_itl_ms,
    e2e_mean: one.mean_e2el_ms,
    e2e_p90: one.p90_e2el_ms,
    e2e_p99: one.p99_e2el_ms,
    output_tokens_per_s: one.output_throughput,
  });

/** Requests that were served, as `--save-detailed` has them. */
interface Detail {
  readonly sent: number;
  readonly prompt: number;
  readonly output: number;
  readonly ttftMs: number;
  readonly e2eMs: number;
}

const detailsOf = ({ input_lens, output_lens, ttfts, itls, start_times }: Result): readonly Detail[] => {
  if (input_lens == null || !Array.isArray(output_lens) || ttfts == null) return [];
  return input_lens.flatMap((prompt, i): Detail[] => {
    const [output, ttft] = [output_lens[i] ?? 0, ttfts[i] ?? 0];
    // Failed requests have no output and no first token.
    if (!(prompt > 0) || !(output > 0) || !(ttft > 0)) return [];
    const gaps = (itls?.[i] ?? []).reduce((sum, gap) => sum + gap, 0);
    return [{ sent: start_times?.[i] ?? Number.NaN, prompt, output, ttftMs: 1e3 * ttft, e2eMs: 1e3 * (ttft + gaps) }];
  });
};

/** Figures that were not asked for with `--percentile-metrics`, from the arrays. */
const missingFrom = (one: Result, details: readonly Detail[]): Figures => {
  if (details.length === 0) return {};
  const ttft = details.map(({ ttftMs }) => ttftMs).sort((a, b) => a - b);
  const e2e = one.itls == null ? [] : details.map(({ e2eMs }) => e2eMs).sort((a, b) => a - b);
  const found = measuredFigures({
    ttft_p90: percentileOf(ttft, 0.9),
    ttft_p95: percentileOf(ttft, 0.95),
    ttft_p99: percentileOf(ttft, 0.99),
    ...(e2e.length === 0
      ? {}
      : { e2e_mean: mean(e2e), e2e_p90: percentileOf(e2e, 0.9), e2e_p99: percentileOf(e2e, 0.99) }),
  });
  const said = figuresOf(one);
  return Object.fromEntries(Object.entries(found).filter(([metric]) => !(metric in said)));
};

/** @returns why there is none, where it can't be known */
const loadOf = (
  one: Result,
  details: readonly Detail[],
  file: string,
  problems: Problem[],
): MeasuredRun["load"] | string => {
  if (!(one.total_output_tokens != null && one.total_output_tokens > 0)) return "it generated no tokens";
  const rate = typeof one.request_rate === "number" ? one.request_rate : Number.POSITIVE_INFINITY;
  const ramped = one.ramp_up_strategy != null;
  if (!Number.isFinite(rate) && !ramped) return closedLoad(one, details, one.max_concurrency ?? one.completed);
  const sent = sentAsMeasured(details);
  if (sent !== undefined) return { kind: "trace", rows: sent };
  if (ramped) return "a ramp of rates needs the times at which requests were sent: run it with --save-detailed";
  const cap = one.max_concurrency;
  if (cap != null && (one.max_concurrent_requests ?? cap) >= cap) {
    const held = (one.request_throughput ?? 0) < REACHED * rate;
    const message = held
      ? `${cap} in flight held it below ${rate} requests/s: replayed as a closed loop of ${cap}`
      : `at most ${cap} in flight: replayed without the limit, which hardly held it back`;
    problems.push(noted(file, file, message, "--save-detailed gives the times at which requests were sent"));
    if (held) return closedLoad(one, details, cap);
  }
  if (one.burstiness != null && one.burstiness !== 1) {
    const message = `burstiness ${one.burstiness} is replayed as 1, a Poisson process`;
    problems.push(noted(file, file, message, "--save-detailed gives the times at which requests were sent"));
  }
  return openLoad(one, rate, lengthsOf(details));
};

const meansOf = (one: Result) => ({
  promptTokens: one.total_input_tokens / one.completed,
  outputTokens: Math.max(1, Math.round((one.total_output_tokens as number) / one.completed)),
});

const closedLoad = (one: Result, details: readonly Detail[], concurrency: number): MeasuredRun["load"] => {
  const lengths = lengthsOf(details);
  return {
    kind: "closed",
    concurrency: Math.min(concurrency, one.completed),
    requests: one.completed,
    shortest: 1,
    ...meansOf(one),
    ...(lengths === undefined ? {} : { lengths }),
  };
};

const openLoad = (one: Result, rate: number, lengths: LengthsSaid | undefined): MeasuredRun["load"] => ({
  kind: "pool",
  systemPrompts: one.completed,
  promptsPerSystemPrompt: 1,
  systemTokens: 0,
  ...meansOf(one),
  stages: [{ ratePerSecond: rate, durationSeconds: one.completed / rate, requests: one.completed }],
  ...(lengths === undefined ? {} : { lengths }),
});

const lengthsOf = (details: readonly Detail[]): LengthsSaid | undefined =>
  details.length === 0 ? undefined : details.map(({ prompt, output }) => [prompt, output] as const);

const sentAsMeasured = (details: readonly Detail[]) => {
  if (details.length === 0 || details.some(({ sent }) => !Number.isFinite(sent))) return undefined;
  const sorted = [...details].sort((a, b) => a.sent - b.sent);
  const first = (sorted[0] as Detail).sent;
  return sorted.map(({ sent, prompt, output }) => [sent - first, prompt, output, 0] as const);
};
