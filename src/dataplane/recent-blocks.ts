import type { HolderIndex } from "./holder-index.ts";

/** One block, or a run of nameless ones: a link of the list, least recent first. */
class Entry {
  older: Entry = this;
  newer: Entry = this;
  /** Row of the index; undefined: nobody asks for these. */
  readonly row: number | undefined;
  blocks: number;

  constructor(row: number | undefined, blocks: number) {
    this.row = row;
    this.blocks = blocks;
  }
}

/**
 * What a router believes one endpoint to hold: its most recently sent blocks, up to a capacity, also in the index of all
 * endpoints. Blocks without a name (nobody else's) take their room too, whole runs of them at a time.
 */
export class RecentBlocks {
  readonly #index: HolderIndex;
  readonly #slot: number;
  readonly #capacity: number;
  /** By row. */
  readonly #named = new Map<number, Entry>();
  /** Ring: its newer is the least recent. */
  readonly #ring = new Entry(undefined, 0);
  #size = 0;

  constructor(index: HolderIndex, slot: number, capacity: number) {
    this.#index = index;
    this.#slot = slot;
    this.#capacity = capacity;
  }

  /** Blocks, at most the capacity. */
  get size(): number {
    return this.#size;
  }

  /** @param before row of the block before it in the prompt @returns its own */
  touch(name: number, before?: number): number {
    const row = this.#index.hold(name, this.#slot, before);
    const known = this.#named.get(row);
    if (known !== undefined) {
      unlink(known);
      this.#append(known);
      return row;
    }
    const entry = new Entry(row, 1);
    this.#named.set(row, entry);
    this.#append(entry);
    this.#size += 1;
    this.#evict();
    return row;
  }

  /** Blocks that nobody will ask for again. */
  pass(blocks: number): void {
    if (blocks <= 0) return;
    this.#append(new Entry(undefined, blocks));
    this.#size += blocks;
    this.#evict();
  }

  clear(): void {
    for (const row of this.#named.keys()) this.#index.drop(row, this.#slot);
    this.#named.clear();
    this.#ring.older = this.#ring.newer = this.#ring;
    this.#size = 0;
  }

  #append(entry: Entry): void {
    const newest = this.#ring.older;
    entry.older = newest;
    entry.newer = this.#ring;
    newest.newer = entry;
    this.#ring.older = entry;
  }

  #evict(): void {
    for (let over = this.#size - this.#capacity; over > 0; over = this.#size - this.#capacity) {
      const oldest = this.#ring.newer;
      this.#size -= Math.min(over, oldest.blocks);
      if (oldest.blocks > over) {
        oldest.blocks -= over;
        return;
      }
      unlink(oldest);
      if (oldest.row === undefined) continue;
      this.#named.delete(oldest.row);
      this.#index.drop(oldest.row, this.#slot);
    }
  }
}

const unlink = ({ older, newer }: Entry): void => {
  older.newer = newer;
  newer.older = older;
};
