import type { Histogram } from "./metric-family.ts";

/** State after the last finished step, as vLLM's gauges show it, and counters since the replica's start. */
export interface EngineState {
  readonly running: number;
  readonly waiting: number;
  /** 0 to 1: 1 - free / (total - 1). */
  readonly kvUsage: number;
  readonly usedBlocks: number;
  readonly freeBlocks: number;
  readonly counters: EngineCounters;
  readonly histograms: EngineHistograms;
}

export interface EngineCounters {
  steps: number;
  promptTokens: number;
  promptTokensCached: number;
  generationTokens: number;
  preemptions: number;
  prefixQueries: number;
  prefixHits: number;
  /** Finished requests by reason. */
  success: Record<"stop" | "length" | "abort" | "error" | "repetition", number>;
  /** Microseconds in which a step was under way. */
  busyMicros: number;
}

/** One per vLLM histogram family; seconds or tokens as vLLM's. */
export interface EngineHistograms {
  readonly timeToFirstToken: Histogram;
  readonly interTokenLatency: Histogram;
  /** The same observations between `fineSecondsBounds`, for reports; not exported. Left out: reports use the former. */
  readonly interTokenFine?: Histogram;
  readonly timePerOutputToken: Histogram;
  readonly e2eLatency: Histogram;
  readonly queueTime: Histogram;
  readonly inferenceTime: Histogram;
  readonly prefillTime: Histogram;
  readonly decodeTime: Histogram;
  readonly iterationTokens: Histogram;
  readonly promptTokens: Histogram;
  readonly generationTokens: Histogram;
  readonly prefillComputedTokens: Histogram;
  readonly maxGenerationTokens: Histogram;
  readonly paramsN: Histogram;
}
