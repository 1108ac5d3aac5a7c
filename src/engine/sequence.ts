import { type PrefixKeys, prefixKeys } from "../model/prefix-keys.ts";
import type { EncoderItem, Request } from "../model/request.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { EngineConfig, SubmitOptions } from "./engine.ts";
import { Holding } from "./holding.ts";

/** Blocks of a sequence that come from host memory, from a tier below it or from another engine. */
export interface KvLoad {
  /** NEVER: nobody knows yet. */
  readonly end: SimTime;
  /** Its leading blocks that are there when the load is done. */
  readonly blocks: number;
  /** Of those, the last ones, that come from the tier below host memory. */
  readonly far: number;
  /** When those from host memory are there. */
  readonly nearEnd: SimTime;
}

/**
 * A request inside the engine: on its way to the queue, waiting, running, leaving (its client hung up while a step is
 * under way), or gone.
 */
export class Sequence {
  readonly request: Request;
  /** Rank of its submission, from 1. */
  readonly order: number;
  /** Index among those inside the engine; -1: it is out. */
  place = -1;
  /** Of the data-parallel rank that serves it. */
  rankIndex = 0;
  /** At the server; in the engine's queue. */
  readonly arrived: SimTime;
  readonly queued: SimTime;
  readonly shared: PrefixKeys;
  /** Output tokens after which it ends. */
  readonly limit: number;
  /** Whether its budget or the context ends it, not its own end-of-sequence token. */
  readonly cut: boolean;
  /** Whether the context has no room for more, though more would come. */
  readonly capped: boolean;
  /** Whether the scheduler knows the last token before it is out. */
  readonly foreseen: boolean;
  readonly priority: number;

  /** Prompt and outputs so far. */
  known: number;
  state: "arriving" | "waiting" | "running" | "leaving" | "gone" = "arriving";
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
  /** Its blocks, by group of layers. */
  readonly kv: readonly Holding[];
  /** Leading blocks that have a key. */
  keyed = 0;
  /** Leading blocks of its prompt that were offered to the host and to the tier below. */
  offered = 0;
  /** Blocks on their way to it; it waits for them. */
  load: KvLoad | undefined;
  /** Whether another engine has still to be asked for its prompt's KV; and whether one will fetch its blocks. */
  receives: boolean;
  readonly sends: boolean;

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
  /** Steps that verified drafts for it. */
  verifications = 0;

  /** Rank of its admission, from 1: its place among the running. */
  rank = 0;
  /**
   * Whether it coasts (coasters.ts): its figures above are then those of when it began, `since` the step scheduled last
   * before, `endsWith` the step that brings its last token, and `gapsBefore` the gaps that others had by then; `seat` is its
   * place among them.
   */
  coasting = false;
  seat = 0;
  since = 0;
  endsWith = 0;
  gapsBefore = 0;

  constructor(
    request: Request,
    order: number,
    arrived: SimTime,
    queued: SimTime,
    config: EngineConfig,
    kv?: SubmitOptions["kv"],
  ) {
    const { promptTokens, outputTokens, maxTokens } = request;
    const room = config.maxModelLen - promptTokens;
    // Whole numbers all along: with an infinite one among them V8 takes them for doubles.
    const most = maxTokens === undefined ? room : Math.min(maxTokens, room);
    this.request = request;
    this.known = promptTokens;
    this.order = order;
    this.arrived = arrived;
    this.queued = queued;
    this.priority = request.priority ?? 0;
    this.shared = prefixKeys(request, config.blockSize);
    this.limit = Math.min(outputTokens, most);
    this.capped = outputTokens > room;
    // The reference simulator calls only a full context a cut.
    this.cut = this.capped || (config.mode === "vllm" && maxTokens !== undefined && outputTokens >= maxTokens);
    this.foreseen = this.limit === most;
    const apart = kv !== undefined && config.mode === "vllm";
    this.receives = apart && kv === "receive";
    this.sends = apart && kv === "send";
    this.kv = config.kvGroups === undefined ? [new Holding()] : config.kvGroups.map(() => new Holding());
  }

  get encoderItems(): readonly EncoderItem[] {
    return this.request.encoderItems ?? NO_ITEMS;
  }

  /** Whether it still is among those that the engine works for. */
  get lives(): boolean {
    return this.state === "waiting" || this.state === "running";
  }
}

const NO_ITEMS: readonly EncoderItem[] = [];
