import type { HolderIndex } from "./holder-index.ts";

/**
 * What a router believes one endpoint to hold: its most recently sent blocks, up to a capacity, also in the index of all
 * endpoints. Blocks without a name (nobody else's) take their room too, whole runs of them at a time.
 */
export class RecentBlocks {
  readonly #index: HolderIndex;
  readonly #slot: number;
  readonly #capacity: number;
  /** Least recent first: rows of the index, each one block; runs of nameless blocks under negative numbers. */
  readonly #blocks = new Map<number, number>();
  #size = 0;
  #run = 0;

  constructor(index: HolderIndex, slot: number, capacity: number) {
    this.#index = index;
    this.#slot = slot;
    this.#capacity = capacity;
  }

  /** Blocks, at most the capacity. */
  get size(): number {
    return this.#size;
  }

  touch(name: number): void {
    const row = this.#index.hold(name, this.#slot);
    if (!this.#blocks.delete(row)) this.#size += 1;
    this.#blocks.set(row, 1);
    this.#evict();
  }

  /** Blocks that nobody will ask for again. */
  pass(blocks: number): void {
    if (blocks <= 0) return;
    this.#run -= 1;
    this.#blocks.set(this.#run, blocks);
    this.#size += blocks;
    this.#evict();
  }

  clear(): void {
    for (const row of this.#blocks.keys()) if (row >= 0) this.#index.drop(row, this.#slot);
    this.#blocks.clear();
    this.#size = 0;
  }

  #evict(): void {
    if (this.#size <= this.#capacity) return;
    for (const [key, blocks] of this.#blocks) {
      const over = this.#size - this.#capacity;
      if (over <= 0) return;
      this.#size -= Math.min(over, blocks);
      if (blocks > over) {
        this.#blocks.set(key, blocks - over);
        return;
      }
      this.#blocks.delete(key);
      if (key >= 0) this.#index.drop(key, this.#slot);
    }
  }
}
