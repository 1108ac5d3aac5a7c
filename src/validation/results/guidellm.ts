import * as z from "zod";
import { isMapping } from "../../model/mapping.ts";
import type { LengthsSaid, MeasuredRun } from "../measured-run.ts";
import { leftOut, measuredFigures, type ResultFormat, type ResultRun, type Results } from "../result-format.ts";

/*
 * GuideLLM (vllm-project/guidellm@03820eba): `benchmarks[]` with a strategy and distributions by status of a request. Names end
 * in `_ms` where milliseconds are meant; `request_latency` is in seconds. The strategy stood under `args` up to 0.3 and stands
 * under `config` since 0.4. `time_per_output_token_ms` takes the first token in, so the gaps' own figure is read.
 */
const figure = z.number().nullish();
const Summary = z.looseObject({
  mean: figure,
  std_dev: figure,
  percentiles: z.looseObject({ p90: figure, p95: figure, p99: figure }).nullish(),
});
const Distribution = z.looseObject({ successful: Summary.nullish() }).nullish();

const Strategy = z.looseObject({ type_: z.string(), streams: figure, rate: figure, max_concurrency: figure });
type Strategy = z.output<typeof Strategy>;
const Stated = z.looseObject({
  strategy: Strategy.nullish(),
  backend: z.looseObject({ model: z.string().nullish() }).nullish(),
});

const Counts = z.looseObject({ successful: figure, errored: figure, incomplete: figure });
const Request = z.looseObject({ prompt_tokens: figure, output_tokens: figure });

const Benchmark = z.looseObject({
  config: Stated.nullish(),
  args: Stated.nullish(),
  duration: figure,
  start_time: figure,
  end_time: figure,
  metrics: z.looseObject({
    request_totals: Counts.nullish(),
    requests_per_second: Distribution,
    request_latency: Distribution,
    prompt_token_count: Distribution,
    output_token_count: Distribution,
    time_to_first_token_ms: Distribution,
    inter_token_latency_ms: Distribution,
    output_tokens_per_second: Distribution,
  }),
  request_totals: Counts.nullish(),
  requests: z.looseObject({ successful: z.array(Request).nullish() }).nullish(),
});
type Benchmark = z.output<typeof Benchmark>;

const Report = z.looseObject({
  args: z.looseObject({ model: z.string().nullish() }).nullish(),
  benchmarks: z.array(z.unknown()),
});

/** Requests that may be under way when an open loop ends, as a share of those that were served. */
const CUT = 0.25;

export const guidellm: ResultFormat = {
  name: "guidellm",
  summary: "GuideLLM's benchmarks.json",
  marks: "benchmarks[] with metrics.time_to_first_token_ms",
  recognises: (json) =>
    isMapping(json) &&
    Array.isArray(json.benchmarks) &&
    json.benchmarks.some((one) => isMapping(one) && isMapping(one.metrics)),
  read: (json, file): Results => {
    const { args, benchmarks } = Report.parse(json);
    const read = benchmarks.map((one, i) => readBenchmark(one, file, i, args?.model ?? undefined));
    return { runs: read.flatMap(({ runs }) => runs), problems: read.flatMap(({ problems }) => problems) };
  },
};

