import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, Parallelism } from "../model/model-shape.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import { countParameters, growingLayers } from "./model-memory.ts";

export interface CapacityInput {
  readonly mode: "vllm" | "blis";
  readonly shape: ModelShape;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  readonly gpuMemoryUtilization: number;
  readonly blockSize: number;
  /** Longest request that must fit; left out: not checked. */
  readonly maxModelLen?: number;
  /** Memory of one GPU by its node's label nvidia.com/gpu.memory; else the catalogue's. */
  readonly visibleMiB?: number;
  /** Bytes of one element of the KV cache; left out: the model's own. */
  readonly kvElementBytes?: number;
  /** Per GPU, for activations, CUDA graphs and the rest; left out: 1.7. */
  readonly overheadGiB?: number;
}

export interface KvCapacity {
  /** As vLLM reports it (`num_gpu_blocks`), over all data-parallel ranks of the replica. */
  readonly blocks: number;
  readonly bytesPerBlock: number;
  /** Of one GPU in `vllm` mode, of the whole replica in `blis` mode. */
  readonly weightBytes: number;
}

const GIB = 2 ** 30;
/** Explains recorded block counts of real servers within 3 % (design notes 3.1: 0.8 to 1.9 GiB by vocabulary). */
const OVERHEAD_GIB = 1.7;

/**
 * KV blocks that fit beside the weights.
 * `vllm`: what one GPU has, less its share of the weights and an overhead. `blis`: the reference simulator's formula
 * (@f90a1e3a sim/latency/kv_capacity.go), its slip included: it counts the memory of all GPUs, but one GPU's bytes.
 */
export const kvCapacity = (input: CapacityInput): Result<KvCapacity> => {
  const split = splitProblem(input);
  if (split !== undefined) return bad(split);
  const capacity = input.mode === "blis" ? blisCapacity(input) : vllmCapacity(input);
  if (!(capacity.blocks > 0)) return bad(doesNotFit(input));
  const length = input.maxModelLen;
  const tooLong = length === undefined ? undefined : modelLenProblem(capacity.blocks, input.blockSize, length);
  return tooLong === undefined ? good(capacity, notes(input)) : bad(tooLong);
};

/**
 * vLLM refuses to start when one request of `maxModelLen` doesn't fit its KV cache (vllm/v1/core/kv_cache_utils.py).
 * One block is the null block, which holds nothing.
 */
export const modelLenProblem = (blocks: number, blockSize: number, maxModelLen: number): Problem | undefined => {
  const most = (blocks - 1) * blockSize;
  if (maxModelLen <= most) return undefined;
  return {
    severity: "error",
    reason: "ContextTooLong",
    message: `the KV cache holds ${most} tokens (${blocks} blocks of ${blockSize}), less than one request of ${maxModelLen}`,
    fix: `set --max-model-len to at most ${most}, or give the cache more memory`,
  };
};

const vllmCapacity = (input: CapacityInput): KvCapacity => {
  const { hardware, gpuMemoryUtilization, parallelism } = input;
  const visibleMiB = input.visibleMiB ?? hardware.visibleMiB ?? hardware.memoryGiB * 1024;
  const usable = visibleMiB * 2 ** 20 * gpuMemoryUtilization;
  const weightBytes = weightBytesPerGpu(input);
  const bytesPerBlock = kvBytesPerToken(input) * input.blockSize;
  const left = usable - weightBytes - (input.overheadGiB ?? OVERHEAD_GIB) * GIB;
  return { blocks: Math.max(0, Math.floor(left / bytesPerBlock)) * parallelism.dp, bytesPerBlock, weightBytes };
};

/** Quantised parts at their width, the rest at the model's. Experts are spread over data-parallel ranks as well. */
const weightBytesPerGpu = ({ shape, parallelism: { tp, pp, dp } }: CapacityInput): number => {
  const { experts, otherLinear, small, ends } = countParameters(shape, Math.max(shape.kvHeads, tp));
  const linearBytes = shape.quantizedParts === "experts" ? shape.dtypeBytes : shape.weightBytes;
  const layers = (experts * shape.weightBytes) / dp + otherLinear * linearBytes + small * shape.dtypeBytes;
  return Math.ceil(layers / (tp * pp) + (ends * shape.dtypeBytes) / tp);
};

/** Of one GPU. Latent attention keeps its whole width on each; few KV heads are replicated, so that each has one. */
const kvBytesPerToken = (input: CapacityInput): number => {
  const { shape, parallelism } = input;
  const element = input.kvElementBytes ?? shape.dtypeBytes;
  const layers = Math.ceil(growingLayers(shape) / parallelism.pp);
  if (shape.mla !== undefined) return layers * (shape.mla.kvLoraRank + shape.mla.qkRopeHeadDim) * element;
  return layers * 2 * shape.headDim * Math.max(1, shape.kvHeads / parallelism.tp) * element;
};

const blisCapacity = (input: CapacityInput): KvCapacity => {
  const { shape, hardware, gpuMemoryUtilization, parallelism, blockSize } = input;
  const { tp, dp } = parallelism;
  const { weightBytes, activationGiB, otherGiB } = blisFootprint(input);
  const perToken =
    shape.mla === undefined
      ? (shape.layers * 2 * shape.headDim * shape.kvHeads * shape.dtypeBytes) / tp
      : shape.layers * (shape.mla.kvLoraRank + shape.mla.qkRopeHeadDim) * shape.dtypeBytes;
  const bytesPerBlock = Math.trunc(perToken * blockSize);
  const available = hardware.memoryGiB * gpuMemoryUtilization * tp;
  const overhead = weightBytes / GIB + activationGiB + otherGiB;
  const blocks = Math.floor(Math.trunc((available - overhead) * GIB) / bytesPerBlock);
  return { blocks: shape.moe !== undefined && dp > 1 ? blocks * dp : blocks, bytesPerBlock, weightBytes };
};

