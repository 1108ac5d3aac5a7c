import type { EngineConfig, SubmitOptions } from "../../src/engine/engine.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import { type SimTime, START } from "../../src/sim/time.ts";
import { type BlockNames, namesOf } from "./block-names.ts";
import type { Block } from "./block-pool.ts";

/** Blocks on their way from elsewhere: of the first `blocks` ones, those that weren't found on the GPU. */
export interface Load {
  /** NEVER: whoever sends them will say. */
  readonly end: SimTime;
  readonly blocks: number;
  /** Of those, the last ones, which come from below host memory. */
  readonly below: number;
  /** Up to when host memory sends its part. */
  readonly hostEnd: SimTime;
  /** Whether the scheduler has seen that it is over. */
  over: boolean;
}

/**
 * A request inside the engine. `hung-up` ones have been told as ended, but keep their place and their blocks until the
 * step under way ends.
 */
export class Sequence {
  readonly request: Request;
  /** Rank of submission, from 1. */
  readonly order: number;
  readonly arrived: SimTime;
  readonly queued: SimTime;
  readonly names: BlockNames;
  /** Most outputs that there may be, as the scheduler knows. */
  readonly most: number;
  /** Outputs that there will be. */
  readonly limit: number;
  readonly endsBy: Outcome & ("stop" | "length");
  /** Whether it is longer than the context. */
  readonly outgrows: boolean;
  /** Whether another engine computes its prompt, or goes on from there. */
  readonly kv: SubmitOptions["kv"];
  /** Whether it has asked another engine. */
  hasAsked = false;

  state: "arriving" | "waiting" | "running" | "hung-up" | "ended" = "arriving";
  /** Prompt and outputs so far. */
  known: number;
  outputs = 0;
  /** Tokens whose KV is computed, or will be by steps scheduled so far. */
  computed = 0;
  /** Outputs that steps scheduled so far will bring. */
  placeholders = 0;
  /** `known` when it was last admitted: from there on it decodes. */
  prefillEnd = 0;
  /** Steps with drafts so far. */
  verifications = 0;

  /** Per KV group: its blocks by index. undefined: not held, since no longer (or never) looked at. */
  tables: (Block | undefined)[][] = [];
  /** Leading blocks that have their names. */
  named = 0;
  load: Load | undefined;
  /** Leading prompt blocks that have been offered to host memory. */
  offered = 0;

  cached = 0;
  preemptions = 0;
  scheduled: SimTime | undefined;
  firstToken: SimTime | undefined;
  lastToken = START;
  firstTold = false;
  /** `blis` mode: gaps between its tokens in sum, which leave out steps without it (D10). */
  gapSum = 0;

  constructor(
    request: Request,
    order: number,
    config: EngineConfig,
    arrived: SimTime,
    queued: SimTime,
    kv: SubmitOptions["kv"],
  ) {
    const { promptTokens, outputTokens, maxTokens = Number.POSITIVE_INFINITY } = request;
    const room = config.maxModelLen - promptTokens;
    this.request = request;
    this.order = order;
    this.arrived = arrived;
    this.queued = queued;
    this.names = namesOf(request, order, config.blockSize);
    this.most = Math.min(maxTokens, room);
    this.limit = Math.min(outputTokens, this.most);
    this.outgrows = outputTokens > room;
    // To the reference simulator the most that the client asked for is the request's own length.
    this.endsBy = this.outgrows || (config.mode === "vllm" && outputTokens >= maxTokens) ? "length" : "stop";
    this.known = promptTokens;
    this.kv = config.mode === "vllm" ? kv : undefined;
  }
}
