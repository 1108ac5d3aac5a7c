import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, Parallelism } from "../model/model-shape.ts";

export interface BlisCapacityInput {
  readonly shape: ModelShape;
  readonly hardware: Hardware;
  readonly parallelism: Parallelism;
  readonly gpuMemoryUtilization: number;
  readonly blockSize: number;
}

const GIB = 2 ** 30;

/**
 * The reference simulator's formula (@f90a1e3a sim/latency/kv_capacity.go), its slip included: it counts the memory of
 * all GPUs, but one GPU's bytes per block.
 */
export const blisCapacity = (input: BlisCapacityInput) => {
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

/** Of the whole replica. */
export const blisFootprint = ({ shape, parallelism: { tp } }: Pick<BlisCapacityInput, "shape" | "parallelism">) => {
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
