import type * as z from "zod";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import {
  type ArchitectureFields,
  ClosedLoopCase,
  type ClosedLoopRow,
  Experiment,
  MeasuredFile,
  TraceRun,
} from "./measured-file.ts";

/** Figures of one run that can be compared, in milliseconds (`outputTokensPerSecond`: per second). */
export type Metric =
  | "e2e_mean"
  | "e2e_p90"
  | "e2e_p99"
  | "ttft_mean"
  | "ttft_p90"
  | "ttft_p99"
  | "itl_mean"
  | "itl_mean_published"
  | "tpot_mean"
  | "itl_median"
  | "ttft_p95"
  | "output_tokens_per_s";
export type Figures = Partial<Readonly<Record<Metric, number>>>;

/** A server as a file describes it; undefined: the file doesn't say. */
export interface ServerSaid {
  readonly model: string;
  readonly architecture: ArchitectureFields | undefined;
  readonly gpu: string;
  readonly tp: number;
  readonly dp: number;
  readonly expertParallel: boolean;
  readonly precision: string | undefined;
  readonly version: string | undefined;
  readonly maxNumSeqs: number | undefined;
  readonly maxNumBatchedTokens: number | undefined;
  readonly maxModelLen: number | undefined;
  readonly gpuMemoryUtilization: number | undefined;
  readonly blockSize: number | undefined;
  readonly numGpuBlocks: number | undefined;
  readonly prefixCaching: boolean;
}

export interface StageSaid {
  readonly ratePerSecond: number;
  readonly durationSeconds: number;
  readonly requests: number;
  /** Requests come at equal intervals; left out: at random. */
  readonly evenly?: boolean;
}

/** Prompt and output tokens of requests, in order; repeated where there are more requests. */
export type LengthsSaid = readonly (readonly [number, number])[];

/** Open loop, from a pool of prompts: train.json's experiments. */
export interface PoolLoad {
  readonly kind: "pool";
  readonly systemPrompts: number;
  readonly promptsPerSystemPrompt: number;
  readonly systemTokens: number;
  /** Mean tokens of a prompt, as the server counts them. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly stages: readonly StageSaid[];
  /** In place of the means, where they are known. */
  readonly lengths?: LengthsSaid;
}

/** A fixed number of requests in flight, each with a prompt of its own. */
export interface ClosedLoad {
  readonly kind: "closed";
  readonly concurrency: number;
  readonly requests: number;
  /** Lengths are drawn evenly from this share of them up to them. */
  readonly shortest: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** In place of a draw, where they are known. */
  readonly lengths?: LengthsSaid;
}

/** Requests as they were. */
export interface TraceLoad {
  readonly kind: "trace";
  /** [arrival in seconds, prompt tokens, output tokens, leading prompt tokens seen before] */
  readonly rows: readonly (readonly [number, number, number, number])[];
}

export interface MeasuredRun {
  readonly id: string;
  /** The server's name in groups: rows of one server are not independent of each other. */
  readonly deployment: string;
  readonly server: ServerSaid;
  readonly load: PoolLoad | ClosedLoad | TraceLoad;
  readonly measured: Figures;
  /** Per stage, where a file has them. */
  readonly stages: readonly Figures[];
  /** Absolute percentage errors of other simulators on this run. */
  readonly peers: Readonly<Record<string, Figures>>;
  /** The source marks it as doubtful: shown, not scored. */
  readonly suspect: boolean;
}

export interface MeasuredRuns {
  readonly runs: readonly MeasuredRun[];
}

/**
 * Random tokens do not survive decoding and encoding again: prompts come out longer than asked for, by 5 % with
 * Llama-2's vocabulary (validation data, README) and less with larger ones.
 */
const RETOKENISED = 1.03;
/** Requests of a closed loop, per one in flight, where a file doesn't say. */
const ROUNDS = 10;
/** Public sweeps draw lengths from a band below the nominal ones (`random-range-ratio` 0.8). */
const BAND = 0.8;

/** @returns the runs of a parsed JSON file; each that can't be read is a warning, no run at all an error */
export const readMeasuredRuns = (json: unknown, file: string): Result<MeasuredRuns> => {
  const parsed = MeasuredFile.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
    return bad({ severity: "error", reason: "BadFile", file, field: path.join("."), message: lower(message) });
  }
  const { models, experiments, cases, vllm_sharegpt_bench: traces } = parsed.data;
  const problems: Problem[] = [];
  const read = <T>(schema: z.ZodType<T>, values: readonly unknown[], place: string): readonly T[] =>
    values.flatMap((value, i) => {
      const one = schema.safeParse(value);
      if (one.success) return [one.data];
      const { path, message } = one.error.issues[0] as z.core.$ZodIssue;
      const field = [`${place}[${i}]`, ...path].join(".");
      problems.push({ severity: "warning", reason: "BadRun", file, field, message: `left out: ${lower(message)}` });
      return [];
    });
  const closed = (cases ?? []).filter((one) => (one as { category?: unknown }).category === "engine_closed_loop");
  const runs = [
    ...read(Experiment, experiments ?? [], "experiments").map((one) => experimentRun(one, models?.[one.model])),
    ...read(ClosedLoopCase, closed, "cases").flatMap((one) => closedRuns(one, models?.[one.setup.model])),
    ...read(TraceRun, traces?.runs ?? [], "vllm_sharegpt_bench.runs").map((one) => traceRun(one, models?.[one.model])),
  ];
  const seen = new Set<string>();
  for (const { id } of runs) {
    if (seen.has(id)) {
      problems.push({ severity: "warning", reason: "SameId", file, message: `two runs are called ${id}` });
    }
    seen.add(id);
  }
  if (runs.length > 0) return good({ runs }, problems);
  const message = "the file has no run that can be replayed";
  const fix =
    "give experiments, engine_closed_loop cases or vllm_sharegpt_bench runs, as validation/README.md has them";
  return bad({ severity: "error", reason: "NoRuns", file, message, fix }, ...problems);
};

