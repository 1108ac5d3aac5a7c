import { Batch } from "../model/batch.ts";
import type { DecodeLine } from "../model/decode-line.ts";
import type { Corrections } from "./corrections.ts";
import type { LatencyContext } from "./latency-model.ts";
import { type Work, workOf } from "./work.ts";

/**
 * Share of the smaller one of memory traffic and arithmetic that isn't hidden behind the larger one in matrix products:
 * 0.3 to 0.4 in measured H100 kernels of 8 to 4096 rows (inference-sim/inference-sim@9293b22, bench_data).
 */
const UNHIDDEN = 0.35;
/** Batch sizes for which the number of experts read is tabulated; larger ones read as good as all. */
const TABULATED = 2048;
/** More decodes than any batch that vLLM has a graph for. */
const MOST_DECODES = 513;
/** Links slower than this are PCIe: messages pass through host memory. GB/s per direction. */
const PCIE_GBS = 100;
/** Latency of a message grows by this share of that of two GPUs with each doubling of the GPUs. */
const PER_DOUBLING = 0.4;
/** Latency of a message over PCIe, in messages over NVLink (NCCL's ring against a one-shot kernel on peer memory). */
const PCIE_MESSAGE = 3;
/**
 * vLLM's own all-reduce takes messages up to this size (custom_all_reduce.py, max_size); what is larger goes through NCCL, which
 * comes close to the link's peak there: 360 to 480 of 450 GB/s in nccl-tests on eight H100.
 */
const OWN_MESSAGE_BYTES = 8 * 2 ** 20;
const LARGE_MESSAGE = 1.2;
/** Microseconds per unit of the batch's integers. */
export interface PhysicalTerms {
  readonly fixed: number;
  readonly perRequest: number;
  readonly weights: number;
  /** By tokens in the batch. */
  readonly experts: Float64Array;
  readonly perToken: number;
  readonly perHead: number;
  readonly perPrefillPair: number;
  readonly perWindowPair: number;
  readonly perContext: number;
  readonly perWindow: number;
  readonly window: number;
  readonly perMessageToken: number;
  /** Tokens of a message that vLLM's own all-reduce still takes, and what each further one costs. */
  readonly ownMessageTokens: number;
  readonly perFurtherToken: number;
  readonly mixed: number;
  readonly frontEnd: number;
  readonly perPromptToken: number;
}

export const physicalTerms = (c: Corrections, context: LatencyContext): PhysicalTerms => {
  const { shape, hardware, parallelism } = context;
  const work = workOf(shape, hardware, parallelism);
  const bandwidth = hardware.memoryBandwidthTBs * 1e6;
  const wide = work.wideTflops * 1e6;
  const narrow = work.narrowTflops * 1e6;
  const link = (hardware.gpuLinkGBs ?? hardware.hostLinkGBs ?? 32) * 1e3;
  const gpus = parallelism.tp * parallelism.dp;
  const slow = link < PCIE_GBS * 1e3;
  const hop = (slow ? PCIE_MESSAGE : 1) * (1 + PER_DOUBLING * Math.log2(Math.max(1, gpus / 2)));
  const asynchronous = context.asyncScheduling ?? true;
  const perContext = (kvBytes: number, flops: number): number =>
    Math.max((c.kvRead * kvBytes) / bandwidth, (c.wideArithmetic * flops) / wide);
  return {
    fixed:
      c.perStep +
      (asynchronous ? 0 : c.perSynchronousStep) +
      c.perLayer * work.layers +
      c.perMoeLayer * work.moeLayers +
      c.perQuantisingLayer * work.quantisingLayers +
      c.perMessage * hop * work.messages,
    perRequest: c.perRequest / parallelism.dp,
    weights: (c.weightRead * work.weightBytes) / bandwidth,
    experts: expertMicros(
      work,
      (c.expertRead * work.expertBytes) / bandwidth + c.perExpert * work.expertShare * work.moeLayers,
      c.routingSkew,
    ),
    perToken:
      (c.wideArithmetic * work.wideFlops) / wide +
      (c.narrowArithmetic * work.narrowFlops) / narrow +
      (c.expertArithmetic * work.expertFlops) / narrow,
    perHead: (c.wideArithmetic * work.headFlops) / wide,
    perPrefillPair: (c.wideArithmetic * work.pairFlops) / 2 / wide,
    perWindowPair: (c.wideArithmetic * work.windowPairFlops) / 2 / wide,
    perContext: perContext(work.kvBytes, work.decodePairFlops),
    perWindow: perContext(work.windowKvBytes, work.windowDecodePairFlops),
    window: work.window,
    perMessageToken: (c.messageTraffic * work.messageBytes) / link,
    ownMessageTokens: slow ? Number.MAX_SAFE_INTEGER : OWN_MESSAGE_BYTES / work.messageTokenBytes,
    perFurtherToken: (Math.min(c.messageTraffic, LARGE_MESSAGE) * work.messageBytes) / link,
    mixed: c.perMixedLayer * work.layers,
    frontEnd: c.frontEnd,
    perPromptToken: c.perPromptToken,
  };
};

