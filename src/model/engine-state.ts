import type { LoraInfo } from "./endpoint.ts";
import type { Histogram } from "./metric-family.ts";

/** State after the last finished step, as vLLM's gauges show it. */
export interface EngineGauges {
  readonly running: number;
  readonly waiting: number;
  /** Of those, how many wait for blocks from host memory or from another engine. */
  readonly deferred?: number;
  /** LoRA adapters in use; left out where none are served. */
  readonly lora?: LoraInfo;
  /** 0 to 1: 1 - free / (total - 1). */
  readonly kvUsage: number;
  readonly usedBlocks: number;
  readonly freeBlocks: number;
}

/** What vLLM's OffloadingConnector counts, over all GPUs of an engine. */
export interface OffloadState {
  /** From host memory to the GPUs, and from there to it. */
  readonly load: LinkTally;
  readonly store: LinkTally;
  /** Blocks for which a store asked room, and how many found none. */
  readonly allocations: Histogram;
  readonly failures: number;
  /** Shares of host memory's blocks that are being read, and written. */
  readonly reading: number;
  readonly writing: number;
  /** Below host memory, as the connector calls it; what was begun counts. */
  readonly tier?: { readonly name: string; readonly readBytes: number; readonly writtenBytes: number };
}

/** Of transfers that have ended. */
export interface LinkTally {
  bytes: number;
  /** Microseconds, added up over GPUs, which transfer at the same time. */
  micros: number;
  /** Bytes of each transfer on each GPU. */
  readonly sizes: Histogram;
}

/** The gauges, and counters since the replica's start. */
export interface EngineState extends EngineGauges {
  readonly counters: EngineCounters;
  readonly histograms: EngineHistograms;
  /** Where an offloading connector shows it; where there are ranks, each has its own. */
  readonly offload?: OffloadState;
  /** Each data-parallel rank's own, where there is more than one. */
  readonly ranks?: readonly EngineState[];
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
  /** Requests answered with HTTP 503, by the bound that they met. */
  overloaded: Record<"max_num_queued_reqs" | "max_num_queued_tokens", number>;
  /** Tokens asked for and found in host memory, below it or in another engine (`vllm:external_prefix_cache_*`). */
  externalQueries: number;
  externalHits: number;
  /** KV blocks brought back from host memory, and kept there. */
  loadedBlocks: number;
  storedBlocks: number;
  /** The same of the tier below host memory. */
  tierLoadedBlocks: number;
  tierStoredBlocks: number;
  /** Speculative decoding: steps with drafts by request, their tokens, and those accepted. */
  drafts: number;
  draftTokens: number;
  acceptedTokens: number;
  /** LoRA adapters brought to the GPU. */
  adapterLoads: number;
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

/**
 * A copy, field by field: a spread with more behind it takes ten times as long, and whoever scrapes copies all the time.
 *
 * @param underWay microseconds that a step under way has taken so far
 */
export const copyOfCounts = (counts: EngineCounters, underWay: number): EngineCounters => {
  const { success, overloaded } = counts;
  return {
    steps: counts.steps,
    promptTokens: counts.promptTokens,
    promptTokensCached: counts.promptTokensCached,
    generationTokens: counts.generationTokens,
    preemptions: counts.preemptions,
    prefixQueries: counts.prefixQueries,
    prefixHits: counts.prefixHits,
    success: { ...success },
    overloaded: { ...overloaded },
    externalQueries: counts.externalQueries,
    externalHits: counts.externalHits,
    loadedBlocks: counts.loadedBlocks,
    storedBlocks: counts.storedBlocks,
    tierLoadedBlocks: counts.tierLoadedBlocks,
    tierStoredBlocks: counts.tierStoredBlocks,
    drafts: counts.drafts,
    draftTokens: counts.draftTokens,
    acceptedTokens: counts.acceptedTokens,
    adapterLoads: counts.adapterLoads,
    busyMicros: counts.busyMicros + underWay,
  };
};

/** A replica's counters at its start. */
export const noCounts = (): EngineCounters => ({
  steps: 0,
  promptTokens: 0,
  promptTokensCached: 0,
  generationTokens: 0,
  preemptions: 0,
  prefixQueries: 0,
  prefixHits: 0,
  success: { stop: 0, length: 0, abort: 0, error: 0, repetition: 0 },
  overloaded: { max_num_queued_reqs: 0, max_num_queued_tokens: 0 },
  externalQueries: 0,
  externalHits: 0,
  loadedBlocks: 0,
  storedBlocks: 0,
  tierLoadedBlocks: 0,
  tierStoredBlocks: 0,
  drafts: 0,
  draftTokens: 0,
  acceptedTokens: 0,
  adapterLoads: 0,
  busyMicros: 0,
});
