import * as z from "zod";
import type { Batch } from "../../model/batch.ts";
import type { DecodeLine } from "../../model/decode-line.ts";
import { type Micros, micros } from "../../sim/time.ts";
import { figuresOf, tflopsFor } from "../figures.ts";
import { type LatencyContext, latencyModel } from "../latency-model.ts";
import { overheads } from "../overheads.ts";

/** Coefficients fitted by BLIS on H100, A100 and L40S (@f90a1e3a); what each multiplies is in the design notes 2.3. */
const FITTED = [
  0.152128, 0.0, 1.36252915, 0.752037, 32.09546717, 4.41684444, 126.024825, 481.8613888, 0.0, 1.94710771, 0.752037,
];
/** Tokenising and IPC before the queue, per request at its end, per token: microseconds (BLIS @f90a1e3a). */
const FITTED_OVERHEADS = [15563.199579, 777.3455, 45.907545];

/** Share of peak FLOPs that long prefills reach: Vidur's H100 profile of Llama-2-7B at 2048 tokens and more. */
const LATE_UTILISATION = 0.65;

const params = () =>
  z.object({
    coefficients: z
      .array(z.number().min(0))
      .min(7)
      .max(11)
      .default(FITTED)
      .meta({ description: "Fitted coefficients b1a, b2a, b3 ... in BLIS's order; 7 to 11 of them." }),
    overheads: overheads(FITTED_OVERHEADS),
    moeDispatch: z
      .enum(["all-gather", "all-to-all"])
      .default("all-gather")
      .meta({ description: "How tokens reach experts of other data-parallel ranks." }),
  });

/**
 * Step time as a fitted sum of what the hardware must at least do: BLIS's trained physics (design notes 2.2, 2.3),
 * written as an affine function of the batch's integers (6.1). That form is the definition.
 * In `vllm` mode the part of a prompt beyond position 1024 is charged at a measured utilisation (2.5), since the fitted
 * coefficient would let long prefills beat the peak of the GPU.
 */
export const trainedPhysics = latencyModel({
  name: "trained-physics",
  summary: "fitted coefficients over FLOPs, bytes and communication; good to about 7 % on what it was fitted to",
  params,
  create: (said, context) => {
    const terms = affineTerms(said, context);
    const late = context.mode === "vllm" ? lateTerms(said, context) : undefined;
    const lines: (DecodeLine | undefined)[] = [];
    const [toQueue, atFinish, perToken] = said.overheads.map(Math.trunc) as [number, number, number];
    return {
      step: (batch) => stepOf(terms, late, batch),
      decodeLine: (decodes) => (lines[decodes] ??= decodeLineOf(terms, decodes)),
      toQueue: () => micros(toQueue),
      perToken: micros(perToken),
      atFinish: micros(atFinish),
    };
  },
});

/** Two lines of which the steeper one counts; one line where the second is absent. */
interface Slope {
  readonly perToken: number;
  readonly perReach: number;
}

/** Microseconds per unit of the batch's integers. With 10 coefficients or more, `alternative`s are absent. */
export interface AffineTerms {
  readonly k0: number;
  readonly kB: number;
  readonly kP: number;
  readonly kA: number;
  readonly kD: number;
  readonly kC: number;
  /** With fewer than 9 coefficients prefill is the larger of compute and KV write: here the latter. */
  readonly prefillKv: Slope | undefined;
  /** With fewer than 10 coefficients decode is the larger of compute and KV traffic: here the latter. */
  readonly decodeKv: Slope | undefined;
  /** Communication per token, where prefill or decode is a maximum and can't include it. */
  readonly communication: number;
}

