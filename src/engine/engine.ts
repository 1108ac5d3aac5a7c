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
  /** KV blocks of the replica as vLLM reports them (`num_gpu_blocks`); vLLM keeps one as the null block. */
  readonly numGpuBlocks: number;
  readonly prefixCaching: boolean;
  readonly chunkedPrefill: boolean;
  /** 0: off. */
  readonly longPrefillTokenThreshold: number;
  readonly asyncScheduling: boolean;
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
