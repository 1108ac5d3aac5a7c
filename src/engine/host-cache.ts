import type { OffloadState } from "../model/engine-state.ts";
import type { SimTime } from "../sim/time.ts";
import type { OffloadConfig } from "./engine.ts";
import { type Direction, OffloadTally } from "./offload-tally.ts";
import type { Sequence } from "./sequence.ts";

interface Entry {
  readableAt: number;
  /** Not to be evicted before. */
  busyUntil: number;
}

/**
 * KV blocks of prompts in host memory: a least-recently-used cache that is written after each step and read for whoever
 * is admitted. Transfers of one direction follow one another; those of a GPU's two directions don't disturb each other.
 * Source: vllm/v1/kv_offload (lru_manager.py, worker/cpu_gpu.py) and
 * vllm/distributed/kv_transfer/kv_connector/v1/offloading_connector.py, `offload_prompt_only` (September 2026).
 */
export class HostCache {
  readonly #config: OffloadConfig;
  readonly #blockSize: number;
  readonly #tally: OffloadTally | undefined;
  /** Oldest first. */
  readonly #entries = new Map<number, Entry>();
  /** When the last transfer of each direction ends. */
  readonly #ends: Record<Direction, number> = { load: 0, store: 0 };

  constructor(config: OffloadConfig, blockSize: number) {
    this.#config = config;
    this.#blockSize = blockSize;
    const { connector, hostBlocks } = config;
    this.#tally = connector === undefined ? undefined : new OffloadTally(connector, hostBlocks);
  }

  /** @param below blocks begun to be read from the tier below, and to be written there, since the start */
  look(below: { readonly read: number; readonly written: number }, now: SimTime): OffloadState | undefined {
    return this.#tally?.look(below, now);
  }

  /** Whether all that is written can be read at `now`. */
  settled(now: SimTime): boolean {
    return this.#ends.store <= now;
  }

  /** @returns how many of a sequence's full blocks follow the first `hits` */
  lookup(sequence: Sequence, hits: number, now: SimTime): number {
    const most = Math.floor(sequence.known / this.#blockSize);
    let at = hits;
    for (; at < most; at += 1) {
      const entry = this.#entries.get(keyOf(sequence, at));
      if (entry === undefined || entry.readableAt > now) break;
    }
    return at - hits;
  }

  /** Begins to read `count` blocks that follow the first `hits`. @returns when it ends */
  load(sequence: Sequence, hits: number, count: number, now: SimTime): SimTime {
    const keys = keysOf(sequence, hits, hits + count);
    const end = this.#transfer("load", keys, now);
    for (const key of keys) {
      const entry = this.#entries.get(key) as Entry;
      entry.busyUntil = Math.max(entry.busyUntil, end);
      this.#touch(key, entry);
    }
    return end;
  }

  /**
   * Begins to write a sequence's blocks from `from` up to `until`. Where there is no room for all of them none is written.
   * @returns how many are
   */
  store(sequence: Sequence, from: number, until: number, now: SimTime): number {
    const keys = keysOf(sequence, from, until);
    const absent = this.#absent(keys);
    const found = this.#makeRoom(absent.length, keys, now);
    if (absent.length > 0) this.#tally?.allocate(absent.length, found);
    if (!found) return 0;
    this.#keep(keys, absent.length === 0 ? now : this.#transfer("store", absent, now));
    return absent.length;
  }

  /** Keeps blocks that have come through host memory from below, if there is room for all of them. */
  promote(sequence: Sequence, from: number, until: number, now: SimTime): void {
    const keys = keysOf(sequence, from, until);
    if (this.#makeRoom(this.#absent(keys).length, keys, now)) this.#keep(keys, now);
    this.#tally?.passed(until - from, this.#timeOf(until - from));
  }

  #absent(keys: readonly number[]): readonly number[] {
    return keys.filter((key) => !this.#entries.has(key));
  }

  /** @returns when blocks that are asked for now have come their way, after those before them */
  #transfer(direction: Direction, keys: readonly number[], now: SimTime): SimTime {
    const micros = this.#timeOf(keys.length);
    const end = (Math.max(now, this.#ends[direction]) + micros) as SimTime;
    this.#ends[direction] = end;
    this.#tally?.begin(direction, keys, end, micros, now);
    return end;
  }

  #keep(keys: readonly number[], readableAt: number): void {
    for (const key of keys) this.#touch(key, this.#entries.get(key) ?? { readableAt, busyUntil: readableAt });
  }

  /** Of one transfer, microseconds. */
  #timeOf(blocks: number): number {
    return this.#config.latencyMicros + Math.ceil(blocks * this.#config.microsPerBlock);
  }

  #makeRoom(count: number, keep: readonly number[], now: SimTime): boolean {
    const lacking = count - (this.#config.hostBlocks - this.#entries.size);
    if (lacking <= 0) return true;
    const spare: number[] = [];
    for (const [key, { busyUntil }] of this.#entries) {
      if (spare.length === lacking) break;
      if (busyUntil <= now && !keep.includes(key)) spare.push(key);
    }
    if (spare.length < lacking) return false;
    for (const key of spare) this.#entries.delete(key);
    return true;
  }

  #touch(key: number, entry: Entry): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
  }
}

/** A sequence's own blocks have names that nobody else knows. */
const keyOf = ({ shared, order }: Sequence, at: number): number =>
  at < shared.limit ? shared.at(at) : -(order * 2 ** 21 + at);

/** The last first, so that the beginning of a prompt outlives its end. */
const keysOf = (sequence: Sequence, from: number, until: number): readonly number[] => {
  const keys: number[] = [];
  for (let at = until - 1; at >= from; at -= 1) keys.push(keyOf(sequence, at));
  return keys;
};