const readBenchmark = (json: unknown, file: string, index: number, model: string | undefined): Results => {
  const place = `${file}#${index}`;
  const out = (message: string, fix?: string): Results => ({
    runs: [],
    problems: [leftOut(file, place, message, fix)],
  });
  const parsed = Benchmark.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
    return out(`benchmarks[${index}].${path.join(".")}: ${message}`);
  }
  const one = parsed.data;
  const { metrics } = one;
  const strategy = (one.config ?? one.args)?.strategy ?? undefined;
  if (strategy === undefined) return out("config.strategy doesn't say how requests were sent");
  const totals = metrics.request_totals ?? one.request_totals;
  const completed = totals?.successful ?? one.requests?.successful?.length ?? 0;
  if (!(completed > 0)) return out("no request was completed");
  const rate = (strategy.type_ === "constant" || strategy.type_ === "poisson") && strategy.rate;
  if (rate && (totals?.incomplete ?? 0) > CUT * completed) {
    return out(
      `${totals?.incomplete} requests were cut off at its end, so many that ${rate.toPrecision(3)}/s overran it`,
    );
  }
  const promptTokens = metrics.prompt_token_count?.successful?.mean;
  const outputTokens = metrics.output_token_count?.successful?.mean;
  if (!(promptTokens != null && promptTokens > 0) || !(outputTokens != null && outputTokens > 0)) {
    return out("metrics.prompt_token_count and output_token_count don't say how long requests were");
  }
  const load = loadOf(one, strategy, completed, { promptTokens, outputTokens: Math.max(1, Math.round(outputTokens)) });
  if (typeof load === "string") return out(load);
  const [ttft, e2e] = [metrics.time_to_first_token_ms?.successful, metrics.request_latency?.successful];
  const ms = (value: number | null | undefined): number | undefined => (value == null ? undefined : 1e3 * value);
  const run: ResultRun = {
    id: `${place} ${strategy.type_}${(strategy.streams ?? strategy.rate) ? `@${(strategy.streams ?? strategy.rate)?.toPrecision(3)}` : ""}`,
    model: (one.config ?? one.args)?.backend?.model ?? model,
    load,
    completed,
    failed: totals?.errored ?? 0,
    measured: measuredFigures({
      ttft_mean: ttft?.mean,
      ttft_p90: ttft?.percentiles?.p90,
      ttft_p95: ttft?.percentiles?.p95,
      ttft_p99: ttft?.percentiles?.p99,
      tpot_mean: metrics.inter_token_latency_ms?.successful?.mean,
      e2e_mean: ms(e2e?.mean),
      e2e_p90: ms(e2e?.percentiles?.p90),
      e2e_p99: ms(e2e?.percentiles?.p99),
      output_tokens_per_s: metrics.output_tokens_per_second?.successful?.mean,
    }),
  };
  return { runs: [run], problems: [] };
};

interface Means {
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** guidellm/scheduler/strategies.py. @returns why there is none, where it can't be known */
const loadOf = (one: Benchmark, strategy: Strategy, requests: number, means: Means): MeasuredRun["load"] | string => {
  const lengths = lengthsOf(one, requests);
  const more = { ...means, ...(lengths === undefined ? {} : { lengths }) };
  const closed = (concurrency: number): MeasuredRun["load"] => ({
    kind: "closed",
    concurrency: Math.min(concurrency, requests),
    requests,
    shortest: 1,
    ...more,
  });
  switch (strategy.type_) {
    case "synchronous":
      return closed(1);
    case "concurrent":
      return strategy.streams == null ? "strategy.streams is missing" : closed(strategy.streams);
    case "throughput":
      return closed(strategy.max_concurrency ?? requests);
    case "constant":
    case "poisson": {
      const { rate } = strategy;
      if (!(rate != null && rate > 0)) return "strategy.rate is missing";
      // The rate asked for is not always kept up by the client; what came is.
      return {
        kind: "pool",
        systemPrompts: requests,
        promptsPerSystemPrompt: 1,
        systemTokens: 0,
        stages: [
          {
            ratePerSecond: rate,
            durationSeconds: requests / rate,
            requests,
            ...(strategy.type_ === "constant" ? { evenly: true } : {}),
          },
        ],
        ...more,
      };
    }
    default:
      return `strategy ${strategy.type_} is not known: synchronous, concurrent, throughput, constant and poisson are`;
  }
};

/** Where lengths differ, and the file has them all (it may hold a sample). */
const lengthsOf = ({ metrics, requests }: Benchmark, completed: number): LengthsSaid | undefined => {
  const scatter = (summary: z.output<typeof Summary> | null | undefined): number =>
    (summary?.std_dev ?? 0) / (summary?.mean ?? 1);
  const alike =
    scatter(metrics.prompt_token_count?.successful) < 0.01 && scatter(metrics.output_token_count?.successful) < 0.01;
  const lengths = (requests?.successful ?? []).flatMap(({ prompt_tokens: prompt, output_tokens: output }) =>
    prompt != null && output != null && prompt > 0 && output > 0 ? [[prompt, output] as const] : [],
  );
  return alike || lengths.length < completed / 2 ? undefined : lengths;
};
