import type { ModelShape, Parallelism } from "../model/model-shape.ts";
import { moeLayerCount } from "./model-memory.ts";
import { atLeast } from "./vllm-version.ts";

/** What vLLM's profile run and start-up take of a GPU beside weights and KV. */
export interface ProfileInput {
  readonly shape: ModelShape;
  readonly parallelism: Parallelism;
  /** vLLM's version; left out: the newest known. */
  readonly version?: string;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  /** No CUDA graphs are captured. */
  readonly eager?: boolean;
  readonly lora?: LoraSlots;
}

export interface LoraSlots {
  readonly maxLoras: number;
  readonly maxLoraRank: number;
  /** Both halves of each adapter are split over tensor ranks (--fully-sharded-loras). */
  readonly fullySharded: boolean;
}

/** All in bytes per GPU. */
export interface MemoryProfile {
  /** Peak of one step of max_num_batched_tokens and of sampling for max_num_seqs. */
  readonly activations: number;
  /** Cosines and sines of every position of the model. */
  readonly positions: number;
  readonly cudaGraphs: number;
  /** Communication buffers and kernels. */
  readonly other: number;
  readonly lora: number;
  readonly vision: number;
  readonly total: number;
}

const GIB = 2 ** 30;

/**
 * Bytes per element of the [sequences, vocabulary] logits at the peak of sampling. Sorting by PyTorch: 38, from seven of
 * the eight measurements of llm-d-planner (docs/empirical-vllm-memory-results.md@e50305a, H100, 1024 sequences: 37.5 to
 * 38.2; PyTorch's own figure in vLLM #33538: 37.3). Top-k and top-p by Triton: 16, from the eighth.
 */
const LOGIT_BYTES = { sorted: 38, triton: 16 };
/** Of the same measurements: on one GPU, and on several, which have NCCL's buffers as well. */
const OTHER_GIB = { alone: 0.13, together: 0.55 };
/** Of the same measurements: 0.39 and 1.03 GiB for gpt-oss, within noise for the rest. vLLM subtracts it since 0.21. */
const CUDA_GRAPHS_GIB = 0.4;

export const memoryProfile = (input: ProfileInput): MemoryProfile => {
  const { shape, parallelism, version } = input;
  const ranks = parallelism.tp * parallelism.pp * (shape.moe === undefined ? 1 : parallelism.dp);
  const parts = {
    activations: activationPeak(input),
    positions: positionCache(shape),
    cudaGraphs: input.eager === true || !atLeast(version, 21) ? 0 : CUDA_GRAPHS_GIB * GIB,
    other: (ranks > 1 ? OTHER_GIB.together : OTHER_GIB.alone) * GIB,
    lora: input.lora === undefined ? 0 : loraBytesPerGpu(shape, parallelism, input.lora),
    vision: (shape.vision?.profileGiB ?? 0) * GIB,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
};

/**
 * The dummy run holds the residual and the hidden states of every token; on top of them come one layer's feed-forward,
 * later the sampler with temperature, top-k and top-p (vllm/v1/worker/gpu_model_runner.py, profile_run).
 */
const activationPeak = ({
  shape,
  parallelism,
  version,
  maxNumSeqs,
  maxNumBatchedTokens: tokens,
}: ProfileInput): number => {
  const { hidden: d, dtypeBytes, moe } = shape;
  const held = 2 * tokens * d * dtypeBytes;
  const sequences = Math.min(maxNumSeqs, tokens);
  const sampler = sequences * shape.vocab * (atLeast(version, 20) ? LOGIT_BYTES.triton : LOGIT_BYTES.sorted);
  const dense = (3 * (moe?.denseIntermediate || shape.intermediate)) / parallelism.tp;
  const expert = (moe?.expertIntermediate ?? 0) / (parallelism.expertParallel ? 1 : parallelism.tp);
  const routed = (moe?.expertsPerToken ?? 0) * (Math.max(2 * expert, d) + Math.max(expert, d));
  const layer = tokens * Math.max(dense, routed) * dtypeBytes;
  return held + Math.max(sampler, layer);
};

/** vLLM keeps it for the longest context of the config, whatever max_model_len (layers/rotary_embedding). Whole on each GPU. */
const positionCache = ({ ropeScaling, maxPositionEmbeddings, mla, headDim, dtypeBytes }: ModelShape): number => {
  const yarn = ropeScaling?.type === "yarn" && ropeScaling.originalMax !== undefined;
  const positions = yarn ? ropeScaling.factor * (ropeScaling.originalMax as number) : maxPositionEmbeddings;
  return positions * (mla?.qkRopeHeadDim ?? headDim) * dtypeBytes;
};

/**
 * Adapter slots: two low-rank matrices beside each linear layer. Of column-parallel layers the second is split over tensor
 * ranks, of row-parallel ones the first (vllm/lora/layers).
 */
export const loraBytesPerGpu = (
  shape: ModelShape,
  { tp, pp, dp }: Parallelism,
  { maxLoras, maxLoraRank, fullySharded }: LoraSlots,
): number => {
  const whole = fullySharded ? tp : 1;
  const layers = linearWidths(shape).reduce((sum, { column, row, copies, spread }) => {
    const [first, second] = column ? [row / whole, column / tp] : [0, 0];
    const [before, after] = column ? [0, 0] : [row / tp, shape.hidden / whole];
    return sum + ((first + second + before + after) * copies) / (spread ? dp : 1);
  }, 0);
  return (layers * maxLoraRank * maxLoras * shape.dtypeBytes) / pp;
};

/** Of one adapter, on disk. */
export const loraAdapterBytes = (shape: ModelShape, rank: number): number =>
  loraBytesPerGpu(
    shape,
    { tp: 1, pp: 1, dp: 1, expertParallel: false },
    { maxLoras: 1, maxLoraRank: rank, fullySharded: false },
  );

/** Linear layers by their outer width: `column` splits its output, else the input is split and the output is hidden. */
interface LinearWidth {
  readonly row: number;
  readonly column: number;
  readonly copies: number;
  /** Split over data ranks. */
  readonly spread: boolean;
}

const linearWidths = (shape: ModelShape): readonly LinearWidth[] => {
  const { layers, hidden: d, heads, kvHeads, headDim, moe } = shape;
  const dense = moe === undefined ? shape.intermediate : moe.denseIntermediate || shape.intermediate;
  const moeLayers = moeLayerCount(shape);
  const gated = (width: number, copies: number, spread: boolean): LinearWidth[] =>
    width === 0 || copies === 0
      ? []
      : [
          { row: d, column: width, copies: 2 * copies, spread },
          { row: width, column: 0, copies, spread },
        ];
  return [
    { row: d, column: heads * headDim, copies: layers, spread: false },
    { row: d, column: kvHeads * headDim, copies: 2 * layers, spread: false },
    { row: heads * headDim, column: 0, copies: layers, spread: false },
    ...gated(dense, layers - moeLayers, false),
    ...gated(moe?.expertIntermediate ?? 0, moeLayers * (moe?.experts ?? 0), true),
  ];
};
