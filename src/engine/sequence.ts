import type { Request } from "../model/request.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { PrefixKeys } from "./prefix-keys.ts";

/** A request inside the engine: on its way to the queue, waiting, running, or gone (finished, aborted). */
export class Sequence {
  readonly request: Request;
  /** Rank of its submission, from 1; names its private blocks. */
  readonly order: number;
  /** At the server; in the engine's queue. */
  readonly arrived: SimTime;
  readonly queued: SimTime;
  readonly shared: PrefixKeys;
  /** Output tokens after which it ends. */
  readonly limit: number;
  /** Whether the context's end stops it, not its own end-of-sequence token. */
  readonly capped: boolean;

  /** Prompt and outputs so far. */
  known: number;
  state: "arriving" | "waiting" | "running" | "gone" = "arriving";
  /** Output tokens that have come out. */
  outputs = 0;
  /** Tokens whose KV is computed or being computed by a step under way. */
  computed = 0;
  /** Output tokens that steps under way will bring. */
  placeholders = 0;
  /** Tokens to compute before it decodes: the prompt, and after a preemption the outputs so far as well. */
  prefillEnd = 0;

  /** Tokens that its blocks have room for. */
  room = 0;
  /** KV blocks held, from index `firstBlock` of its tokens on. */
  blocks: number[] = [];
  /** 0, but for a wholly cached prompt in `blis` mode, whose blocks aren't held (D1). */
  firstBlock = 0;
  /** Leading blocks that have a key. */
  keyed = 0;
  /** Blocks held before a preemption; those whose key still is this sequence's can be found again. */
  former: readonly number[] = [];

  /** Prompt tokens found in the cache when first admitted. */
  cached = 0;
  preemptions = 0;
  /** Start of the step that first admitted it; ends of the steps that brought its first and its newest token. */
  scheduled: SimTime | undefined;
  firstToken: SimTime | undefined;
  /** Means nothing before the first token. */
  lastToken = START;
  /** Whether its first token has been told; `blis` mode may measure it anew. */
  firstTold = false;
  /** Gaps between its tokens in sum, microseconds; `blis` mode only, which leaves out steps without it (D10). */
  gapSum = 0;

  /** Rank of its admission, from 1: its place among the running. */
  rank = 0;
  /**
   * Whether it coasts (coasters.ts): its figures above are then those of when it began, `since` the step scheduled last
   * before, `endsWith` the step that brings its last token, and `gapsBefore` the gaps that others had by then.
   */
  coasting = false;
  since = 0;
  endsWith = 0;
  gapsBefore = 0;

  constructor(
    request: Request,
    order: number,
    at: { readonly arrived: SimTime; readonly queued: SimTime },
    shared: PrefixKeys,
    maxOutputs: number,
  ) {
    this.request = request;
    this.known = request.promptTokens;
    this.order = order;
    this.arrived = at.arrived;
    this.queued = at.queued;
    this.shared = shared;
    this.limit = Math.min(request.outputTokens, maxOutputs);
    this.capped = request.outputTokens > maxOutputs;
  }

  /** Name of its block `index`: that of the shared prefix, or one that nobody else has. */
  keyOf(index: number): number {
    return index < this.shared.count ? this.shared.at(index) : this.order * 2 ** 21 + index;
  }
}
