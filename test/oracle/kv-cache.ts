import type { EngineConfig } from "../../src/engine/engine.ts";
import { type Block, BlockPool } from "./block-pool.ts";
import type { Sequence } from "./sequence.ts";

/** Layers that keep the same: `window` tokens, the newest included, or all. */
interface Group {
  readonly index: number;
  readonly window: number;
}

/**
 * Which sequence holds which blocks. Every index of a sequence needs a block in every group; a window group gives up
 * those that nobody looks back to any more.
 * Sources: vllm/v1/core/{kv_cache_manager,kv_cache_coordinator,single_type_kv_cache_manager}.py (May 2026); `blis` mode:
 * sim/kv/cache.go @f90a1e3a.
 */
export class KvCache {
  readonly pool: BlockPool;
  readonly #config: EngineConfig;
  readonly #blis: boolean;
  readonly #groups: readonly Group[];

  constructor(config: EngineConfig) {
    this.#config = config;
    this.#blis = config.mode === "blis";
    const groups = this.#blis ? [{}] : (config.kvGroups ?? [{}]);
    this.#groups = groups.map(({ window = Number.POSITIVE_INFINITY }, index) => ({ index, window }));
    // vLLM keeps one block as the null block (D5).
    this.pool = new BlockPool(config.numGpuBlocks - (this.#blis ? 0 : 1), config.mode);
  }

  /**
   * Leading blocks of which each group has all that it looks back to. At least one token is left to compute; the
   * reference simulator leaves none (D1).
   */
  lookup(sequence: Sequence): number {
    if (!this.#config.prefixCaching) return 0;
    const tokens = this.#blis ? sequence.request.promptTokens : sequence.known - 1;
    let length = Math.floor(tokens / this.#config.blockSize);
    for (;;) {
      const before = length;
      for (const group of this.#groups) length = this.#longest(sequence, group, length);
      if (length === before) return length;
    }
  }

  /** The greatest length, at most `most`, up to which the group has all that it looks back to. */
  #longest(sequence: Sequence, group: Group, most: number): number {
    for (let length = most; length > 0; ) {
      const from = this.#firstKept(group, length);
      let gap = length - 1;
      while (gap >= from && this.#find(sequence, group, gap) !== undefined) gap -= 1;
      if (gap < from) return length;
      // Whoever looks back beyond the gap needs it as well: the next candidate ends before it.
      length = gap;
    }
    return 0;
  }

  /** Of `length` computed blocks, the first one that the group still looks back to. */
  #firstKept(group: Group, length: number): number {
    return this.#skipped(group, length * this.#config.blockSize);
  }

  /** Leading blocks that lie wholly before what the group looks back to from token `computed`. */
  #skipped({ window }: Group, computed: number): number {
    return Math.floor(Math.max(0, computed - window + 1) / this.#config.blockSize);
  }

  #find(sequence: Sequence, group: Group, index: number): Block | undefined {
    return this.pool.find(this.#nameOf(sequence, group, index));
  }

  #nameOf(sequence: Sequence, group: Group, index: number): string {
    return `${group.index}: ${sequence.names(index)}`;
  }

  /**
   * Blocks for one that enters the batch: the `hits` leading ones, and new ones up to token `end`. Those for all known
   * tokens must fit, not only those of its first chunk (vLLM scheduler_reserve_full_isl, D8; not in `blis` mode).
   * @returns false, with nothing changed, if there is no room
   */
  admit(sequence: Sequence, hits: number, end: number): boolean {
    const fresh = this.#blocksFor(end) - hits;
    const found = this.#found(sequence, hits);
    const whole = this.#blis ? 0 : this.#wholeDemand(sequence, hits);
    if (this.#freeAmong(found) + Math.max(whole, fresh * this.#groups.length) > this.pool.free) return false;
    // The reference simulator doesn't hold the blocks of a wholly cached prompt (D1).
    const held = this.#blis && fresh === 0 ? found.map((table) => table.map(() => undefined)) : found;
    this.#enter(sequence, held, hits, fresh);
    return true;
  }

  /** Whether an empty cache has room for so many tokens in all groups, windows or not. */
  couldHold(tokens: number): boolean {
    return this.#blocksFor(tokens) * this.#groups.length <= this.pool.size;
  }

  /** The `hits` leading blocks, and new ones for the next `loaded` ones. The whole of it must fit. */
  admitLoad(sequence: Sequence, hits: number, loaded: number): boolean {
    const found = this.#found(sequence, hits);
    const demand = Math.max(this.#wholeDemand(sequence, hits), loaded * this.#groups.length);
    if (this.#freeAmong(found) + demand > this.pool.free) return false;
    this.#enter(sequence, found, hits, loaded);
    return true;
  }

  #enter(sequence: Sequence, held: (Block | undefined)[][], hits: number, fresh: number): void {
    for (const block of held.flat()) if (block !== undefined) this.pool.claim(block);
    sequence.tables = held;
    sequence.named = hits;
    this.#extend(sequence, fresh);
  }

  /** By group and index; undefined where a group doesn't look back any more. */
  #found(sequence: Sequence, hits: number): (Block | undefined)[][] {
    return this.#groups.map((group) =>
      Array.from({ length: hits }, (_, i) =>
        i < this.#firstKept(group, hits) ? undefined : this.#find(sequence, group, i),
      ),
    );
  }

  #freeAmong(found: readonly (readonly (Block | undefined)[])[]): number {
    return found.flat().filter((block) => block?.holders === 0).length;
  }

  /** New blocks for all known tokens; a window group never needs more at once than a chunk and its window. */
  #wholeDemand(sequence: Sequence, hits: number): number {
    const all = this.#blocksFor(sequence.known);
    let demand = 0;
    for (const { window } of this.#groups) {
      const most = this.#blocksFor(window - 1 + this.#config.maxNumBatchedTokens) + 1;
      demand += Math.max(0, Math.min(all, most) - hits);
    }
    return demand;
  }

  /**
   * Blocks for a sequence that has some, up to token `end`. Those that windows have passed are given up first.
   * @returns false, with none taken, if there is no room
   */
  grow(sequence: Sequence, end: number): boolean {
    this.giveUpPassed(sequence, sequence.computed);
    const missing = this.#blocksFor(end) - (sequence.tables[0]?.length ?? 0);
    if (missing * this.#groups.length > this.pool.free) return false;
    this.#extend(sequence, missing);
    return true;
  }

  /** Gives up the blocks that nobody looks back to from token `computed` on. */
  giveUpPassed(sequence: Sequence, computed: number): void {
    for (const group of this.#groups) {
      const table = sequence.tables[group.index] ?? [];
      for (let i = Math.min(this.#skipped(group, computed), table.length) - 1; i >= 0; i -= 1) {
        const block = table[i];
        // Those before it were given up earlier.
        if (block === undefined) break;
        this.pool.release(block);
        table[i] = undefined;
      }
    }
  }

  #extend(sequence: Sequence, count: number): void {
    for (const table of sequence.tables) for (let i = 0; i < count; i += 1) table.push(this.pool.take());
  }

  /** Gives the full blocks among the first `tokens` tokens their names. */
  name(sequence: Sequence, tokens: number): void {
    if (!this.#config.prefixCaching) return;
    const full = Math.floor(tokens / this.#config.blockSize);
    for (const group of this.#groups) {
      for (let i = sequence.named; i < full; i += 1) {
        const block = sequence.tables[group.index]?.[i];
        if (block !== undefined) this.pool.name(block, this.#nameOf(sequence, group, i));
      }
    }
    sequence.named = Math.max(sequence.named, full);
  }

  /** Gives up all blocks, the last first, so that the end of a sequence is evicted before its beginning. */
  release(sequence: Sequence): void {
    for (const table of sequence.tables) {
      for (const block of table.reverse()) if (block !== undefined) this.pool.release(block);
    }
    sequence.tables = [];
    sequence.named = 0;
  }

  /** @param holders all sequences that may hold blocks @throws if blocks are lost or held by others */
  audit(holders: readonly Sequence[]): void {
    const counts = new Map<Block, number>();
    for (const { tables } of holders) {
      for (const block of tables.flat()) if (block !== undefined) counts.set(block, (counts.get(block) ?? 0) + 1);
    }
    this.pool.audit(counts);
  }

  #blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.#config.blockSize);
  }
}
