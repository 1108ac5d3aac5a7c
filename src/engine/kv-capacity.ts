import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, Parallelism } from "../model/model-shape.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import { blisCapacity, blisFootprint } from "./blis-capacity.ts";
import { blocksForLength, type KvLayerGroup, type KvLayout, kvLayout } from "./kv-layout.ts";
import { type LoraSlots, memoryProfile } from "./memory-profile.ts";
import { weightBytesPerGpu } from "./model-memory.ts";
import { atLeast } from "./vllm-version.ts";

export interface CapacityInput {
  readonly mode: "vllm" | "blis";
  readonly shape: ModelShape;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  readonly gpuMemoryUtilization: number;
  readonly blockSize: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  /** vLLM's version as an image tag has it; left out: the newest known. */
  readonly version?: string;
  /** Longest request that must fit; left out: not checked. */
  readonly maxModelLen?: number;
  /** Memory of one GPU by its node's label nvidia.com/gpu.memory; else the catalogue's. */
  readonly visibleMiB?: number;
  /** Bytes of one element of the KV cache; left out: the checkpoint's own. */
  readonly kvElementBytes?: number;
  /** Per GPU, for all but weights and KV; left out: as vLLM's profile run finds it. */
  readonly overheadGiB?: number;
  /** No CUDA graphs. */
  readonly eager?: boolean;
  /** false: --disable-hybrid-kv-cache-manager. */
  readonly hybrid?: boolean;
  readonly lora?: LoraSlots;
  /** What a draft model takes of each GPU. */
  readonly draft?: { readonly weightBytes: number; readonly kvBytesPerToken: number };
}

export interface KvCapacity {
  /** As vLLM reports it (`num_gpu_blocks`): of one data-parallel rank in `vllm` mode, of all in `blis` mode. */
  readonly blocks: number;
  readonly bytesPerBlock: number;
  /** Of one GPU in `vllm` mode, of the whole replica in `blis` mode. */
  readonly weightBytes: number;
  /** Of one GPU, beside weights and KV. */
  readonly overheadBytes: number;
  /** Tokens of a block: more than asked where a linear layer's state needs the room. */
  readonly blockSize: number;
  readonly kvGroups: readonly KvLayerGroup[];
}

const GIB = 2 ** 30;
/**
 * What the driver keeps of an NVIDIA GPU, so that CUDA reports less than nvidia-smi: 79.18 of 79.65 GiB on H100
 * (llm-d-planner, docs/empirical-vllm-memory-results.md@e50305a); 23.64 of 23.99, 139.80 of 140.40 and 178.35 of 179.06
 * on RTX 4090, H200 and B200 (PyTorch's messages in public issues). A line through these.
 */
const driverGiB = (gib: number): number => 0.28 + 0.0024 * gib;
/** Chunked layers share their pool by chunk since some release between 0.15 (which reports one group) and May 2026. */
const CHUNKED_GROUPS_SINCE = 16;

/**
 * KV blocks that fit beside the weights. `vllm`: of each GPU as vLLM's profile run finds it (vllm/v1/worker/gpu_worker.py,
 * determine_available_memory). `blis`: the reference simulator's formula.
 */
export const kvCapacity = (input: CapacityInput): Result<KvCapacity> => {
  const split = splitProblem(input);
  if (split !== undefined) return bad(split);
  const capacity = input.mode === "blis" ? asBlis(input) : asVllm(input);
  if (!(capacity.blocks > 0)) return bad(doesNotFit(input));
  const length = input.maxModelLen;
  const budget = input.maxNumBatchedTokens;
  const tooLong = length === undefined ? undefined : modelLenProblem({ ...capacity, budget }, length);
  return tooLong === undefined ? good(capacity, notes(input)) : bad(tooLong);
};

/** A KV cache, as far as it decides how long a request it holds. */
export interface CacheSize {
  readonly blocks: number;
  readonly blockSize: number;
  readonly kvGroups: readonly { readonly window?: number }[];
  /** max_num_batched_tokens: a window's layers hold what a step adds as well. */
  readonly budget: number;
}

/**
 * vLLM refuses to start when one request of `maxModelLen` doesn't fit its KV cache (vllm/v1/core/kv_cache_utils.py,
 * _check_enough_kv_cache_memory). One block is the null block, which holds nothing.
 */
export const modelLenProblem = (cache: CacheSize, maxModelLen: number): Problem | undefined => {
  const needed = blocksForLength(cache.kvGroups, cache.blockSize, cache.budget, maxModelLen);
  if (needed <= cache.blocks - 1) return undefined;
  const most = longestThatFits(cache, maxModelLen);
  return {
    severity: "error",
    reason: "ContextTooLong",
    message:
      `one request of max_model_len (${maxModelLen}) needs ${needed} KV blocks, but there are ${cache.blocks - 1} ` +
      `of ${cache.blockSize} tokens; the estimated maximum model length is ${most}`,
    fix: `set --max-model-len to at most ${most}, or give the cache more memory`,
  };
};