const lower = (message: string): string => message.charAt(0).toLowerCase() + message.slice(1);
const orUndefined = <T>(value: T | null | undefined): T | undefined => value ?? undefined;

const experimentRun = (one: Experiment, architecture: ArchitectureFields | undefined): MeasuredRun => {
  const { server, workload, measured } = one;
  const { system_prompt, question, output } = workload.configured_tokens;
  const pool = workload.prompt_pool?.effective;
  const recorded = workload.prompt_tokens_measured?.mean;
  return {
    id: one.id,
    deployment: one.id,
    server: {
      model: one.model,
      architecture,
      gpu: one.gpu,
      tp: one.tp ?? 1,
      dp: one.dp ?? 1,
      expertParallel: server.expert_parallel ?? false,
      precision: orUndefined(one.precision),
      version: versionIn(server.engine),
      maxNumSeqs: orUndefined(server.max_num_seqs),
      maxNumBatchedTokens: orUndefined(server.max_num_batched_tokens),
      maxModelLen: orUndefined(server.max_model_len),
      gpuMemoryUtilization: orUndefined(server.gpu_memory_utilization),
      blockSize: orUndefined(server.kv_block_size),
      numGpuBlocks: orUndefined(server.gpu_kv_blocks),
      prefixCaching: server.prefix_caching ?? true,
    },
    load: {
      kind: "pool",
      systemPrompts: pool?.system_prompts ?? 10,
      promptsPerSystemPrompt: pool?.prompts_per_system_prompt ?? 10,
      systemTokens: system_prompt,
      promptTokens: recorded ?? (system_prompt + question) * RETOKENISED,
      outputTokens: output,
      stages: workload.stages.map(({ rate_rps, duration_s, requests }) => ({
        ratePerSecond: rate_rps,
        durationSeconds: duration_s,
        requests: requests ?? Math.round(rate_rps * duration_s),
      })),
    },
    measured: figuresOf(measured.overall ?? {}, output),
    stages: (measured.stages ?? []).map((stage) => figuresOf(stage, output)),
    peers: Object.fromEntries(
      Object.entries(one.peers ?? {}).map(([name, { overall }]) => [name, errorsOf(overall ?? {})]),
    ),
    suspect: false,
  };
};

const figuresOf = (
  { e2e_ms, ttft_ms, itl_ms }: Experiment["measured"]["overall"] & object,
  output: number,
): Figures => {
  const byLength =
    itl_ms?.mean_by_configured_len ??
    (e2e_ms?.mean != null && ttft_ms?.mean != null && output > 1
      ? (e2e_ms.mean - ttft_ms.mean) / (output - 1)
      : undefined);
  return present({
    e2e_mean: e2e_ms?.mean,
    e2e_p90: e2e_ms?.p90,
    e2e_p99: e2e_ms?.p99,
    ttft_mean: ttft_ms?.mean,
    ttft_p90: ttft_ms?.p90,
    ttft_p99: ttft_ms?.p99,
    itl_mean: byLength,
    itl_mean_published: itl_ms?.mean_published,
  });
};

const present = (figures: Partial<Record<Metric, number | null | undefined>>): Figures =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => typeof value === "number"));

const PEER_METRICS = ["e2e_mean", "e2e_p90", "e2e_p99", "ttft_mean", "ttft_p90", "ttft_p99", "itl_mean"] as const;

/** A peer's entry is [predicted, APE] or [predicted, its own actual, APE]: the error comes last. */
const errorsOf = (overall: Readonly<Record<string, unknown>>): Figures =>
  present(
    Object.fromEntries(
      PEER_METRICS.map((metric) => {
        const entry = overall[metric];
        const last: unknown = Array.isArray(entry) ? entry.at(-1) : undefined;
        return [metric, typeof last === "number" ? last : undefined];
      }),
    ),
  );

const versionIn = (text: string | null | undefined): string | undefined => /\d+\.\d+(\.\d+)?/.exec(text ?? "")?.[0];