const blisFootprint = ({ shape, parallelism: { tp } }: CapacityInput) => {
  const { layers, hidden: d, headDim, kvHeads, intermediate, vocab, moe } = shape;
  const denseLayers = moe === undefined ? layers : Math.min(moe.denseLayersFirst, layers);
  const dense = moe?.denseIntermediate || intermediate;
  const expert = moe?.expertIntermediate ?? 0;
  const experts = moe?.experts ?? 0;
  const parameters =
    vocab * d +
    layers * (d * (d + 2 * kvHeads * headDim) + d * d + 2 * d) +
    denseLayers * 3 * d * dense +
    (layers - denseLayers) * (3 * d * expert * experts + 3 * d * (moe?.sharedIntermediate ?? 0) + experts * d) +
    (shape.tieWordEmbeddings === true ? 0 : vocab * d) +
    d;
  return {
    weightBytes: Math.trunc(parameters * shape.weightBytes),
    activationGiB: moe === undefined ? 5.5 : 8,
    otherGiB: tp === 1 ? 0.15 : 0.6 * tp,
  };
};

const splitProblem = ({ shape, parallelism: { tp }, mode }: CapacityInput): Problem | undefined => {
  const kvFits = shape.kvHeads % tp === 0 || (mode === "vllm" ? tp % shape.kvHeads === 0 : tp > shape.kvHeads);
  if (shape.heads % tp === 0 && kvFits) return undefined;
  return {
    severity: "error",
    reason: "TensorParallelSize",
    message: `${tp} GPUs can't share ${shape.heads} attention heads and ${shape.kvHeads} KV heads of ${shape.id} evenly`,
    fix: "choose a --tensor-parallel-size that divides both",
  };
};

const doesNotFit = (input: CapacityInput): Problem => {
  const { shape, hardware, parallelism, gpuMemoryUtilization } = input;
  const gpus = parallelism.tp * parallelism.pp;
  const { weightBytes, needGiB, haveGiB } = demand(input);
  const tp = smallestTp(input);
  return {
    severity: "error",
    reason: "ModelDoesNotFit",
    message:
      `${shape.id} needs ${needGiB.toFixed(1)} GiB per GPU on ${gpus} x ${hardware.id} before any KV cache ` +
      `(${(weightBytes / GIB).toFixed(1)} GiB of weights), but ${haveGiB.toFixed(1)} GiB are there ` +
      `at a memory utilisation of ${gpuMemoryUtilization}`,
    fix:
      tp === undefined
        ? "choose a GPU with more memory or a quantised model"
        : `set --tensor-parallel-size to at least ${tp}, or choose a GPU with more memory`,
  };
};

/** Per GPU, in both modes. */
const demand = (input: CapacityInput): { weightBytes: number; needGiB: number; haveGiB: number } => {
  const { hardware, gpuMemoryUtilization, parallelism } = input;
  if (input.mode === "vllm") {
    const visibleMiB = input.visibleMiB ?? hardware.visibleMiB ?? hardware.memoryGiB * 1024;
    const weightBytes = weightBytesPerGpu(input);
    const needGiB = weightBytes / GIB + (input.overheadGiB ?? OVERHEAD_GIB);
    return { weightBytes, needGiB, haveGiB: (visibleMiB / 1024) * gpuMemoryUtilization };
  }
  const { weightBytes, activationGiB, otherGiB } = blisFootprint(input);
  const needGiB = (weightBytes / GIB + activationGiB + otherGiB) / parallelism.tp;
  return { weightBytes: weightBytes / parallelism.tp, needGiB, haveGiB: hardware.memoryGiB * gpuMemoryUtilization };
};

/** The smallest split over more GPUs that leaves room for KV, up to 64. */
const smallestTp = (input: CapacityInput): number | undefined => {
  for (let tp = input.parallelism.tp + 1; tp <= 64; tp += 1) {
    const wider: CapacityInput = { ...input, parallelism: { ...input.parallelism, tp } };
    if (splitProblem(wider) !== undefined) continue;
    const { blocks } = input.mode === "blis" ? blisCapacity(wider) : vllmCapacity(wider);
    if (blocks > 0) return tp;
  }
  return undefined;
};

/** What the figure leaves out, for those who read it. */
const notes = ({ shape, mode, parallelism }: CapacityInput): readonly Problem[] => {
  const warn = (reason: string, message: string): Problem => ({ severity: "warning", reason, message });
  const warnings: Problem[] = [];
  if (mode === "vllm" && shape.layerKinds?.sliding_attention !== undefined) {
    warnings.push(
      warn("SlidingWindow", `KV of sliding-window layers of ${shape.id} is counted as that of full attention`),
    );
  }
  if (shape.tieWordEmbeddings === undefined) {
    warnings.push(warn("AssumedUntied", `nothing says that ${shape.id} ties its embeddings: counted as untied`));
  }
  if (parallelism.dp > 1) {
    warnings.push(warn("PooledRanks", `the KV caches of ${parallelism.dp} data-parallel ranks are treated as one`));
  }
  return warnings;
};
