/** One fitted correction: what it is in physical units, and what is believed of it before any server is measured. */
export interface Correction {
  readonly name: CorrectionName;
  /** `slowdown`: 1 + the value, times what the data sheet says; `micros`: the value is a length of time; else a plain number. */
  readonly kind: "slowdown" | "micros" | "number";
  /** Of the value: its middle, and the deviation of its logarithm. */
  readonly prior: number;
  readonly spread: number;
  readonly meaning: string;
}

export type CorrectionName =
  | "weightRead"
  | "expertRead"
  | "kvRead"
  | "wideArithmetic"
  | "narrowArithmetic"
  | "expertArithmetic"
  | "messageTraffic"
  | "routingSkew"
  | "perMessage"
  | "perLayer"
  | "perMoeLayer"
  | "perExpert"
  | "perQuantisingLayer"
  | "perMixedLayer"
  | "perRequest"
  | "perStep"
  | "perSynchronousStep"
  | "frontEnd"
  | "perPromptToken";

export type Corrections = Readonly<Record<CorrectionName, number>>;

const slowdown = (name: CorrectionName, prior: number, spread: number, meaning: string): Correction => ({
  name,
  kind: "slowdown",
  prior,
  spread,
  meaning,
});
const length = (name: CorrectionName, prior: number, spread: number, meaning: string): Correction => ({
  name,
  kind: "micros",
  prior,
  spread,
  meaning,
});

/** In the order of the fitted vector. Priors are round figures from kernel benchmarks and vLLM's own profiles. */
export const CORRECTIONS: readonly Correction[] = [
  slowdown("weightRead", 0.15, 0.25, "reading weights, over the time at peak bandwidth"),
  slowdown("expertRead", 0.2, 0.3, "reading experts, over the time at peak bandwidth"),
  slowdown("kvRead", 0.1, 0.5, "reading the KV cache, over the time at peak bandwidth"),
  slowdown("wideArithmetic", 0.6, 0.5, "16-bit arithmetic, over the time at peak"),
  slowdown("narrowArithmetic", 1.0, 0.5, "8-bit and 4-bit arithmetic, over the time at peak"),
  slowdown("expertArithmetic", 1.5, 0.4, "arithmetic of experts, over the time at peak"),
  slowdown("messageTraffic", 0.5, 0.7, "bytes between GPUs, over the time at the link's peak"),
  {
    name: "routingSkew",
    kind: "number",
    prior: 0.3,
    spread: 0.4,
    meaning: "squared coefficient of variation of the experts' popularity: 0 if all are picked alike",
  },
  length("perMessage", 8, 0.2, "us per all-reduce, gather or scatter of two GPUs, whatever its size (NVLink)"),
  length("perLayer", 25, 0.2, "us per layer: launches and short kernels"),
  length("perMoeLayer", 40, 0.7, "us per MoE layer on top: routing and permutation"),
  length("perExpert", 0.2, 0.7, "us per expert that a MoE layer touches: tiles of few rows"),
  length("perQuantisingLayer", 10, 0.7, "us per layer on top that quantises its activations"),
  length("perMixedLayer", 10, 0.8, "us per layer on top in a step with prefills, whose attention no CUDA graph holds"),
  length("perRequest", 8, 0.7, "us per request of a step: sampling and host bookkeeping"),
  length("perStep", 600, 0.3, "us per step"),
  length("perSynchronousStep", 1500, 0.5, "us per step on top where the next one isn't scheduled ahead"),
  length("frontEnd", 7600, 0.25, "us between client and engine, there and back"),
  length("perPromptToken", 2, 0.4, "us per prompt token before the queue"),
];

/** @param logs logarithms of the values, in the order of `CORRECTIONS` */
export const correctionsOf = (logs: readonly number[]): Corrections =>
  Object.fromEntries(
    CORRECTIONS.map(({ name, kind }, i) => {
      const value = Math.exp(logs[i] as number);
      return [name, kind === "slowdown" ? 1 + value : value];
    }),
  ) as Record<CorrectionName, number>;

export const priorLogs: readonly number[] = CORRECTIONS.map(({ prior }) => Math.log(prior));
