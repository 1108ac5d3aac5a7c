import type { Hardware } from "../model/hardware.ts";
import type { ModelShape, Parallelism } from "../model/model-shape.ts";

/**
 * What one GPU of a replica must at least do in a step: bytes to read, FLOPs to do, messages to exchange. Unlike
 * `figuresOf`, it reads the architecture as it is: explicit head sizes, latent attention, sliding windows, linear
 * attention, dense first layers, interleaved and shared experts, and quantisation of parts (design notes 2.4, 3.1).
 *
 * With data-parallel ranks a batch is that of all ranks together, spread evenly; experts are spread over all GPUs.
 */
export interface Work {
  /** Read by every step, whatever is in the batch: attention, dense feed-forwards, shared experts, output head. */
  readonly weightBytes: number;
  /** One routed expert in all MoE layers together; this GPU's share of it. */
  readonly expertBytes: number;
  /** Share of the touched experts that one GPU computes: all of them, a slice of each, unless they are spread. */
  readonly expertShare: number;
  readonly experts: number;
  readonly expertsPerToken: number;
  /** FLOPs per token outside of experts, at 16 bits and at the precision of the quantised weights. */
  readonly wideFlops: number;
  readonly narrowFlops: number;
  /** FLOPs per token of the experts that it picks. */
  readonly expertFlops: number;
  /** Per request: the output head, which only sampled positions go through. */
  readonly headFlops: number;
  /** FLOPs of attention per pair of a query and a key: prefill in full and in windowed layers; decode likewise. */
  readonly pairFlops: number;
  readonly windowPairFlops: number;
  readonly decodePairFlops: number;
  readonly windowDecodePairFlops: number;
  /** KV cache per token of context: layers that see all of it, and those that see a window of it. */
  readonly kvBytes: number;
  readonly windowKvBytes: number;
  /** Tokens; 0: no layer has a window. */
  readonly window: number;
  readonly layers: number;
  readonly moeLayers: number;
  /** Layers whose activations are quantised on the way: 8-bit and 4-bit arithmetic, not 4-bit storage. */
  readonly quantisingLayers: number;
  /** Messages per step between the tp GPUs, or between all GPUs for experts of data-parallel ranks; 0 on one GPU. */
  readonly messages: number;
  /** Bytes that each GPU sends per token of the batch, over all messages. */
  readonly messageBytes: number;
  /** Bytes of one message per token of the batch. */
  readonly messageTokenBytes: number;
  /** TFLOPS of 16-bit and of quantised arithmetic. */
  readonly wideTflops: number;
  readonly narrowTflops: number;
}

export const workOf = (shape: ModelShape, hardware: Hardware, parallelism: Parallelism): Work => {
  const { layers, hidden: d, vocab, moe, dtypeBytes: wide } = shape;
  const { tp } = parallelism;
  const gpus = tp * parallelism.dp;
  const attention = attentionOf(shape, tp);
  const moeLayers = moe === undefined ? 0 : countMoeLayers(layers, moe.denseLayersFirst, moe.interleaveStep);
  const denseWidth = moe?.denseIntermediate || shape.intermediate;
  const sharedWidth = (moe?.sharedIntermediate ?? 0) + (moe?.unlistedSharedIntermediate ?? 0);
  const denseParameters = ((layers - moeLayers) * 3 * d * denseWidth + moeLayers * 3 * d * sharedWidth) / tp;
  const linearParameters = layers * attention.parameters + denseParameters;
  const expertParameters = (moeLayers * 3 * d * (moe?.expertIntermediate ?? 0)) / gpus;
  const headParameters = (vocab * d) / tp;
  const linearBytes = shape.quantizedParts === "experts" ? wide : shape.weightBytes;
  const onlyExperts = shape.quantizedParts === "experts";
  const arithmetic = arithmeticOf(shape, hardware);
  const k = moe?.expertsPerToken ?? 0;
  // Each rank has its share of the batch's tokens; its experts serve the tokens of all ranks.
  const linearFlops = (2 * linearParameters) / parallelism.dp;
  const expertFlops = 2 * expertParameters * k;
  const narrow = arithmetic.quantises && !onlyExperts ? linearFlops : 0;
  const windowed = windowedLayers(shape);
  const full = layers - windowed - (shape.layerKinds?.linear_attention ?? 0);
  const { dp } = parallelism;
  return {
    weightBytes:
      linearParameters * linearBytes + headParameters * wide + (moeLayers * d * (moe?.experts ?? 0) * wide) / tp,
    expertBytes: expertParameters * shape.weightBytes,
    expertShare: parallelism.expertParallel ? 1 / gpus : 1,
    experts: moe?.experts ?? 0,
    expertsPerToken: k,
    wideFlops: linearFlops - narrow,
    narrowFlops: narrow,
    expertFlops,
    headFlops: (2 * headParameters) / dp,
    pairFlops: (full * attention.pairFlops) / dp,
    windowPairFlops: (windowed * attention.pairFlops) / dp,
    decodePairFlops: (full * attention.decodePairFlops) / dp,
    windowDecodePairFlops: (windowed * attention.decodePairFlops) / dp,
    kvBytes: (full * attention.kvBytes) / dp,
    windowKvBytes: (windowed * attention.kvBytes) / dp,
    window: windowed === 0 ? 0 : (shape.slidingWindow ?? 0),
    layers,
    moeLayers,
    quantisingLayers: arithmetic.quantises ? (onlyExperts ? moeLayers : layers) : 0,
    ...messagesOf(shape, parallelism, moeLayers),
    wideTflops: hardware.bf16Tflops,
    narrowTflops: arithmetic.tflops,
  };
};

