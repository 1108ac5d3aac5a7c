import { BlockPool } from "./block-pool.ts";
import type { EngineConfig } from "./engine.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Which sequence holds which KV blocks, and what of a prompt is still there from others.
 * Source: vllm/v1/core/kv_cache_manager.py (May 2026); `blis` mode: sim/kv/cache.go @f90a1e3a.
 */
export class KvCache {
  readonly #pool: BlockPool;
  readonly #blockSize: number;
  readonly #prefixCaching: boolean;
  readonly #blis: boolean;
  /** Blocks taken for sequences of which nobody has asked yet which ones they hold. */
  readonly #stock: number[] = [];

  constructor(config: EngineConfig) {
    this.#blis = config.mode === "blis";
    this.#blockSize = config.blockSize;
    this.#prefixCaching = config.prefixCaching;
    this.#pool = new BlockPool({
      size: usableBlocks(config),
      duplicates: this.#blis ? "newest" : "both",
      keylessFirst: !this.#blis,
    });
  }

  get free(): number {
    return this.#pool.free;
  }

  get size(): number {
    return this.#pool.size;
  }

  /**
   * Longest chain of cached full blocks at the start of a sequence. At least one token is left to compute, since a step
   * must bring the next one; the reference simulator leaves none (D1).
   */
  lookup(sequence: Sequence): readonly number[] {
    const hits: number[] = [];
    if (!this.#prefixCaching) return hits;
    const tokens = this.#blis ? sequence.request.promptTokens : sequence.known - 1;
    const most = Math.floor(tokens / this.#blockSize);
    for (let i = 0; i < most; i += 1) {
      const block = this.#blockOf(sequence, i);
      if (block === undefined) break;
      hits.push(block);
    }
    return hits;
  }

  #blockOf(sequence: Sequence, index: number): number | undefined {
    const key = sequence.keyOf(index);
    if (key < 0) return this.#pool.find(key);
    const block = sequence.former[index];
    return block !== undefined && this.#pool.keyOf(block) === key ? block : undefined;
  }

  /**
   * Blocks for a sequence that enters the batch: the hits, and new ones up to token `end`.
   * @param whole tokens whose blocks must fit, even those that this step doesn't need yet
   * @returns false, with nothing changed, if they don't
   */
  admit(sequence: Sequence, hits: readonly number[], end: number, whole: number): boolean {
    const claimed = hits.reduce((count, block) => count + (this.#pool.isFree(block) ? 1 : 0), 0);
    const fresh = this.#blocksFor(end) - hits.length;
    const demanded = Math.max(fresh, this.#blocksFor(whole) - hits.length);
    if (demanded + claimed > this.#pool.free) return false;
    const held = this.#blis && fresh === 0 ? [] : hits;
    for (const block of held) this.#pool.claim(block);
    sequence.blocks = [...held];
    sequence.firstBlock = hits.length - held.length;
    sequence.keyed = hits.length;
    sequence.room = hits.length * this.#blockSize;
    this.#extend(sequence, fresh);
    return true;
  }

  /** Blocks for a running sequence up to token `end`. @returns false, with nothing changed, if too few are free */
  grow(sequence: Sequence, end: number): boolean {
    if (end <= sequence.room) return true;
    const missing = this.missing(sequence, end);
    if (missing > this.#pool.free) return false;
    this.#extend(sequence, missing);
    return true;
  }

  /** Blocks that a running sequence lacks up to token `end`. */
  missing(sequence: Sequence, end: number): number {
    return end <= sequence.room ? 0 : this.#blocksFor(end - sequence.room);
  }

  /** Takes `count` blocks for whoever is furnished later: which sequence holds which one never matters. */
  stockUp(count: number): void {
    for (let i = 0; i < count; i += 1) this.#stock.push(this.#pool.take());
  }

  /** Gives a sequence the blocks up to token `end` that were stocked up for it. */
  furnish(sequence: Sequence, end: number): void {
    for (; sequence.room < end; sequence.room += this.#blockSize) sequence.blocks.push(this.#stock.pop() as number);
  }

  /** Gives keys to the full blocks among the first `tokens` tokens, so that others find them from now on. */
  name(sequence: Sequence, tokens: number): void {
    if (!this.#prefixCaching || tokens < (sequence.keyed + 1) * this.#blockSize) return;
    for (let full = (sequence.keyed + 1) * this.#blockSize; full <= tokens; full += this.#blockSize) {
      const block = sequence.blocks[sequence.keyed - sequence.firstBlock];
      if (block !== undefined) this.#pool.name(block, sequence.keyOf(sequence.keyed));
      sequence.keyed += 1;
    }
  }

  /** Gives up all blocks, the last first, so that the end of a sequence is evicted before its beginning. */
  release(sequence: Sequence): void {
    for (let i = sequence.blocks.length - 1; i >= 0; i -= 1) this.#pool.release(sequence.blocks[i] as number);
    sequence.former = sequence.firstBlock === 0 ? sequence.blocks : [];
    sequence.blocks = [];
    sequence.firstBlock = 0;
    sequence.room = 0;
    sequence.keyed = 0;
  }

  #extend(sequence: Sequence, count: number): void {
    for (let i = 0; i < count; i += 1) sequence.blocks.push(this.#pool.take());
    sequence.room += count * this.#blockSize;
  }

  #blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.#blockSize);
  }
}

/** vLLM keeps one block as the null block; the reference simulator uses all (D5). */
const usableBlocks = (config: EngineConfig): number => config.numGpuBlocks - (config.mode === "blis" ? 0 : 1);
