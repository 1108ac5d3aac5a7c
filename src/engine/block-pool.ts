import type { PrefixKeys } from "../model/prefix-keys.ts";
import { invariant } from "../sim/invariant.ts";

/**
 * Neighbouring blocks of one sequence that are free but keep what they hold, blocks without a key, or one block that
 * others may find, free or held: a link of the list of free blocks, oldest first.
 */
export class BlockRun {
  next: BlockRun = this;
  previous: BlockRun = this;
  /** Of a block that others may find; 0: none. */
  key = 0;
  /** Holders of such a block; it is in the list only without any. */
  holders = 0;
  /** Whether it is the one that is found by its key; others may have the same. */
  found = false;
  /** What came after it in a chain when it was last sought. */
  follower: BlockRun | undefined;
  /** Among whose kept blocks these are `from` to `from + count`; undefined: nobody's. */
  owner: KeptBlocks | undefined;
  from = 0;
  count = 1;
}

/** A sequence's own blocks that are free but keep what they held: the newest last. Nobody else looks for them. */
export class KeptBlocks {
  readonly runs: BlockRun[] = [];
  /** Indices that can't be found although a block is there, since one with the same key was evicted (BLIS, D7). */
  readonly forgotten = new Set<number>();
}

export interface PoolOptions {
  /** Usable blocks. */
  readonly size: number;
  /** Groups of layers; equal keys of different groups are different blocks. */
  readonly groups: number;
  /**
   * `both`: of two blocks with one key both are remembered and the older one is found (vLLM).
   * `newest`: only the newer one, and evicting either forgets the key (BLIS, difference D7).
   */
  readonly duplicates: "both" | "newest";
  /** Blocks that are freed without a key are used up first (newer vLLM, D6), or stand in line like all others. */
  readonly keylessFirst: boolean;
  /** Hears of keys of the first group that can be found from now on, or no longer. */
  readonly events?: (kind: "stored" | "removed", key: number) => void;
}

/**
 * KV blocks without identity: how many are free, which keys can be found, and in which order free blocks are used up.
 * A free block with a key still serves hits; taking it forgets the key, which is the eviction
 * (vllm/v1/core/block_pool.py). A sequence's own blocks come and go as runs, so that they cost O(1) together.
 *
 * Invariants: `free` is the sum of the list's counts; a run is in the list of its owner exactly if it is in this list;
 * a run is used up from its end, since a sequence's last block is freed first.
 */