/** As vLLM and Hugging Face have it: layer i has experts if (i + 1) mod step = 0, or after the dense first layers. */
const countMoeLayers = (layers: number, denseFirst: number, step: number): number =>
  step > 0 ? Math.floor(layers / step) : layers - Math.min(denseFirst, layers);

/** Layers that see a window of the context: as counted by the config, or all of them where it gives a window alone. */
const windowedLayers = ({ slidingWindow, layerKinds, layers }: ModelShape): number =>
  slidingWindow === undefined ? 0 : (layerKinds?.sliding_attention ?? layers);

interface Attention {
  /** Of one layer, on one GPU. */
  readonly parameters: number;
  readonly pairFlops: number;
  readonly decodePairFlops: number;
  readonly kvBytes: number;
}

/**
 * Few KV heads are replicated, so that each GPU has one. Latent attention keeps its whole width on each GPU; prefill
 * expands it to heads, decode works on the latent vectors themselves (DeepSeek-V2, "absorbed" weights; vLLM's MLA).
 */
const attentionOf = (shape: ModelShape, tp: number): Attention => {
  const { hidden: d, headDim, mla, dtypeBytes } = shape;
  const heads = shape.heads / tp;
  if (mla === undefined) {
    const kvHeads = Math.max(1, shape.kvHeads / tp);
    const pairFlops = 4 * heads * headDim;
    return {
      parameters: d * 2 * headDim * (heads + kvHeads),
      pairFlops,
      decodePairFlops: pairFlops,
      kvBytes: 2 * kvHeads * headDim * dtypeBytes,
    };
  }
  const { kvLoraRank, qkRopeHeadDim, qkNopeHeadDim, vHeadDim, qLoraRank } = mla;
  const query = heads * (qkNopeHeadDim + qkRopeHeadDim);
  const latent = kvLoraRank + qkRopeHeadDim;
  return {
    parameters:
      (qLoraRank === undefined ? d * query : qLoraRank * (d + query)) +
      d * latent +
      kvLoraRank * heads * (qkNopeHeadDim + vHeadDim) +
      heads * vHeadDim * d,
    pairFlops: 2 * heads * (qkNopeHeadDim + qkRopeHeadDim + vHeadDim),
    decodePairFlops: 2 * heads * (latent + kvLoraRank),
    kvBytes: latent * dtypeBytes,
  };
};

/**
 * In which arithmetic quantised weights are multiplied: 8-bit where the GPU has it; 4-bit floating point where the GPU
 * has it. Else weights are widened on the way and multiplied at 16 bits, as all 4-bit integers are (vLLM's Marlin kernels).
 */
const arithmeticOf = (shape: ModelShape, hardware: Hardware): { tflops: number; quantises: boolean } => {
  const wide = { tflops: hardware.bf16Tflops, quantises: false };
  if (shape.weightBytes >= shape.dtypeBytes) return wide;
  const narrow = shape.weightBytes >= 1 ? hardware.fp8Tflops : shape.weightBytes > 0.5 ? hardware.fp4Tflops : undefined;
  return narrow === undefined ? wide : { tflops: narrow, quantises: true };
};

/** Two all-reduces per layer between the tp GPUs; experts of several ranks are reached by a gather and a scatter over all. */
const messagesOf = (shape: ModelShape, { tp, dp }: Parallelism, moeLayers: number) => {
  const ring = (gpus: number): number => (gpus - 1) / gpus;
  const token = shape.hidden * shape.dtypeBytes;
  const dispatched = dp > 1 ? moeLayers : 0;
  const reduced = tp > 1 ? 2 * shape.layers - dispatched : 0;
  return {
    messages: reduced + 2 * dispatched,
    messageTokenBytes: token / dp,
    messageBytes: (reduced * 2 * ring(tp) * token) / dp + 2 * dispatched * ring(tp * dp) * token,
  };
};
