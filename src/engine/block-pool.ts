import { invariant } from "../sim/invariant.ts";

/** Blocks that more than one request may look for have negative keys, private ones positive keys; 0 is no key. */
const NO_KEY = 0;

export interface PoolOptions {
  /** Usable blocks. */
  readonly size: number;
  /**
   * `both`: of two blocks with one key both are remembered and the older one is found (vLLM).
   * `newest`: only the newer one, and evicting either forgets the key (BLIS, difference D7).
   */
  readonly duplicates: "both" | "newest";
  /** Blocks that are freed without a key are used up first (newer vLLM, D6), or stand in line like all others. */
  readonly keylessFirst: boolean;
}

/**
 * KV blocks with reference counts, keys and a list of the free ones, oldest first. A free block with a key still serves
 * hits; taking it forgets the key, which is the eviction (vllm/v1/core/block_pool.py). Every operation costs O(1).
 */
export class BlockPool {
  readonly size: number;
  readonly #options: PoolOptions;
  readonly #references: Int32Array;
  readonly #keys: Float64Array;
  /** Ring of free blocks; `size` is the mark between its end and its head. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** Blocks by shared key; private keys need no entry, since their owner remembers its blocks. */
  readonly #index = new Map<number, number | number[]>();
  #free: number;

  constructor(options: PoolOptions) {
    const { size } = options;
    this.#options = options;
    this.size = size;
    this.#free = size;
    this.#references = new Int32Array(size);
    this.#keys = new Float64Array(size);
    this.#next = Int32Array.from({ length: size + 1 }, (_, i) => (i + 1) % (size + 1));
    this.#previous = Int32Array.from({ length: size + 1 }, (_, i) => (i + size) % (size + 1));
    this.#next[size] = 0;
    this.#previous[0] = size;
  }

  get free(): number {
    return this.#free;
  }

  isFree(block: number): boolean {
    return this.#references[block] === 0;
  }

  /** Key of a block, 0 if it has none. */
  keyOf(block: number): number {
    return this.#keys[block] as number;
  }

  /** @returns the block with a shared key, or undefined */
  find(key: number): number | undefined {
    const entry = this.#index.get(key);
    return typeof entry === "object" ? entry[0] : entry;
  }

  /** Takes the oldest free block and forgets what it held. */
  take(): number {
    invariant(this.#free > 0, "a block is taken only where one is free");
    const block = this.#next[this.size] as number;
    this.#unlink(block);
    this.#forget(block);
    this.#references[block] = 1;
    return block;
  }

  /** One holder more, of a block found by its key. */
  claim(block: number): void {
    if (this.#references[block] === 0) this.#unlink(block);
    this.#references[block] = (this.#references[block] as number) + 1;
  }

  /** One holder less; without any the block is free. */
  release(block: number): void {
    const left = (this.#references[block] as number) - 1;
    invariant(left >= 0, "a block is released as often as it was taken");
    this.#references[block] = left;
    if (left > 0) return;
    const first = this.#options.keylessFirst && this.#keys[block] === NO_KEY;
    this.#link(block, first ? (this.#next[this.size] as number) : this.size);
  }

  /** Gives a full block its key. */
  name(block: number, key: number): void {
    this.#keys[block] = key;
    if (key > 0) return;
    const entry = this.#index.get(key);
    if (entry === undefined || this.#options.duplicates === "newest") this.#index.set(key, block);
    else if (typeof entry === "object") entry.push(block);
    else this.#index.set(key, [entry, block]);
  }

  #forget(block: number): void {
    const key = this.#keys[block] as number;
    this.#keys[block] = NO_KEY;
    if (key >= 0) return;
    const entry = this.#index.get(key);
    if (typeof entry !== "object") {
      this.#index.delete(key);
      return;
    }
    entry.splice(entry.indexOf(block), 1);
    if (entry.length === 1) this.#index.set(key, entry[0] as number);
  }

  #unlink(block: number): void {
    const before = this.#previous[block] as number;
    const after = this.#next[block] as number;
    this.#next[before] = after;
    this.#previous[after] = before;
    this.#free -= 1;
  }

  #link(block: number, after: number): void {
    const before = this.#previous[after] as number;
    this.#next[before] = block;
    this.#previous[block] = before;
    this.#next[block] = after;
    this.#previous[after] = block;
    this.#free += 1;
  }
}