export class BlockPool {
  readonly size: number;
  readonly #options: PoolOptions;
  /** Ring: its next is the oldest free run. */
  readonly #ring = new BlockRun();
  /** By group: blocks that others may find. */
  readonly #index: readonly Map<number, BlockRun | BlockRun[]>[];
  #free: number;
  readonly #newest: boolean;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.size = options.size;
    this.#free = 0;
    this.#newest = options.duplicates === "newest";
    this.#index = Array.from({ length: options.groups }, () => new Map());
    this.giveBack(options.size);
  }

  get free(): number {
    return this.#free;
  }

  /** @returns the block with a key, or undefined */
  find(group: number, key: number): BlockRun | undefined {
    const entry = (this.#index[group] as Map<number, BlockRun | BlockRun[]>).get(key);
    return Array.isArray(entry) ? entry[0] : entry;
  }

  /**
   * The block with the `index`th of these keys, or undefined, where `before` is the one before it: the same chains are
   * sought over and over, so what followed is remembered.
   */
  findAfter(before: BlockRun, group: number, keys: PrefixKeys, index: number): BlockRun | undefined {
    const last = before.follower;
    if (last?.found === true && keys.isAt(index, last.key)) return last;
    before.follower = this.find(group, keys.at(index));
    return before.follower;
  }

  /** Takes the `count` oldest free blocks and forgets what they held. */
  take(count: number): void {
    invariant(count <= this.#free, "blocks are taken only where so many are free");
    this.#free -= count;
    let left = count;
    while (left > 0) {
      const run = this.#ring.next;
      if (run.owner !== undefined && this.#newest) forget(run, Math.max(0, run.count - left));
      if (run.count > left) {
        run.count -= left;
        return;
      }
      left -= run.count;
      unlink(run);
      if (run.key !== 0) this.#forget(run);
      if (run.owner !== undefined) run.owner.runs.splice(run.owner.runs.indexOf(run), 1);
    }
  }

  /** One holder more, of a block found by its key. */
  claim(block: BlockRun): void {
    if (block.holders === 0) {
      unlink(block);
      this.#free -= 1;
    }
    block.holders += 1;
  }

  /** One holder less; without any the block is free. */
  release(block: BlockRun): void {
    block.holders -= 1;
    invariant(block.holders >= 0, "a block is released as often as it was taken");
    if (block.holders === 0) this.#append(block);
  }

  /** `count` blocks without a key become free. */
  giveBack(count: number): void {
    this.#giveBackNameless(count, this.#options.keylessFirst);
  }

  /** `count` blocks with keys that nobody will look for become free. */
  giveBackUnsought(count: number): void {
    this.#giveBackNameless(count, false);
  }

  #giveBackNameless(count: number, asOldest: boolean): void {
    if (count === 0) return;
    const { next: first, previous: last } = this.#ring;
    const neighbour = asOldest ? first : last;
    if (neighbour !== this.#ring && neighbour.key === 0 && neighbour.owner === undefined) {
      neighbour.count += count;
      this.#free += count;
      return;
    }
    const run = new BlockRun();
    run.count = count;
    this.#insert(run, asOldest ? first : this.#ring);
  }

  /** A sequence's blocks `from` to `from + count` become free; it may still claim them. */
  giveBackOwn(owner: KeptBlocks, from: number, count: number): void {
    if (count === 0) return;
    const run = new BlockRun();
    run.owner = owner;
    run.from = from;
    run.count = count;
    owner.runs.push(run);
    this.#append(run);
  }

  /** @returns the end of the unbroken chain of own blocks that begins at `from`, at most `most`; `from`: there is none */
  chainEnd(owner: KeptBlocks, from: number, most: number): number {
    let at = from;
    while (at < most) {
      const run = this.#runAt(owner, at);
      if (run === undefined) break;
      at = Math.min(most, this.#endOf(owner, run, at));
    }
    return at;
  }

  /** Takes back a sequence's own blocks `from` to `to`, all of which can be found. */
  claimOwn(owner: KeptBlocks, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const run = this.#runAt(owner, at) as BlockRun;
      const end = Math.min(to, this.#endOf(owner, run, at));
      this.#cut(owner, run, at, end);
      at = end;
    }
  }

  /** The run with block `at` that is found: of duplicates the oldest, or the newest. */
  #runAt({ runs, forgotten }: KeptBlocks, at: number): BlockRun | undefined {
    if (forgotten.has(at)) return undefined;
    const holds = (run: BlockRun): boolean => run.from <= at && at < run.from + run.count;
    return this.#newest ? runs.findLast(holds) : runs.find(holds);
  }

  /** Where `run` ends, or one that is found before it begins, or what is there is forgotten. */
  #endOf({ runs, forgotten }: KeptBlocks, run: BlockRun, at: number): number {
    let end = run.from + run.count;
    const place = runs.indexOf(run);
    const first = this.#newest ? runs.slice(place + 1) : runs.slice(0, place);
    for (const { from } of first) if (from > at) end = Math.min(end, from);
    for (const index of forgotten) if (index > at) end = Math.min(end, index);
    return end;
  }

  /** A held block can be found from now on. @returns it */
  name(group: number, key: number): BlockRun {
    const block = new BlockRun();
    block.key = key;
    block.from = group;
    block.holders = 1;
    const index = this.#index[group] as Map<number, BlockRun | BlockRun[]>;
    const entry = index.get(key);
    if (entry === undefined && group === 0) this.#options.events?.("stored", key);
    if (entry === undefined || this.#newest) {
      if (entry !== undefined) (entry as BlockRun).found = false;
      block.found = true;
      index.set(key, block);
    } else if (Array.isArray(entry)) entry.push(block);
    else index.set(key, [entry, block]);
    return block;
  }

  #cut({ runs }: KeptBlocks, run: BlockRun, from: number, to: number): void {
    this.#free -= to - from;
    const end = run.from + run.count;
    if (to < end && from > run.from) {
      const upper = new BlockRun();
      upper.owner = run.owner;
      upper.from = to;
      upper.count = end - to;
      runs.splice(runs.indexOf(run), 0, upper);
      this.#free -= upper.count;
      this.#insert(upper, run);
      run.count = from - run.from;
    } else if (to < end) {
      run.from = to;
      run.count = end - to;
    } else if (from > run.from) run.count = from - run.from;
    else {
      unlink(run);
      runs.splice(runs.indexOf(run), 1);
    }
  }

  #forget(block: BlockRun): void {
    const index = this.#index[block.from] as Map<number, BlockRun | BlockRun[]>;
    const entry = index.get(block.key);
    block.found = false;
    block.follower = undefined;
    if (!Array.isArray(entry)) {
      if (entry !== undefined) entry.found = false;
      index.delete(block.key);
      if (block.from === 0) this.#options.events?.("removed", block.key);
      return;
    }
    entry.splice(entry.indexOf(block), 1);
    const first = entry[0] as BlockRun;
    first.found = true;
    if (entry.length === 1) index.set(block.key, first);
  }

  #append(run: BlockRun): void {
    this.#insert(run, this.#ring);
  }

  #insert(run: BlockRun, after: BlockRun): void {
    run.next = after;
    run.previous = after.previous;
    after.previous.next = run;
    after.previous = run;
    this.#free += run.count;
  }
}

const unlink = (run: BlockRun): void => {
  run.previous.next = run.next;
  run.next.previous = run.previous;
};

/** The blocks of a run from its `left`th on are evicted, and with them whatever has the same key. */
const forget = ({ owner, from, count }: BlockRun, left: number): void => {
  for (let at = from + left; at < from + count; at += 1) owner?.forgotten.add(at);
};
