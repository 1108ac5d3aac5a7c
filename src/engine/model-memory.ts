import type { ModelShape } from "../model/model-shape.ts";

/** Parameters by what becomes of them: which quantisation leaves alone, and which are divided by pipeline stages. */
export interface ParameterCounts {
  /** Routed and shared experts of all MoE layers. */
  readonly experts: number;
  /** Attention and dense feed-forward of all layers. */
  readonly otherLinear: number;
  /** Norms and routers of all layers: never quantised. */
  readonly small: number;
  /** Embedding, output head and last norm: never quantised, not divided by pipeline stages. */
  readonly ends: number;
}

/** @returns total of all parts; agrees with published sizes (DeepSeek-V3: 671.0 B, gpt-oss-120b: 116.8 B) */
export const parameterCount = (shape: ModelShape): number => {
  const { experts, otherLinear, small, ends } = countParameters(shape);
  return experts + otherLinear + small + ends;
};

/**
 * Counts parameters with gated (3-matrix) feed-forwards; biases and vision towers are left out. Interleaved MoE as in
 * vLLM: layer i has experts if (i + 1) mod step = 0. An embedding that nobody says to be tied counts twice.
 */
export const countParameters = (shape: ModelShape, kvHeads = shape.kvHeads): ParameterCounts => {
  const { layers, hidden: d, vocab, moe } = shape;
  const moeLayers = moe === undefined ? 0 : countMoeLayers(layers, moe.denseLayersFirst, moe.interleaveStep);
  const shared = (moe?.sharedIntermediate ?? 0) + (moe?.unlistedSharedIntermediate ?? 0);
  const dense = moe?.denseIntermediate || shape.intermediate;
  return {
    experts: moe === undefined ? 0 : moeLayers * 3 * d * (moe.experts * moe.expertIntermediate + shared),
    otherLinear: layers * attentionParameters(shape, kvHeads) + (layers - moeLayers) * 3 * d * dense,
    small: layers * 2 * d + moeLayers * (moe?.experts ?? 0) * d,
    ends: vocab * d * (shape.tieWordEmbeddings === true ? 1 : 2) + d,
  };
};

const countMoeLayers = (layers: number, denseFirst: number, step: number): number =>
  step > 0 ? Math.floor(layers / step) : layers - Math.min(denseFirst, layers);

const attentionParameters = (shape: ModelShape, kvHeads: number): number => {
  const { hidden: d, heads, headDim, mla } = shape;
  if (mla === undefined) return d * (2 * heads * headDim + 2 * kvHeads * headDim);
  const query = heads * (mla.qkNopeHeadDim + mla.qkRopeHeadDim);
  return (
    (mla.qLoraRank === undefined ? d * query : mla.qLoraRank * (d + query)) +
    d * (mla.kvLoraRank + mla.qkRopeHeadDim) +
    mla.kvLoraRank * heads * (mla.qkNopeHeadDim + mla.vHeadDim) +
    heads * mla.vHeadDim * d
  );
};

/** Layers whose KV grows with the context. Linear attention holds a constant state instead. */
export const growingLayers = (shape: ModelShape): number => shape.layers - (shape.layerKinds?.linear_attention ?? 0);
