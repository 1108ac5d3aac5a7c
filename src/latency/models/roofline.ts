import * as z from "zod";
import { micros } from "../../sim/time.ts";
import { figuresOf, tflopsFor } from "../figures.ts";
import { type LatencyContext, latencyModel } from "../latency-model.ts";
import { overheads } from "../overheads.ts";

/**
 * Step time as the larger of arithmetic at a measured utilisation and memory traffic at full bandwidth; weights are
 * read once per step. No communication, no fixed cost (design notes 2.6, in the form of 6.1).
 * Overheads: alpha0 + alpha1 per prompt token before the queue, alpha2 per token.
 * Source: Williams, Waterman, Patterson, "Roofline" (CACM 2009), with BLIS's terms (@f90a1e3a).
 */
export const roofline = latencyModel({
  name: "roofline",
  summary: "the slower of arithmetic and memory traffic, from data sheets alone; no fitted figure but the utilisation",
  params: () => z.object({ overheads: overheads([0, 0, 0]) }),
  create: ({ overheads: [alpha0 = 0, alpha1 = 0, alpha2 = 0] }, context) => {
    const t = rooflineTerms(context);
    const { E, k } = figuresOf(context.shape, context.parallelism.tp);
    return {
      step: (batch) => {
        if (batch.requests === 0) return micros(1);
        const tokens = batch.prefillTokens + batch.decodes;
        const compute =
          (t.flopsPerToken * batch.prefillTokens + t.flopsPerPair * batch.prefillPairs) / t.prefillFlopsPerMicro +
          (t.flopsPerToken * batch.decodes + 2 * t.flopsPerPair * batch.decodeContext) / t.decodeFlopsPerMicro;
        const read = E === 0 ? 0 : E * (1 - ((E - k) / E) ** tokens);
        const bytes =
          t.weightBytes +
          t.weightBytesPerExpert * read +
          t.kvBytesPerToken * (batch.prefillStart + batch.decodeContext + tokens) +
          t.activationBytesPerToken * tokens;
        return micros(Math.max(1, Math.trunc(Math.max(compute, bytes / t.bytesPerMicro))));
      },
      toQueue: (promptTokens) => micros(Math.trunc(alpha0 + alpha1 * promptTokens)),
      perToken: micros(Math.trunc(alpha2)),
      atFinish: micros(0),
    };
  },
});

/** Everything that doesn't depend on the batch. FLOPs and bytes are those of the whole model, over all tp GPUs. */
const rooflineTerms = ({ shape, hardware, parallelism: { tp } }: LatencyContext) => {
  const { L, d, H, KV, act, W, nM, nD, fM, fD, k } = figuresOf(shape, tp);
  const dh = d / H;
  const dkv = KV * dh;
  const flopsPerMicro = tp * tflopsFor(shape, hardware) * 1e6;
  return {
    flopsPerToken: L * (2 * (d * d + 2 * d * dkv) + 2 * d * d) + 2 * d * L + nM * 4 * d * fM * k + nD * 4 * d * fD,
    flopsPerPair: (L * H * (4 * dh + 5)) / 2,
    prefillFlopsPerMicro: flopsPerMicro * hardware.mfu.prefill,
    decodeFlopsPerMicro: flopsPerMicro * hardware.mfu.decode,
    weightBytes: (L * (d * (d + 2 * dkv) + d * d) + nD * 2 * d * fD) * W,
    weightBytesPerExpert: nM * 2 * d * fM * W,
    kvBytesPerToken: 2 * L * KV * dh * act,
    activationBytesPerToken: L * d * act,
    bytesPerMicro: tp * hardware.memoryBandwidthTBs * 1e6,
  };
};