/**
 * Expected experts that T tokens touch if each picks k of E. Were all alike it would be E (1 - (1 - k/E)^T); with popularities
 * spread as a gamma distribution of squared coefficient of variation v it is E (1 - (1 + v T k/E)^(-1/v)), never more.
 */
const expertMicros = ({ experts, expertsPerToken }: Work, microsEach: number, skew: number): Float64Array => {
  if (experts === 0) return new Float64Array(1);
  const share = expertsPerToken / experts;
  return Float64Array.from({ length: TABULATED + 1 }, (_, tokens) => {
    const alike = (1 - share) ** tokens;
    const skewed = (1 + skew * tokens * share) ** (-1 / skew);
    return experts * (1 - Math.max(alike, skewed)) * microsEach;
  });
};

/** @returns microseconds, not rounded; of a batch that isn't empty */
export const stepMicros = (t: PhysicalTerms, batch: Batch): number =>
  workMicros(t, batch) + attentionMicros(t, batch) + messageMicros(t, batch);

/**
 * Steps of nothing but decodes, tabulated by how many there are; undefined where layers look back a window only, so that the
 * context in sum doesn't say how long one takes, and for batches larger than vLLM has graphs for. The same object each time:
 * hundreds of them would be brought near anew for each step that is asked for.
 */
export const decodeLines = (t: PhysicalTerms, pace: number): ((decodes: number) => DecodeLine | undefined) => {
  // In pairs by decodes: what comes before the context, and after it.
  const parts = new Float64Array(2 * MOST_DECODES).fill(Number.NaN);
  const line = { before: 0.5, perContext: t.perContext, after: 0.5, pace, round: "up" as const };
  return (decodes) => {
    if (t.window > 0 || decodes >= MOST_DECODES) return undefined;
    if (Number.isNaN(parts[2 * decodes])) {
      const batch = new Batch();
      batch.addDecodes(decodes, 0);
      parts[2 * decodes] = workMicros(t, batch);
      parts[2 * decodes + 1] = messageMicros(t, batch);
    }
    line.before = parts[2 * decodes] as number;
    line.after = parts[2 * decodes + 1] as number;
    return line;
  };
};

const tokensOf = ({ prefillTokens, decodes, decodeTokens }: Batch): number =>
  prefillTokens + Math.max(decodes, decodeTokens);

const workMicros = (t: PhysicalTerms, batch: Batch): number => {
  const { prefillTokens } = batch;
  const tokens = tokensOf(batch);
  const memory = t.weights + (t.experts[Math.min(tokens, t.experts.length - 1)] as number);
  // Without prefills the step replays a CUDA graph, whose batch is padded.
  const computed = prefillTokens > 0 ? tokens : padded(tokens);
  let arithmetic = t.perToken * computed + t.perHead * batch.requests + t.perPrefillPair * batch.prefillPairs;
  if (t.window > 0) arithmetic += t.perWindowPair * windowPairs(batch, t.window);
  const host = t.fixed + t.perRequest * batch.requests + (prefillTokens > 0 ? t.mixed : 0);
  return host + Math.max(memory, arithmetic) + UNHIDDEN * Math.min(memory, arithmetic);
};

const attentionMicros = (t: PhysicalTerms, { decodes, decodeContext, decodeWindow }: Batch): number => {
  const attention = t.perContext * decodeContext;
  if (t.window === 0) return attention;
  const seen = decodeWindow > 0 ? decodeWindow : Math.min(decodeContext, decodes * t.window);
  return attention + t.perWindow * seen;
};

const messageMicros = (t: PhysicalTerms, batch: Batch): number => {
  const tokens = tokensOf(batch);
  const own = Math.min(tokens, t.ownMessageTokens);
  return t.perMessageToken * own + t.perFurtherToken * (tokens - own);
};

/** Sizes that vLLM captures: 1, 2, 4, eights up to 256, sixteens up to 512 (vllm/config/compilation.py); larger run as they are. */
const padded = (requests: number): number => {
  if (requests <= 2 || requests > 512) return requests;
  if (requests <= 4) return 4;
  return requests <= 256 ? Math.ceil(requests / 8) * 8 : Math.ceil(requests / 16) * 16;
};

/** Where the engine doesn't count them, pairs of a prefill are bounded by its tokens times twice the window. */
const windowPairs = (batch: Batch, window: number): number =>
  batch.prefillWindowPairs > 0
    ? batch.prefillWindowPairs
    : Math.min(batch.prefillPairs, 2 * window * batch.prefillTokens);