const closedRuns = (one: ClosedLoopCase, architecture: ArchitectureFields | undefined): readonly MeasuredRun[] => {
  const { setup, measured_values: values } = one;
  const shortest = /range-ratio/.test(one.workload?.note ?? "") ? BAND : 1;
  // Cases with nominal lengths were taken under Dynamo, whose own replay takes 2048 tokens and 256 sequences (caveats).
  const underDynamo = shortest === 1 && values.rows != null;
  const utilisation = /--gpu-memory-utilization[ =]([\d.]+)/.exec(setup.flags ?? "")?.[1];
  const longest = /--max-model-len[ =](\d+)/.exec(setup.flags ?? "")?.[1];
  const runOf = (name: string, row: ClosedLoopRow, measured: Figures, requests: number): MeasuredRun => ({
    id: `${one.id}/${name}`,
    deployment: one.id,
    server: {
      model: setup.model,
      architecture,
      gpu: setup.gpu,
      tp: setup.tp ?? 1,
      dp: setup.dp ?? 1,
      expertParallel: Number(setup.ep ?? 1) > 1,
      precision: orUndefined(setup.precision),
      version: versionIn(row.engine_version ?? setup.engine_version),
      maxNumSeqs: underDynamo ? 256 : undefined,
      maxNumBatchedTokens: underDynamo ? 2048 : undefined,
      maxModelLen: longest === undefined ? undefined : Number(longest),
      gpuMemoryUtilization: utilisation === undefined ? undefined : Number(utilisation),
      blockSize: undefined,
      numGpuBlocks: setup.kv_cache_tokens == null ? undefined : Math.floor(setup.kv_cache_tokens / 16) + 1,
      prefixCaching: false,
    },
    load: {
      kind: "closed",
      concurrency: row.concurrency,
      requests,
      shortest,
      promptTokens: row.isl,
      outputTokens: row.osl,
    },
    measured,
    stages: [],
    peers: {},
    suspect: row.suspect != null,
  });
  const rows = (values.rows ?? []).map((row) =>
    runOf(
      `${row.isl}-${row.osl}-c${row.concurrency}`,
      row,
      present({ ttft_mean: row.ttft_mean_ms, tpot_mean: row.tpot_mean_ms }),
      ROUNDS * row.concurrency,
    ),
  );
  const column = (name: string): number => (values.columns ?? []).indexOf(name);
  const byWorkload = Object.entries(values.rows_by_workload ?? {}).flatMap(([name, table]) => {
    const [, isl, osl] = /(\d+)-(\d+)$/.exec(name) ?? [];
    if (isl === undefined || osl === undefined) return [];
    return table.flatMap((cells) => {
      const cell = (column_: string): number | undefined => orUndefined(cells[column(column_)]);
      const concurrency = cell("concurrency");
      if (concurrency === undefined) return [];
      const figures = present({
        itl_median: cell("itl_median_ms"),
        ttft_p95: cell("ttft_p95_ms"),
        ttft_p99: cell("ttft_p99_ms"),
        output_tokens_per_s: cell("out_tok_per_s"),
      });
      const row = { isl: Number(isl), osl: Number(osl), concurrency } as ClosedLoopRow;
      return [runOf(`${name}-c${concurrency}`, row, figures, cell("num_prompts") ?? ROUNDS * concurrency)];
    });
  });
  return [...rows, ...byWorkload];
};

const traceRun = (one: TraceRun, architecture: ArchitectureFields | undefined): MeasuredRun => {
  const at = (name: string): number => one.request_columns.indexOf(name);
  const cells = one.request_rows;
  const column = (name: string): readonly number[] => cells.map((row) => row[at(name)] ?? 0);
  const [arrival, input, output, seen] = [
    "arrival_s",
    "input_tokens",
    "output_tokens",
    "prefix_tokens_seen_before",
  ].map(column) as [readonly number[], readonly number[], readonly number[], readonly number[]];
  const [ttft, e2e] = [column("ttft_ms"), column("e2e_ms")];
  const tpot = e2e.flatMap((ms, i) => {
    const outputs = output[i] as number;
    return outputs > 1 ? [(ms - (ttft[i] as number)) / (outputs - 1)] : [];
  });
  return {
    id: one.run,
    deployment: one.run,
    server: {
      model: one.model,
      architecture,
      gpu: one.gpu,
      tp: one.tp ?? 1,
      dp: one.dp ?? 1,
      expertParallel: one.expert_parallel ?? false,
      precision: undefined,
      version: versionIn(one.vllm),
      maxNumSeqs: orUndefined(one.max_num_seqs),
      maxNumBatchedTokens: orUndefined(one.max_num_batched_tokens),
      maxModelLen: orUndefined(one.max_model_len),
      gpuMemoryUtilization: orUndefined(one.gpu_memory_utilization),
      blockSize: undefined,
      numGpuBlocks: orUndefined(one.gpu_kv_blocks),
      prefixCaching: true,
    },
    load: {
      kind: "trace",
      rows: cells.map((_, i) => [arrival[i] as number, input[i] as number, output[i] as number, seen[i] as number]),
    },
    measured: { e2e_mean: mean(e2e), ttft_mean: mean(ttft), tpot_mean: mean(tpot) },
    stages: [],
    peers: {},
    suspect: false,
  };
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
