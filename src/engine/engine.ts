import type { Batch } from "../model/batch.ts";
import type { DecodeLine } from "../model/decode-line.ts";
import type { EngineGauges, EngineState } from "../model/engine-state.ts";
import type { Finished } from "../model/fact.ts";
import type { Request } from "../model/request.ts";
import type { Micros, SimTime } from "../sim/time.ts";
import type { KvTier, TierConfig } from "./kv-tier.ts";

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
  /** One step ahead; only where neither speculation nor pipeline stages forbid it. */
  readonly asyncScheduling: boolean;
  /** Who is next in the queue, and who is preempted; left out: `fcfs`. */
  readonly schedulingPolicy?: SchedulingPolicyName;
  /** HTTP 503 from so many requests in flight on, over all ranks; left out: no bound. */
  readonly maxQueuedRequests?: number;
  /** HTTP 503 from so many prompt tokens on of requests without a first token; left out: no bound. */
  readonly maxQueuedTokens?: number;
  readonly lora?: LoraConfig;
  readonly offload?: OffloadConfig;
  /** Below host memory, or in its place; counts where whoever listens has a `kvTier`. */
  readonly tier?: TierConfig;
  readonly speculation?: SpeculationConfig;
  /** Pipeline-parallel stages, as many batches in flight; left out: 1. */
  readonly pipelineStages?: number;
  /** Data-parallel ranks, each with a queue and a cache of `numGpuBlocks` of its own; left out: 1. */
  readonly ranks?: number;
  /** Whether the ranks take their steps together, as those of an MoE model do. */
  readonly lockstep?: boolean;
  /** Layers by what their KV cache keeps; left out: one group that keeps all. A KV block belongs to one group. */
  readonly kvGroups?: readonly KvGroup[];
  /** Multimodal tokens that one step may encode; left out: `maxNumBatchedTokens`. */
  readonly encoderBudget?: number;
  /** Multimodal tokens whose encodings are kept; left out: `maxNumBatchedTokens`. */
  readonly encoderCacheTokens?: number;
  /** What becomes of a request whose KV doesn't arrive (vLLM `kv_load_failure_policy`); left out: `fail`. */
  readonly kvLoadFailurePolicy?: "fail" | "recompute";
  /** How long blocks wait to be fetched (`VLLM_NIXL_ABORT_REQUEST_TIMEOUT`); left out: 480 s. */
  readonly kvSendTimeoutMicros?: number;
}

export type SchedulingPolicyName = "fcfs" | "priority" | "sjf" | "reverse-priority";

export interface LoraConfig {
  /** Most adapters in one batch, and on the GPU. */
  readonly maxLoras: number;
  /** Most adapters in host memory. */
  readonly maxCpuLoras: number;
  /** From host memory to the GPU. */
  readonly gpuLoadMicros: number;
  /** From disk to host memory. */
  readonly diskLoadMicros: number;
}

/** KV blocks of prompts kept in host memory (vLLM's OffloadingConnector). */
export interface OffloadConfig {
  readonly hostBlocks: number;
  /** One block over the host link, in either direction; not rounded. */
  readonly microsPerBlock: number;
  readonly latencyMicros: number;
  /** Left out: what holds them shows nothing of it. */
  readonly connector?: OffloadConnector;
}

/** An OffloadingConnector that counts its transfers. */
export interface OffloadConnector {
  /** GPUs of one rank, each of which transfers its share of every block. */
  readonly gpus: number;
  /** Of one block on one GPU. */
  readonly bytesPerBlock: number;
  /** What it calls the tier below host memory: `1:fs`. Left out: there is none that it knows. */
  readonly tier?: string;
}

export interface SpeculationConfig {
  /** Draft tokens per step. */
  readonly tokens: number;
  /** Chance that a draft token is accepted if those before it are, by position. */
  readonly acceptance: readonly number[];
  /** Of the draws; left out: 0. */
  readonly seed?: number;
}

export interface KvGroup {
  /** Tokens that attention looks back, the new one included; left out: all. */
  readonly window?: number;
}

/** How long an engine's work takes; a latency model is one. Pure: the same batch always takes the same time. */
export interface EngineTiming {
  /** One step; at least 1 us. */
  step(batch: Batch): Micros;
  /**
   * The same of `decodes` requests that decode, where it is a line, good until the next one is asked for; left out or undefined:
   * whoever asks takes step by step.
   */
  decodeLine?(decodes: number): DecodeLine | undefined;
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
  /**
   * A request that receives its KV has blocks for it: the transfer begins `at`, now or when the step under way ends.
   * Whoever hears it calls `kvArrived` or `kvFailed`, even if the client has hung up: until then the blocks are written to.
   * @param tokens of the prompt that aren't here yet @param blocks that they take
   */
  kvWanted?(request: Request, at: SimTime, tokens: number, blocks: number): void;
  /**
   * Blocks `from` to `to` of a strand (model/prefix-keys.ts) can be found by others from now on, or no longer (vLLM
   * `--kv-events-config`: BlockStored, BlockRemoved). Left out: nobody hears of them, and they cost nothing.
   */
  kvCached?(kind: "stored" | "removed", strand: number, from: number, to: number): void;
  /** Where KV of prompts is kept beyond host memory. Must not call the engine back. */
  readonly kvTier?: KvTier;
}

export interface SubmitOptions {
  /**
   * Prefill apart from decode (NixlConnector). `send`: if it ends by length, its blocks are kept for another engine to
   * fetch. `receive`: another engine computes its prompt. Left out, and in `blis` mode: neither.
   */
  readonly kv?: "send" | "receive";
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
  submit(request: Request, now: SimTime, options?: SubmitOptions): void;
  /** The client is gone, or the pod: told as finished with outcome `aborted`. Unknown ids are passed over. */
  abort(requestId: number, now: SimTime): void;
  /** Aborts everything, in order of arrival, and gives up all blocks that are kept for others or written to by them. */
  abortAll(now: SimTime): void;
  /** The blocks kept for another engine have been fetched, or nobody wants them. Unknown ids are passed over. */
  kvSent(requestId: number, now: SimTime): void;
  /** The KV that was asked for with `kvWanted` is there. Unknown ids are passed over. */
  kvArrived(requestId: number, now: SimTime): void;
  /** It will not come. Unknown ids are passed over. */
  kvFailed(requestId: number, now: SimTime): void;
  /**
   * State as of `now`, after all steps that ended by then, as vLLM's gauges show it: arrivals since then don't show yet.
   * Histograms are the live ones: read them before the engine goes on. @throws if a step ended after `now`
   */
  look(now: SimTime): EngineState;
  /** The gauges alone, which cost less; to be read at once, the next call may give the same object. @throws if a step ended after `now` */
  gauges(now: SimTime): EngineGauges;
  /** Output tokens that `look` would count. @throws if a step ended after `now` */
  generated(now: SimTime): number;
  /** Whether these two follow from what is known at `now`: looking at them changes nothing, and earlier instants can be looked at after it. */
  foresees(now: SimTime): boolean;
  /** Requests held: on the way to the queue, waiting or running. */
  readonly held: number;
}
