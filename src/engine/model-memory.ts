import type { ModelShape, Parallelism } from "../model/model-shape.ts";

/** Parameters by what becomes of them: which quantisation leaves alone, and how each is split over GPUs. */
export interface ParameterCounts {
  /** Routed experts of all MoE layers: split over tensor and data ranks. */
  readonly experts: number;
  /** Shared experts of all MoE layers: split over tensor ranks. */
  readonly shared: number;
  /** Attention and dense feed-forward of all layers: split over tensor ranks. */
  readonly otherLinear: number;
  /** Down projections of latent attention: whole on every tensor rank. */
  readonly replicated: number;
  /** Norms and routers of all layers: never quantised, whole on every tensor rank. */
  readonly small: number;
  /** Embedding, output head and last norm: never quantised, not divided by pipeline stages. */
  readonly ends: number;
}

/** @returns total of all parts but a vision tower; agrees with published sizes (DeepSeek-V3: 671.0 B, gpt-oss-120b: 116.8 B) */
export const parameterCount = (shape: ModelShape): number =>
  Object.values(countParameters(shape)).reduce((sum: number, part: number) => sum + part, 0);

/**
 * Counts parameters with gated (3-matrix) feed-forwards; biases are left out. Interleaved MoE as in vLLM: layer i has
 * experts if (i + 1) mod step = 0. An embedding that nobody says to be tied counts twice.
 */
export const countParameters = (shape: ModelShape, kvHeads = shape.kvHeads): ParameterCounts => {
  const { layers, hidden: d, vocab, moe, mla } = shape;
  const moeLayers = moeLayerCount(shape);
  const shared = (moe?.sharedIntermediate ?? 0) + (moe?.unlistedSharedIntermediate ?? 0);
  const dense = moe?.denseIntermediate || shape.intermediate;
  const replicated = mla === undefined ? 0 : d * ((mla.qLoraRank ?? 0) + mla.kvLoraRank + mla.qkRopeHeadDim);
  return {
    experts: moe === undefined ? 0 : moeLayers * 3 * d * moe.experts * moe.expertIntermediate,
    shared: moeLayers * 3 * d * shared,
    otherLinear: layers * attentionParameters(shape, kvHeads) + (layers - moeLayers) * 3 * d * dense,
    replicated: layers * replicated,
    small: layers * 2 * d + moeLayers * (moe?.experts ?? 0) * d,
    ends: vocab * d * (shape.tieWordEmbeddings === true ? 1 : 2) + d,
  };
};

export const moeLayerCount = ({ layers, moe }: ModelShape): number => {
  if (moe === undefined) return 0;
  const { interleaveStep: step, denseLayersFirst } = moe;
  return step > 0 ? Math.floor(layers / step) : layers - Math.min(denseLayersFirst, layers);
};

const attentionParameters = (shape: ModelShape, kvHeads: number): number => {
  const { hidden: d, heads, headDim, mla } = shape;
  if (mla === undefined) return d * (2 * heads * headDim + 2 * kvHeads * headDim);
  const query = heads * (mla.qkNopeHeadDim + mla.qkRopeHeadDim);
  const out = mla.kvLoraRank * heads * (mla.qkNopeHeadDim + mla.vHeadDim) + heads * mla.vHeadDim * d;
  return (mla.qLoraRank === undefined ? d : mla.qLoraRank) * query + out;
};

/** Layers whose KV grows with the context. Linear attention holds a constant state instead. */
export const growingLayers = (shape: ModelShape): number => shape.layers - (shape.layerKinds?.linear_attention ?? 0);

/**
 * Bytes of weights on the fullest GPU. Quantised parts at their width and scales, the rest at the model's. Experts are
 * split over tensor and data ranks alike, with expert parallelism or without (vLLM: layers/fused_moe/layer.py); vLLM
 * keeps the up projections of latent attention a second time, unquantised (layers/attention/mla_attention.py).
 */
export const weightBytesPerGpu = (shape: ModelShape, { tp, pp, dp }: Parallelism): number => {
  const { experts, shared, otherLinear, replicated, small, ends } = countParameters(shape, Math.max(shape.kvHeads, tp));
  const quantized = shape.weightBytes + (shape.scaleBytes ?? 0);
  const linear = shape.quantizedParts === "experts" ? shape.dtypeBytes : quantized;
  const padded = padding(shape) * experts;
  const layers =
    (quantized * padded) / (tp * dp) +
    (quantized * shared + linear * otherLinear + shape.dtypeBytes * absorbed(shape)) / tp +
    linear * replicated +
    shape.dtypeBytes * small;
  const stage = Math.ceil(shape.layers / pp) / shape.layers;
  const end = pp > 1 ? shape.vocab * shape.hidden : ends;
  return Math.ceil(layers * stage + (end * shape.dtypeBytes) / tp + ((shape.vision?.parameters ?? 0) * 2) / tp);
};

const padding = ({ hidden, moe }: ModelShape): number => {
  const multiple = moe?.padHiddenTo;
  return multiple === undefined ? 1 : (Math.ceil(hidden / multiple) * multiple) / hidden;
};

const absorbed = ({ layers, heads, mla }: ModelShape): number =>
  mla === undefined ? 0 : layers * heads * mla.kvLoraRank * (mla.qkNopeHeadDim + mla.vHeadDim);

/** Of one layer, on average: what a draft head adds, which shares embedding and output. */
export const layerBytesPerGpu = (shape: ModelShape, parallelism: Parallelism): number => {
  const ends = { ...parallelism, pp: 1 };
  const { ends: parameters } = countParameters(shape);
  const others = (parameters * shape.dtypeBytes + (shape.vision?.parameters ?? 0) * 2) / parallelism.tp;
  return (weightBytesPerGpu(shape, ends) - others) / shape.layers;
};
