import type { Batch } from "../model/batch.ts";
import type { EngineState } from "../model/engine-state.ts";
import type { Finished } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import type { Micros, SimTime } from "../sim/time.ts";

/** Settings of one vLLM engine core, resolved: nothing here is a default to be looked up. */
export interface EngineConfig {
  /** `vllm`: what a cluster would do; `blis`: bit-exact parity with the reference simulator. */
  readonly mode: "vllm" | "blis";
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly maxModelLen: number;
  /** Tokens per KV block. */
  readonly blockSize: number;
  /** KV blocks of one data-parallel rank as vLLM reports them (`num_gpu_blocks`); vLLM keeps one as the null block. */
  readonly numGpuBlocks: number;
  readonly prefixCaching: boolean;
  readonly chunkedPrefill: boolean;
  /** 0: off. */
  readonly longPrefillTokenThreshold: number;
  readonly asyncScheduling: boolean;
  /** Order of the waiting queue. Left out: `fcfs`. vLLM knows fcfs and priority; the others are of the reference simulator. */
  readonly schedulingPolicy?: "fcfs" | "priority" | "sjf" | "reverse-priority";
  /** More requests held than this are answered with HTTP 503. Left out: no bound. */
  readonly maxQueuedRequests?: number;
  /** More prompt tokens held than this are answered with HTTP 503. Left out: no bound. */
  readonly maxQueuedTokens?: number;
  /** Left out: no adapters. */
  readonly lora?: LoraConfig;
  /** Left out: no KV blocks in host memory. */
  readonly offload?: OffloadConfig;
  /** Left out: no speculative decoding. */
  readonly speculation?: SpeculationConfig;
  /** Left out: 1. */
  readonly pipelineStages?: number;
  /** Data-parallel ranks, each a scheduler with `numGpuBlocks` of its own. Left out: 1. */
  readonly ranks?: number;
  /** The ranks of an MoE model run in step: a step lasts as long as the longest of them. Left out: false. */
  readonly lockstep?: boolean;
  /**
   * KV cache groups: a block is `blockSize` tokens of one group's layers, and all groups share one pool. `window`: tokens
   * that layers of the group look back; left out: all. Left out altogether: one group that looks back at all.
   */
  readonly kvGroups?: readonly KvGroup[];
  /** Tokens of images and the like that one step may encode. Left out: `maxNumBatchedTokens`. */
  readonly encoderBudget?: number;
  /** Encoded tokens that are kept until the language model has read them. Left out: `maxNumBatchedTokens`. */
  readonly encoderCacheTokens?: number;
}

export interface KvGroup {
  readonly window?: number;
}

export interface LoraConfig {
  /** Adapters that one step may use: slots in GPU memory. */
  readonly maxLoras: number;
  /** Adapters kept in host memory, those in GPU memory among them. */
  readonly maxCpuLoras: number;
  /** From host to GPU memory, per adapter. */
  readonly gpuLoadMicros: number;
  /** From disk to host memory, per adapter. */
  readonly diskLoadMicros: number;
}

export interface OffloadConfig {
  /** KV blocks that host memory holds; of each rank. */
  readonly hostBlocks: number;
  /** A block's way between host and GPU memory, all GPUs at once; a fraction. */
  readonly microsPerBlock: number;
  /** Added once per load. */
  readonly latencyMicros: number;
}

export interface SpeculationConfig {
  /** Draft tokens per step and request. */
  readonly tokens: number;
  /** Probability that the draft token at a position is accepted, if all before it are. One per position. */
  readonly acceptance: readonly number[];
}

/** How long an engine's work takes; a latency model is one. Pure: the same batch always takes the same time. */
export interface EngineTiming {
  /** One step; at least 1 us. */
  step(batch: Batch): Micros;
  /** From arrival at the server to the engine's queue. */
  toQueue(promptTokens: number): Micros;
  /** From the end of a step to the client's view of its token. Never delays the engine. */
  readonly perToken: Micros;
  /** Added to the end-to-end time of a finished request. Never delays the engine. */
  readonly atFinish: Micros;
}

/**
 * What an engine tells, when it happens; `firstToken` for whoever counts TTFT before the end. Told instants are the
 * client's view, so they lie a little after the step that brought the token. Must not call the engine back.
 */
export interface EngineListener {
  firstToken(request: Request, at: SimTime): void;
  finished(facts: Finished): void;
}

/**
 * One replica's engine. It owns no clock: whoever holds it calls `advance` at `due`, and may look at any instant.
 * Results of a step take effect at its end, so whoever looks in between sees no future.
 */
export interface Engine {
  /** When it next has something to do or to tell; NEVER when idle. */
  readonly due: SimTime;
  /** Does everything up to and including `now`. @throws if `now` lies in the past */
  advance(now: SimTime): void;
  /** A request arrives at the server now. Refused requests are told as finished at once. */
  submit(request: Request, now: SimTime): void;
  /** The client is gone, or the pod: told as finished with outcome `aborted`. Unknown ids are passed over. */
  abort(requestId: number, now: SimTime): void;
  /** Aborts everything, in order of arrival. */
  abortAll(now: SimTime): void;
  /**
   * State as of `now`, after all steps that ended by then, as vLLM's gauges show it: arrivals since then don't show yet.
   * Histograms are the live ones: read them before the engine goes on. @throws if a step ended after `now`
   */
  look(now: SimTime): EngineState;
  /** Requests held: on the way to the queue, waiting or running. */
  readonly held: number;
}
