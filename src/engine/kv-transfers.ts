import { invariant } from "../sim/invariant.ts";
import { after, micros, NEVER, type SimTime } from "../sim/time.ts";
import type { EngineConfig, EngineListener } from "./engine.ts";
import type { KvTier } from "./kv-tier.ts";
import type { KvLoad, Sequence } from "./sequence.ts";

const SEND_TIMEOUT_MICROS = 480_000_000;

/**
 * Blocks that other engines read from or write to: after its end a sequence keeps those that another engine is to fetch;
 * one whose prompt was computed elsewhere waits until its own have been written, and one that hangs up meanwhile leaves
 * them behind. Sources: NixlConnectorScheduler (vllm/distributed/kv_transfer/kv_connector/v1/nixl/scheduler.py),
 * Scheduler._update_from_kv_xfer_finished and _free_request (vllm/v1/core/sched/scheduler.py; May 2026).
 */
export class KvTransfers {
  readonly #listener: EngineListener;
  readonly #timeout: number;
  readonly #recomputes: boolean;
  /** With the instant up to which they are kept, the oldest first. */
  readonly #sending = new Map<Sequence, SimTime>();
  /** With the blocks that they had before. */
  readonly #receiving = new Map<Sequence, number>();

  constructor(config: EngineConfig, listener: EngineListener) {
    this.#listener = listener;
    this.#timeout = config.kvSendTimeoutMicros ?? SEND_TIMEOUT_MICROS;
    this.#recomputes = config.kvLoadFailurePolicy === "recompute";
  }

  /** Who hears which blocks can be found. */
  get events(): EngineListener["kvCached"] {
    if (this.#listener.kvCached === undefined) return undefined;
    return (...cached) => this.#listener.kvCached?.(...cached);
  }

  get tier(): KvTier | undefined {
    return this.#listener.kvTier;
  }

  /** When the next blocks are given up that nobody has fetched. */
  get nextExpiry(): SimTime {
    if (this.#sending.size === 0) return NEVER;
    const [first] = this.#sending.values();
    return first as SimTime;
  }

  /** Its blocks are kept from now on. */
  keep(sequence: Sequence, now: SimTime): void {
    this.#sending.set(sequence, after(now, micros(this.#timeout)));
  }

  /** Takes the next one whose blocks nobody has fetched by `at`. */
  popExpired(at: SimTime): Sequence | undefined {
    if (this.nextExpiry > at) return undefined;
    const [sequence] = this.#sending.keys();
    this.#sending.delete(sequence as Sequence);
    return sequence;
  }

  /** Takes the one whose blocks have been fetched. */
  sent(requestId: number): Sequence | undefined {
    return take(this.#sending, requestId);
  }

  /** It has all the blocks that its known tokens need, the first `hits` with what belongs there. */
  ask(sequence: Sequence, at: SimTime, hits: number, blocks: number, tokens: number): void {
    const { request } = sequence;
    invariant(this.#listener.kvWanted !== undefined, "whoever submits a request that receives its KV hears `kvWanted`");
    sequence.receives = false;
    this.#await(sequence, hits, { blocks, far: 0, nearEnd: at });
    this.#listener.kvWanted(request, at, tokens, blocks - hits);
  }

  /** The tier below host memory has been asked for the last `far` of its first `blocks` blocks. */
  fetch(sequence: Sequence, hits: number, load: Omit<KvLoad, "end">): void {
    this.#await(sequence, hits, load);
  }

  #await(sequence: Sequence, hits: number, load: Omit<KvLoad, "end">): void {
    sequence.load = { ...load, end: NEVER };
    this.#receiving.set(sequence, hits);
  }

  /** @returns the one whose KV has come */
  arrived(requestId: number, now: SimTime): Sequence | undefined {
    const sequence = take(this.#receiving, requestId);
    if (sequence !== undefined) endLoad(sequence, now);
    return sequence;
  }

  /** @returns the one whose KV won't come; if it may, it computes what it lacks */
  failed(requestId: number, now: SimTime): { readonly sequence: Sequence; readonly ends: boolean } | undefined {
    const sequence = oldest(this.#receiving, requestId);
    if (sequence === undefined) return undefined;
    const hits = this.#receiving.get(sequence) as number;
    this.#receiving.delete(sequence);
    if (sequence.load !== undefined) sequence.load = { end: now, blocks: hits, far: 0, nearEnd: now };
    return { sequence, ends: !this.#recomputes && sequence.state === "waiting" };
  }

  /** Takes all that are gone, but have blocks; what the others wait for is over. */
  popAll(now: SimTime): readonly Sequence[] {
    const all = [...this.#sending.keys(), ...this.#receiving.keys()];
    this.#sending.clear();
    this.#receiving.clear();
    for (const sequence of all) endLoad(sequence, now);
    return all.filter(({ state }) => state === "gone");
  }
}

const endLoad = (sequence: Sequence, now: SimTime): void => {
  const { load } = sequence;
  if (load !== undefined) sequence.load = { ...load, end: Math.max(now, load.nearEnd) as SimTime };
};

/** A client may come back with the same id. */
const oldest = (sequences: ReadonlyMap<Sequence, unknown>, requestId: number): Sequence | undefined => {
  for (const sequence of sequences.keys()) if (sequence.request.id === requestId) return sequence;
  return undefined;
};

const take = (sequences: Map<Sequence, unknown>, requestId: number): Sequence | undefined => {
  const sequence = oldest(sequences, requestId);
  if (sequence !== undefined) sequences.delete(sequence);
  return sequence;
};
