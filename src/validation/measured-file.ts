import * as z from "zod";

/**
 * Files of measured runs, as the project's validation data has them. Objects are open: fields that nobody here reads are
 * let through, and figures may be missing, since a run is scored by what it has.
 */

const figure = z.number().finite().nullish();
/** Milliseconds. */
const Percentiles = z.looseObject({ mean: figure, p90: figure, p99: figure }).nullish();
const Measurement = z.looseObject({
  requests: figure,
  e2e_ms: Percentiles,
  ttft_ms: Percentiles,
  itl_ms: z.looseObject({ mean_published: figure, mean_by_configured_len: figure }).nullish(),
});
export type Measurement = z.output<typeof Measurement>;

const Stage = z.looseObject({ rate_rps: z.number().positive(), duration_s: z.number().positive(), requests: figure });

/** Errors of another simulator: metric to [predicted, absolute percentage error]. */
const Peer = z.looseObject({ overall: z.record(z.string(), z.unknown()).nullish() });

export const ArchitectureFields = z.looseObject({
  layers: z.int().positive(),
  hidden: z.int().positive(),
  heads: z.int().positive(),
  kv_heads: z.int().positive().nullish(),
  head_dim: z.int().positive().nullish(),
  intermediate: z.int().nonnegative().nullish(),
  vocab: z.int().positive(),
  config_dtype: z.string().nullish(),
});
export type ArchitectureFields = z.output<typeof ArchitectureFields>;

export const Experiment = z.looseObject({
  id: z.union([z.string(), z.number()]).transform(String),
  model: z.string(),
  gpu: z.string(),
  tp: z.int().positive().nullish(),
  dp: z.int().positive().nullish(),
  precision: z.string().nullish(),
  server: z.looseObject({
    engine: z.string().nullish(),
    max_num_seqs: figure,
    max_num_batched_tokens: figure,
    max_model_len: figure,
    gpu_memory_utilization: figure,
    kv_block_size: figure,
    gpu_kv_blocks: figure,
    prefix_caching: z.boolean().nullish(),
    chunked_prefill: z.boolean().nullish(),
    expert_parallel: z.boolean().nullish(),
  }),
  workload: z.looseObject({
    family: z.string().nullish(),
    configured_tokens: z.looseObject({
      system_prompt: z.int().nonnegative(),
      question: z.int().positive(),
      output: z.int().positive(),
    }),
    prompt_pool: z
      .looseObject({
        effective: z
          .looseObject({
            system_prompts: z.int().positive().nullish(),
            prompts_per_system_prompt: z.int().positive().nullish(),
          })
          .nullish(),
      })
      .nullish(),
    prompt_tokens_measured: z.looseObject({ mean: figure }).nullish(),
    stages: z.array(Stage).min(1),
  }),
  measured: z.looseObject({
    overall: Measurement.nullish(),
    stages: z.array(Measurement).nullish(),
  }),
  peers: z.record(z.string(), Peer).nullish(),
});
export type Experiment = z.output<typeof Experiment>;

const Row = z.looseObject({
  isl: z.int().positive(),
  osl: z.int().positive(),
  concurrency: z.int().positive(),
  ttft_mean_ms: figure,
  tpot_mean_ms: figure,
  suspect: z.unknown().optional(),
  engine_version: z.string().nullish(),
});
export type ClosedLoopRow = z.output<typeof Row>;

export const ClosedLoopCase = z.looseObject({
  id: z.string(),
  category: z.literal("engine_closed_loop"),
  setup: z.looseObject({
    model: z.string(),
    gpu: z.string(),
    tp: z.int().positive().nullish(),
    dp: z.int().positive().nullish(),
    ep: z.union([z.string(), z.number()]).nullish(),
    precision: z.string().nullish(),
    engine_version: z.string().nullish(),
    kv_cache_tokens: figure,
    flags: z.string().nullish(),
  }),
  workload: z.looseObject({ note: z.string().nullish() }).nullish(),
  measured_values: z.looseObject({
    rows: z.array(Row).nullish(),
    columns: z.array(z.string()).nullish(),
    rows_by_workload: z.record(z.string(), z.array(z.array(z.number().nullable()))).nullish(),
  }),
});
export type ClosedLoopCase = z.output<typeof ClosedLoopCase>;

/** Requests with their own arrivals and lengths, of one server. */
export const TraceRun = z.looseObject({
  run: z.string(),
  model: z.string(),
  gpu: z.string(),
  vllm: z.string().nullish(),
  tp: z.int().positive().nullish(),
  dp: z.int().positive().nullish(),
  expert_parallel: z.boolean().nullish(),
  max_num_seqs: figure,
  max_num_batched_tokens: figure,
  max_model_len: figure,
  gpu_kv_blocks: figure,
  gpu_memory_utilization: figure,
  request_columns: z.array(z.string()),
  request_rows: z.array(z.array(z.number())).min(1),
});
export type TraceRun = z.output<typeof TraceRun>;

export const MeasuredFile = z.looseObject({
  models: z.record(z.string(), ArchitectureFields).nullish(),
  experiments: z.array(z.unknown()).nullish(),
  cases: z.array(z.unknown()).nullish(),
  vllm_sharegpt_bench: z.looseObject({ runs: z.array(z.unknown()) }).nullish(),
});
