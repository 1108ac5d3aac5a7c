import type { Hardware } from "../model/hardware.ts";
import { type Known, known } from "../model/known.ts";
import type { EngineDefaults } from "./defaults.ts";

/** Who serves: vLLM, whose engine is simulated, or another whose settings are put into its words. */
export type ServerKind = "vllm" | "sglang" | "tensorrt-llm";

export interface ServerDefaultsInput {
  readonly hardware: Hardware;
  /** GPUs of one engine: tensor- times pipeline-parallel. */
  readonly gpus: number;
}

/** Settings that nobody gave, as another server than vLLM fills them. Each says whose default it is. */
export const serverDefaults = (
  server: Exclude<ServerKind, "vllm">,
  input: ServerDefaultsInput,
): Omit<EngineDefaults, "longPrefillTokenThreshold"> => (server === "sglang" ? sglang(input) : TENSORRT_LLM);

/**
 * Sizes go by the memory of one GPU; the static share leaves room for activations and CUDA graphs.
 * Source: SGLang 0.5.9, python/sglang/srt/server_args.py (_handle_gpu_memory_settings) and model_executor/model_runner.py
 * (max_running_requests from 2048 to 4096 by the size of the KV pool; the lower is taken).
 */
const sglang = ({ hardware, gpus }: ServerDefaultsInput): ReturnType<typeof serverDefaults> => {
  const mib = hardware.visibleMiB ?? hardware.memoryGiB * 1024;
  const { chunk, graphs } = SGLANG_TIERS.find(({ below }) => mib < below * 1024) as (typeof SGLANG_TIERS)[number];
  const reserved = 512 + chunk * 1.5 + graphs(gpus) * 2 + (gpus / 8) * 1024;
  const share = Math.round(((mib - (mib > 60 * 1024 ? Math.max(reserved, 10_240) : reserved)) / mib) * 1000) / 1000;
  const said = <T>(value: T, why = ""): Known<T> => known(value, { kind: "default", why: `SGLang default${why}` });
  const tier = ` on GPUs with ${Math.round(mib / 1024)} GiB`;
  return {
    maxNumSeqs: said(2048, ": 2048 to 4096 by the size of the KV pool"),
    maxNumBatchedTokens: said(chunk, tier),
    gpuMemoryUtilization: said(share, `${tier}: what activations and CUDA graphs leave`),
    blockSize: said(16, " is a page of 1 token, simulated in blocks of 16"),
    prefixCaching: said(true),
    chunkedPrefill: said(true),
    asyncScheduling: said(true, ": its scheduler overlaps the GPU"),
  };
};

const SGLANG_TIERS = [
  { below: 20, chunk: 2048, graphs: () => 8 },
  { below: 35, chunk: 2048, graphs: (gpus: number) => (gpus < 4 ? 24 : 80) },
  { below: 60, chunk: 4096, graphs: (gpus: number) => (gpus < 4 ? 32 : 160) },
  { below: 160, chunk: 8192, graphs: (gpus: number) => (gpus < 4 ? 256 : 512) },
  { below: Number.POSITIVE_INFINITY, chunk: 16384, graphs: () => 512 },
];

const byTrtllm = <T>(value: T, why = ""): Known<T> =>
  known(value, { kind: "default", why: `TensorRT-LLM default${why}` });

/** Source: TensorRT-LLM 1.2, tensorrt_llm/commands/serve.py, llmapi/llm_args.py and builder.py (BuildConfig). */
const TENSORRT_LLM: ReturnType<typeof serverDefaults> = {
  maxNumSeqs: byTrtllm(2048, ": max_batch_size"),
  maxNumBatchedTokens: byTrtllm(8192, ": max_num_tokens"),
  gpuMemoryUtilization: byTrtllm(0.9, ": of what weights and buffers leave free"),
  blockSize: byTrtllm(32, ": tokens_per_block"),
  prefixCaching: byTrtllm(true, ": enable_block_reuse"),
  chunkedPrefill: byTrtllm(true, " is false, simulated as true"),
  asyncScheduling: byTrtllm(true, ": its scheduler overlaps the GPU"),
};
