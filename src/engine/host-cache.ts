import type { SimTime } from "../sim/time.ts";
import type { OffloadConfig } from "./engine.ts";
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
  /** Oldest first. */
  readonly #entries = new Map<number, Entry>();
  #readsEnd = 0;
  #writesEnd = 0;

  constructor(config: OffloadConfig, blockSize: number) {
    this.#config = config;
    this.#blockSize = blockSize;
  }

  /** Whether all that is written can be read at `now`. */
  settled(now: SimTime): boolean {
    return this.#writesEnd <= now;
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
    const end = this.#transfer(Math.max(now, this.#readsEnd), count);
    this.#readsEnd = end;
    for (let at = hits + count - 1; at >= hits; at -= 1) {
      const key = keyOf(sequence, at);
      const entry = this.#entries.get(key) as Entry;
      entry.busyUntil = Math.max(entry.busyUntil, end);
      this.#touch(key, entry);
    }
    return end as SimTime;
  }

  /**
   * Begins to write a sequence's blocks from `from` up to `until`. Where there is no room for all of them none is written.
   * @returns how many are
   */
  store(sequence: Sequence, from: number, until: number, now: SimTime): number {
    const keys = keysOf(sequence, from, until);
    const absent = this.#absent(keys);
    if (!this.#makeRoom(absent, keys, now)) return 0;
    const end = absent === 0 ? now : this.#transfer(Math.max(now, this.#writesEnd), absent);
    if (absent > 0) this.#writesEnd = end;
    this.#keep(keys, end);
    return absent;
  }

  /** Keeps blocks that have come through host memory from below, if there is room for all of them. */
  promote(sequence: Sequence, from: number, until: number, now: SimTime): void {
    const keys = keysOf(sequence, from, until);
    if (this.#makeRoom(this.#absent(keys), keys, now)) this.#keep(keys, now);
  }

  #absent(keys: readonly number[]): number {
    let absent = 0;
    for (const key of keys) if (!this.#entries.has(key)) absent += 1;
    return absent;
  }

  #keep(keys: readonly number[], readableAt: number): void {
    for (const key of keys) this.#touch(key, this.#entries.get(key) ?? { readableAt, busyUntil: readableAt });
  }

  #transfer(start: number, blocks: number): number {
    return start + this.#config.latencyMicros + Math.ceil(blocks * this.#config.microsPerBlock);
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
