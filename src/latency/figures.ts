import type { Hardware } from "../model/hardware.ts";
import type { ModelShape } from "../model/model-shape.ts";

/**
 * A model's figures as the reference simulator reads them for step time (BLIS @f90a1e3a, sim/latency): an explicit
 * head_dim, MLA and sliding windows play no part, and interleaved MoE is split by floor(L / (step + 1)), because its
 * coefficients were fitted that way (design notes 2.1, 2.4). Letters as in the design notes.
 */
export interface Figures {
  readonly L: number;
  readonly d: number;
  readonly H: number;
  readonly KV: number;
  /** Bytes of an activation, and of a quantised weight. */
  readonly act: number;
  readonly W: number;
  /** Layers with experts; layers with a dense feed-forward. */
  readonly nM: number;
  readonly nD: number;
  /** Widths: of one expert, of a dense feed-forward, of all shared experts together. */
  readonly fM: number;
  readonly fD: number;
  readonly sh: number;
  /** Experts; experts per token. */
  readonly E: number;
  readonly k: number;
  readonly interleaved: boolean;
}

/** @param tp vLLM replicates KV heads where there are fewer of them than GPUs */
export const figuresOf = (shape: ModelShape, tp: number): Figures => {
  const { moe } = shape;
  const interleaved = moe !== undefined && moe.interleaveStep > 0;
  const nM = moe === undefined ? 0 : interleaved ? Math.floor(shape.layers / (moe.interleaveStep + 1)) : shape.layers;
  const dense = shape.intermediate || 4 * shape.hidden;
  return {
    L: shape.layers,
    d: shape.hidden,
    H: shape.heads,
    KV: Math.max(shape.kvHeads, tp),
    act: shape.dtypeBytes,
    W: shape.weightBytes,
    nM,
    nD: shape.layers - nM,
    fM: moe?.expertIntermediateOwn ? moe.expertIntermediate : dense,
    fD: moe?.denseIntermediate || dense,
    sh: moe?.sharedIntermediate ?? 0,
    E: moe?.experts ?? 0,
    k: Math.max(1, moe?.expertsPerToken ?? 1),
    interleaved,
  };
};

/** @returns dense TFLOPS of the precision that the weights run in: fp8 for one-byte weights where the GPU has it */
export const tflopsFor = (shape: ModelShape, hardware: Hardware): number =>
  shape.weightBytes === 1 && hardware.fp8Tflops !== undefined ? hardware.fp8Tflops : hardware.bf16Tflops;