/** At most `atMost`. */
export const longestThatFits = ({ blocks, blockSize, kvGroups, budget }: CacheSize, atMost: number): number => {
  let [fits, fails] = [0, atMost + 1];
  while (fails - fits > 1) {
    const middle = Math.floor((fits + fails) / 2);
    if (blocksForLength(kvGroups, blockSize, budget, middle) <= blocks - 1) fits = middle;
    else fails = middle;
  }
  return fits;
};

const asBlis = (input: CapacityInput): KvCapacity => ({
  ...blisCapacity(input),
  overheadBytes: 0,
  blockSize: input.blockSize,
  kvGroups: [{ kind: "full" }],
});

const asVllm = (input: CapacityInput): KvCapacity => {
  const { groups, blockSize, bytesPerBlock } = layoutOf(input);
  const weightBytes = weightsOf(input);
  const overheadBytes = overheadOf(input);
  const left = visibleGiB(input) * GIB * input.gpuMemoryUtilization - weightBytes - overheadBytes;
  const blocks = Math.max(0, Math.floor(left / bytesPerBlock));
  return { blocks, bytesPerBlock, weightBytes, overheadBytes, blockSize, kvGroups: groups };
};

const layoutOf = ({
  shape,
  parallelism,
  blockSize,
  kvElementBytes,
  hybrid,
  version,
  draft,
}: CapacityInput): KvLayout => {
  const chunked = shape.layerKinds?.chunked_attention !== undefined && !atLeast(version, CHUNKED_GROUPS_SINCE);
  return kvLayout({
    shape,
    parallelism,
    blockSize,
    hybrid: hybrid !== false && !chunked,
    ...(kvElementBytes === undefined ? {} : { kvElementBytes }),
    ...(draft === undefined ? {} : { draftBytesPerToken: draft.kvBytesPerToken }),
  });
};

const weightsOf = ({ shape, parallelism, draft }: CapacityInput): number =>
  weightBytesPerGpu(shape, parallelism) + Math.ceil(draft?.weightBytes ?? 0);

const overheadOf = (input: CapacityInput): number =>
  input.overheadGiB === undefined ? memoryProfile(input).total : input.overheadGiB * GIB;

/** Of one GPU, as CUDA reports it. */
const visibleGiB = ({ hardware, visibleMiB }: CapacityInput): number => {
  const gib = (visibleMiB ?? hardware.visibleMiB ?? hardware.memoryGiB * 1024) / 1024;
  return hardware.vendor === "nvidia" ? gib - driverGiB(gib) : gib;
};

const splitProblem = ({
  shape,
  parallelism: { tp, pp, dp, expertParallel },
  mode,
}: CapacityInput): Problem | undefined => {
  const kvFits = shape.kvHeads % tp === 0 || (mode === "vllm" ? tp % shape.kvHeads === 0 : tp > shape.kvHeads);
  const refused = (reason: string, message: string, fix: string): Problem => ({
    severity: "error",
    reason,
    message,
    fix,
  });
  if (shape.heads % tp !== 0 || !kvFits) {
    return refused(
      "TensorParallelSize",
      `${tp} GPUs can't share ${shape.heads} attention heads and ${shape.kvHeads} KV heads of ${shape.id} evenly`,
      "choose a --tensor-parallel-size that divides both",
    );
  }
  if (pp > shape.layers) {
    return refused(
      "PipelineParallelSize",
      `${pp} pipeline stages can't share ${shape.layers} layers of ${shape.id}`,
      `set --pipeline-parallel-size to at most ${shape.layers}`,
    );
  }
  if (mode === "blis" || shape.moe === undefined) {
    if (mode === "blis" || !expertParallel) return undefined;
    return refused(
      "ExpertParallel",
      `${shape.id} has no experts: their number must be greater than 0 when expert parallelism is enabled`,
      "leave --enable-expert-parallel out",
    );
  }
  if (!expertParallel || shape.moe.experts >= tp * dp) return undefined;
  return refused(
    "ExpertParallel",
    `${tp * dp} ranks can't share ${shape.moe.experts} experts of ${shape.id}`,
    "choose fewer tensor and data ranks",
  );
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
    const weightBytes = weightsOf(input);
    const needGiB = (weightBytes + overheadOf(input)) / GIB;
    return { weightBytes, needGiB, haveGiB: visibleGiB(input) * gpuMemoryUtilization };
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
    const { blocks } = input.mode === "blis" ? asBlis(wider) : asVllm(wider);
    if (blocks > 0) return tp;
  }
  return undefined;
};

/** What the figure counts only roughly, for those who read it. */
const notes = (input: CapacityInput): readonly Problem[] => {
  const { shape, mode } = input;
  const warn = (reason: string, message: string): Problem => ({ severity: "warning", reason, message });
  const warnings = mode === "vllm" ? layoutOf(input).roughly.map((message) => warn("KvLayout", message)) : [];
  if (shape.tieWordEmbeddings === undefined) {
    warnings.push(warn("AssumedUntied", `nothing says that ${shape.id} ties its embeddings: counted as untied`));
  }
  if (mode === "vllm" && shape.layerKinds?.linear_attention !== undefined && shape.linear === undefined) {
    warnings.push(
      warn("KvLayout", `the state of linear-attention layers of ${shape.id} is not known: counted as nothing`),
    );
  }
  return warnings;
};
