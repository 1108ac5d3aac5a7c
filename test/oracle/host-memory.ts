import type { OffloadConfig } from "../../src/engine/engine.ts";
import { invariant } from "../../src/sim/invariant.ts";
import type { SimTime } from "../../src/sim/time.ts";

/** A KV block's copy in host memory: readable from `readyAt` on, and kept at least until `keptUntil`. */
interface Copy {
  readyAt: number;
  keptUntil: number;
}

/**
 * KV blocks of prompts kept in host memory, the one used last evicted last, and the two directions of its link, each of
 * which carries one transfer after the other. Source: vllm/v1/kv_offload/ (LRU manager; May 2026).
 */
export class HostMemory {
  readonly #config: OffloadConfig;
  /** By name; the one used longest ago first. */
  readonly #copies = new Map<string, Copy>();
  #loadsEnd = 0;
  #storesEnd = 0;

  constructor(config: OffloadConfig) {
    this.#config = config;
  }

  /** How many of `names`, from the first on, can be read now. */
  readable(names: readonly string[], now: SimTime): number {
    const missing = names.findIndex((name) => (this.#copies.get(name)?.readyAt ?? Number.POSITIVE_INFINITY) > now);
    return missing < 0 ? names.length : missing;
  }

  /** Begins to bring `names` back. @returns the end of it */
  load(names: readonly string[], now: SimTime): SimTime {
    this.#loadsEnd = Math.max(now, this.#loadsEnd) + this.#transfer(names.length);
    for (const name of names) {
      const copy = this.#copies.get(name) as Copy;
      copy.keptUntil = Math.max(copy.keptUntil, this.#loadsEnd);
    }
    this.#touch(names);
    return this.#loadsEnd as SimTime;
  }

  /** Keeps `names` if there is room for all that are lacking; else none, and nothing changes. @returns how many were lacking */
  store(names: readonly string[], now: SimTime): number {
    const lacking = names.filter((name) => !this.#copies.has(name));
    if (!this.#makeRoom(lacking.length, names, now)) return 0;
    if (lacking.length > 0) {
      this.#storesEnd = Math.max(now, this.#storesEnd) + this.#transfer(lacking.length);
      for (const name of lacking) this.#copies.set(name, { readyAt: this.#storesEnd, keptUntil: this.#storesEnd });
    }
    this.#touch(names);
    return lacking.length;
  }

  /** Keeps names that have come from below it, if there is room for all; else none that is new. */
  take(names: readonly string[], now: SimTime): void {
    const lacking = names.filter((name) => !this.#copies.has(name));
    if (!this.#makeRoom(lacking.length, names, now)) return;
    for (const name of lacking) this.#copies.set(name, { readyAt: now, keptUntil: now });
    this.#touch(names);
  }

  /** @returns false, with nothing changed, if `count` more don't fit without `names` and what is in use */
  #makeRoom(count: number, names: readonly string[], now: SimTime): boolean {
    const free = this.#config.hostBlocks - this.#copies.size;
    const evictable = [...this.#copies].flatMap(([name, { keptUntil }]) =>
      keptUntil <= now && !names.includes(name) ? [name] : [],
    );
    if (free + evictable.length < count) return false;
    for (const name of evictable.slice(0, Math.max(0, count - free))) this.#copies.delete(name);
    return true;
  }

  /** @throws if too much is kept */
  audit(): void {
    invariant(this.#copies.size <= this.#config.hostBlocks, "copies fit host memory");
  }

  #transfer(blocks: number): number {
    return this.#config.latencyMicros + Math.ceil(blocks * this.#config.microsPerBlock);
  }

  /** The last one first, so that the beginning of a prompt outlives its end. */
  #touch(names: readonly string[]): void {
    for (const name of [...names].reverse()) {
      const copy = this.#copies.get(name) as Copy;
      this.#copies.delete(name);
      this.#copies.set(name, copy);
    }
  }
}