/** @throws nothing; see `latencyProblems` for what must hold of the context */
export const affineTerms = (said: z.output<ReturnType<typeof params>>, context: LatencyContext): AffineTerms => {
  const b = [...said.coefficients];
  const at = (index: number, otherwise = 0): number => b[index] ?? otherwise;
  const { shape, hardware, parallelism } = context;
  const { tp, dp } = parallelism;
  const { L, d, H, KV, act, W, nM, nD, fM, fD, sh, E, k, interleaved } = figuresOf(shape, tp);
  const dh = Math.floor(d / H);
  const dkv = KV * dh;
  const isMoe = shape.moe !== undefined;
  const G = isMoe ? tp * dp : tp;
  const F = tflopsFor(shape, hardware) * 1e6;
  const BW = hardware.memoryBandwidthTBs * 1e6;

  const lin = linearFlops(context);
  const kvw = (L * 2 * (dkv / (tp * dp)) * 2) / BW;
  const reach = (L * 2 * (H / tp) * dh) / dp / F;
  const allReduces = (L + nD) / dp + (isMoe && dp === 1 ? nM : 0);
  const dispatched = said.moeDispatch === "all-to-all" ? k : 1;
  const com =
    (at(3) * allReduces * d * act * 2 * ((tp - 1) / tp)) / BW +
    (isMoe && dp > 1 ? (at(10, at(3)) * nM * (1 / dp) * dispatched * ((G - 1) / G) * 2 * d * act) / BW : 0);
  const weights =
    ((L * d * (2 * d + 2 * dkv) * W) / tp +
      nM * (E / G) * 3 * d * fM * W +
      (nM * 3 * d * sh * W) / tp +
      (nD * 3 * d * fD * W) / tp) /
    BW;

  const prefillIsMax = b.length < 9;
  const decodeIsMax = b.length < 10;
  return {
    k0: at(2) * weights + at(4) * L + at(6) + (interleaved ? at(7) * nM : 0),
    kB: at(5),
    kP: prefillIsMax ? (at(0) * lin) / F : (at(0) * lin) / F + at(8) * kvw + com,
    kA: at(0) * reach,
    kD: decodeIsMax ? (at(1) * lin) / F : (at(1) * lin) / F + at(9) * kvw + com,
    kC: decodeIsMax ? at(1) * 2 * reach : at(1) * 2 * reach + at(9) * kvw,
    prefillKv: prefillIsMax ? { perToken: at(0) * kvw, perReach: 0 } : undefined,
    decodeKv: decodeIsMax ? { perToken: at(1) * kvw, perReach: at(1) * kvw } : undefined,
    communication: com,
  };
};

/** FLOPs per token of everything but attention over the context: a(1) + f(1). */
const linearFlops = ({ shape, parallelism: { tp, dp } }: LatencyContext): number => {
  const { L, d, H, KV, nM, nD, fM, fD, sh, k } = figuresOf(shape, tp);
  const dkv = KV * Math.floor(d / H);
  const G = shape.moe === undefined ? tp : tp * dp;
  return (
    (L * 2 * d * (2 * d + 2 * dkv)) / (tp * dp) +
    nM * (k / G) * 6 * d * fM +
    (nM * 6 * d * sh) / (tp * dp) +
    (nD * 6 * d * fD) / (tp * dp)
  );
};

interface LateTerms {
  readonly perToken: number;
  readonly perPair: number;
  readonly perReach: number;
}

/** What the late part of prefills costs more than the fitted coefficient says. */
const lateTerms = (said: z.output<ReturnType<typeof params>>, context: LatencyContext): LateTerms => {
  const { tp, dp } = context.parallelism;
  const { L, d, H } = figuresOf(context.shape, tp);
  const b1a = said.coefficients[0] ?? 0;
  const F = tflopsFor(context.shape, context.hardware) * 1e6;
  const lin = linearFlops(context);
  const halfPair = (2 * (H / tp) * Math.floor(d / H) * L) / dp;
  return {
    perToken: (lin / LATE_UTILISATION - b1a * lin) / F,
    perPair: halfPair / LATE_UTILISATION / F,
    perReach: (-b1a * halfPair) / F,
  };
};

/** As `stepOf` adds it up where nothing is prefilled. */
const decodeLineOf = ({ k0, kB, kD, kC, decodeKv }: AffineTerms, decodes: number): DecodeLine | undefined =>
  decodeKv === undefined
    ? { before: kD * decodes, perContext: kC, after: k0 + kB * decodes, pace: 1, round: "down" }
    : undefined;

const stepOf = (t: AffineTerms, late: LateTerms | undefined, batch: Batch): Micros => {
  if (batch.requests === 0) return micros(1);
  const prefill = t.kP * batch.prefillTokens + t.kA * batch.prefillReach;
  const decode = t.kD * batch.decodes + t.kC * batch.decodeContext;
  let total = t.k0 + t.kB * batch.requests;
  total += t.prefillKv === undefined ? prefill : Math.max(prefill, t.prefillKv.perToken * batch.prefillTokens);
  if (t.prefillKv !== undefined) total += t.communication * batch.prefillTokens;
  if (t.decodeKv === undefined) total += decode;
  else {
    const kv = t.decodeKv.perToken * batch.decodes + t.decodeKv.perReach * batch.decodeContext;
    total += Math.max(decode, kv) + t.communication * batch.decodes;
  }
  if (late !== undefined && batch.lateTokens > 0) {
    total += late.perToken * batch.lateTokens + late.perPair * batch.latePairs + late.perReach * batch.lateReach;
  }
  return Math.max(1, Math.trunc(total)) as Micros;
};
