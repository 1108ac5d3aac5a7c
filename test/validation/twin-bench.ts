import { CORRECTIONS, type CorrectionName } from "../../src/latency/corrections.ts";
import { fitted } from "../../src/latency/fitted.ts";
import { physical } from "../../src/latency/models/physical.ts";
import type { ClosedLoad, MeasuredRun, PoolLoad } from "../../src/validation/measured-run.ts";
import { replay } from "../../src/validation/replay.ts";
import { type Server, serverOf } from "../../src/validation/server.ts";

/** What a server of the twin's own is like, in logarithms over the committed fit. */
export interface Truth {
  readonly changed?: Partial<Record<CorrectionName, number>>;
  readonly pace?: number;
}

export const llama8b = (gpu = "H100"): Server => {
  const server = serverOf(
    {
      model: "meta-llama/Llama-3.1-8B-Instruct",
      architecture: undefined,
      gpu,
      tp: 1,
      dp: 1,
      expertParallel: false,
      precision: undefined,
      version: "0.22.0",
      maxNumSeqs: 64,
      maxNumBatchedTokens: 8192,
      maxModelLen: 16_384,
      gpuMemoryUtilization: 0.92,
      blockSize: undefined,
      numGpuBlocks: undefined,
      prefixCaching: true,
    },
    4096,
  );
  if (!server.ok) throw new Error(JSON.stringify(server.problems));
  return server.value;
};

export const closed = (concurrency: number, promptTokens: number, outputTokens: number, rounds = 4): ClosedLoad => ({
  kind: "closed",
  concurrency,
  requests: rounds * concurrency,
  shortest: 1,
  promptTokens,
  outputTokens,
});

export const open = (ratePerSecond: number, requests: number, promptTokens = 500, outputTokens = 40): PoolLoad => ({
  kind: "pool",
  systemPrompts: requests,
  promptsPerSystemPrompt: 1,
  systemTokens: 0,
  promptTokens,
  outputTokens,
  stages: [{ ratePerSecond, durationSeconds: requests / ratePerSecond, requests }],
});

/** What vllm bench serve would have saved of such a server. Not measured: simulated with other coefficients. */
export const vllmResult = (load: ClosedLoad | PoolLoad, server: Server, truth: Truth, seed = 5) => {
  const corrections = CORRECTIONS.map(
    ({ name }, i) => (fitted.corrections[i] as number) + (truth.changed?.[name] ?? 0),
  );
  const timing = physical.create({ corrections, pace: truth.pace ?? 1 }, server.context);
  const { overall, completed, failed } = replay({ id: "truth", load } as MeasuredRun, server, timing, seed);
  const short = (value: number | undefined) => (value === undefined ? undefined : Number(value.toPrecision(5)));
  return {
    date: "20260801-120000",
    backend: "vllm",
    label: "simulated",
    model_id: "meta-llama/Llama-3.1-8B-Instruct",
    num_prompts: completed,
    request_rate: load.kind === "pool" ? load.stages[0]?.ratePerSecond : "inf",
    burstiness: 1,
    max_concurrency: load.kind === "closed" ? load.concurrency : null,
    completed,
    failed,
    total_input_tokens: completed * load.promptTokens,
    total_output_tokens: completed * load.outputTokens,
    request_throughput:
      load.kind === "pool"
        ? load.stages[0]?.ratePerSecond
        : short((overall.output_tokens_per_s as number) / load.outputTokens),
    output_throughput: short(overall.output_tokens_per_s) ?? null,
    mean_ttft_ms: short(overall.ttft_mean),
    p99_ttft_ms: short(overall.ttft_p99),
    mean_tpot_ms: short(overall.tpot_mean),
    mean_e2el_ms: short(overall.e2e_mean),
    ...(overall.itl_median === undefined ? {} : { median_itl_ms: short(overall.itl_median) }),
  };
};
