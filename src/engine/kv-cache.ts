import type { PrefixKeys } from "../model/prefix-keys.ts";
import { BlockPool } from "./block-pool.ts";
import { KeptBlocks } from "./block-run.ts";
import type { EngineConfig, EngineListener } from "./engine.ts";
import { type Holding, NO_RUNS } from "./holding.ts";
import type { Sequence } from "./sequence.ts";

/** What of a sequence is still there: its first `blocks` blocks; some groups need only the last of them. */
export interface Hits {
  readonly blocks: number;
  /** Of those that are needed, how many are free. */
  readonly free: number;
}

interface Group {
  /** Tokens that attention looks back; Infinity: all. */
  readonly window: number;
  /** Leading hits that matter: the last blocks of a chain. */
  readonly need: number;
  /** Most blocks that a sequence holds while it prefills. */
  readonly most: number;
}

/**
 * Which sequence holds how many KV blocks, and what of a prompt is still there from others.
 * Source: vllm/v1/core/kv_cache_manager.py, single_type_kv_cache_manager.py and kv_cache_coordinator.py (May 2026);
 * `blis` mode: sim/kv/cache.go @f90a1e3a.
 *
 * Invariant: a sequence holds blocks `first` to `room / blockSize` in every group; the first `keyed` of them have a key.
 */
export class KvCache {
  readonly #pool: BlockPool;
  readonly #blockSize: number;
  readonly #prefixCaching: boolean;
  readonly #blis: boolean;
  readonly #groups: readonly Group[];
  readonly #windows: boolean;

  /** @param events hears of the first group's blocks that others may find */
  constructor(config: EngineConfig, events?: EngineListener["kvCached"]) {
    const { blockSize, kvGroups = [{}], maxNumBatchedTokens } = config;
    this.#blis = config.mode === "blis";
    this.#blockSize = blockSize;
    this.#prefixCaching = config.prefixCaching;
    this.#groups = kvGroups.map(({ window = Number.POSITIVE_INFINITY }) => ({
      window,
      need: Math.ceil((window - 1) / blockSize),
      most: Math.ceil((window - 1 + maxNumBatchedTokens) / blockSize) + 1,
    }));
    this.#windows = this.#groups.some(({ window }) => window < Number.POSITIVE_INFINITY);
    this.#pool = new BlockPool({
      size: usableBlocks(config),
      groups: this.#groups.length,
      duplicates: this.#blis ? "newest" : "both",
      keylessFirst: !this.#blis,
      ...(events === undefined ? {} : { events }),
    });
  }

  get free(): number {
    return this.#pool.free;
  }

  get size(): number {
    return this.#pool.size;
  }

  get groups(): number {
    return this.#groups.length;
  }

  /** Whether some layers look back only so far, so that blocks are given up while a sequence runs. */
  get slides(): boolean {
    return this.#windows;
  }

  /** Tokens that the narrowest layers look back; 0: all layers look back on everything. */
  get window(): number {
    return this.#windows ? Math.min(...this.#groups.map(({ window }) => window)) : 0;
  }

  /** Where in a block a sequence's computed tokens must end for it to need a new block or to give one up. */
  get offsets(): readonly number[] {
    const ends = this.#groups.map(({ window }) => (window === Number.POSITIVE_INFINITY ? 0 : window - 1));
    return [...new Set([0, ...ends.map((end) => end % this.#blockSize)])];
  }

  /**
   * Longest chain of cached full blocks at the start of a sequence. At least one token is left to compute, since a step
   * must bring the next one; the reference simulator leaves none (D1). Layers with a window need the chain's end only.
   */
  lookup(sequence: Sequence): Hits {
    if (!this.#prefixCaching || this.#isAlone(sequence)) return NONE;
    const tokens = this.#blis ? sequence.request.promptTokens : sequence.known - 1;
    let blocks = Math.floor(tokens / this.#blockSize);
    for (let before = -1; before !== blocks; ) {
      before = blocks;
      for (let g = 0; g < this.#groups.length; g += 1) blocks = this.#chain(sequence, g, blocks);
      // Where there is one group nobody shortens what it has found.
      if (this.#groups.length === 1) break;
    }
    let free = 0;
    for (let g = 0; g < this.#groups.length && blocks > 0; g += 1) free += this.#freeAmong(sequence, g, blocks);
    return blocks === 0 ? NONE : { blocks, free };
  }

  /** Whether it shares nothing and has left nothing, so that nothing is found; a window of one token finds a chain of no blocks. */
  #isAlone({ shared, kv }: Sequence): boolean {
    return shared.limit === 0 && !this.#windows && kv.length === 1 && (kv[0] as Holding).kept === undefined;
  }

  /** Leading prompt tokens whose blocks are all there; windows are not taken into account. */
  cachedTokens(keys: PrefixKeys, promptTokens: number): number {
    if (!this.#prefixCaching) return 0;
    const most = Math.min(keys.limit, Math.floor((promptTokens - 1) / this.#blockSize));
    let blocks = most;
    for (let g = 0; g < this.#groups.length; g += 1) blocks = this.#pool.reach(g, keys, 0, blocks);
    return blocks * this.#blockSize;
  }

  /** The most of the first `most` blocks that group `g` can serve. */
  #chain(sequence: Sequence, g: number, most: number): number {
    const { need, window } = this.#groups[g] as Group;
    if (window === Number.POSITIVE_INFINITY) return this.#unbroken(sequence, g, 0, most);
    for (let end = most; end > 0; ) {
      const begin = Math.max(0, end - need);
      const reached = this.#unbroken(sequence, g, begin, end);
      if (reached === end) return end;
      // What is missing at `reached` breaks every chain that needs it.
      end = this.#lastBreak(sequence, g, reached, end);
    }
    return 0;
  }

  /** The last of the blocks `from` to `to` that isn't there, `from` being one. */
  #lastBreak(sequence: Sequence, g: number, from: number, to: number): number {
    for (let at = to - 1; at > from; at -= 1) if (!this.#has(sequence, g, at)) return at;
    return from;
  }

  #has(sequence: Sequence, g: number, at: number): boolean {
    return this.#unbroken(sequence, g, at, at + 1) > at;
  }

  /** @returns the end of the chain of cached blocks from `from` on, at most `most` */
  #unbroken(sequence: Sequence, g: number, from: number, most: number): number {
    const { shared } = sequence;
    const among = Math.min(most, shared.limit);
    const at = from < among ? this.#pool.reach(g, shared, from, among) : from;
    if (at < among) return at;
    const { kept } = sequence.kv[g] as Holding;
    return at < most && kept !== undefined ? this.#pool.chainEnd(kept, at, most) : at;
  }

  /** Of the blocks that group `g` claims for `blocks` leading ones, how many are free. */
  #freeAmong({ shared }: Sequence, g: number, blocks: number): number {
    const from = this.#firstOf(g, blocks);
    const own = Math.max(0, blocks - Math.max(from, shared.limit));
    return own + this.#pool.freeAmong(g, shared, from, Math.min(blocks, shared.limit));
  }

  /** Index of the first block that group `g` needs of a chain of `blocks`. */
  #firstOf(g: number, blocks: number): number {
    return Math.max(0, blocks - (this.#groups[g] as Group).need);
  }

  /** Whether the whole cache has blocks for so many tokens at once, layers with a window included. */
  takes(tokens: number): boolean {
    return this.#blocksFor(tokens) * this.#groups.length <= this.#pool.size;
  }

  /**
   * Blocks for a sequence that enters the batch: the hits, and new ones up to token `end`.
   * @param hits of the last lookup, after which nothing has changed
   * @param whole tokens whose blocks must fit, even those that this step doesn't need yet
   * @returns false, with nothing changed, if they don't
   */
  admit(sequence: Sequence, hits: Hits, end: number, whole: number): boolean {
    const fresh = this.#blocksFor(end) - hits.blocks;
    const demand = Math.max(fresh * this.#groups.length, this.#demandOf(whole, hits.blocks));
    if (demand + hits.free > this.#pool.free) return false;
    const held = this.#blis && fresh === 0 ? 0 : hits.blocks;
    for (let g = 0; g < this.#groups.length; g += 1) this.#hold(sequence, g, held, hits.blocks);
    sequence.keyed = hits.blocks;
    sequence.room = hits.blocks * this.#blockSize;
    this.#extend(sequence, fresh);
    return true;
  }

  /** Blocks for `tokens` tokens beside the hits; layers with a window never need more than that and a chunk. */
  #demandOf(tokens: number, hits: number): number {
    const all = this.#blocksFor(tokens);
    if (!this.#windows) return Math.max(0, all - hits) * this.#groups.length;
    let demand = 0;
    for (let g = 0; g < this.#groups.length; g += 1) {
      demand += Math.max(0, Math.min(all, (this.#groups[g] as Group).most) - hits);
    }
    return demand;
  }

  #hold(sequence: Sequence, g: number, held: number, hits: number): void {
    const { shared } = sequence;
    const holding = sequence.kv[g] as Holding;
    const first = held === 0 ? hits : this.#firstOf(g, held);
    holding.first = first;
    const among = Math.min(held, shared.limit);
    if (first < among) {
      if (holding.named === NO_RUNS) holding.named = [];
      this.#pool.claim(g, shared, first, among, holding.named);
    }
    const own = Math.max(first, among);
    if (own < held) this.#pool.claimOwn(holding.kept as KeptBlocks, own, held);
  }

  /**
   * Blocks for a running sequence up to token `end`. Before that, blocks that no layer of a group looks back to any more
   * are given up. @returns false if too few are free
   */
  grow(sequence: Sequence, end: number): boolean {
    if (this.#windows) this.slide(sequence, sequence.computed);
    if (end <= sequence.room) return true;
    const blocks = this.#blocksFor(end - sequence.room);
    if (blocks * this.#groups.length > this.#pool.free) return false;
    this.#extend(sequence, blocks);
    return true;
  }

  /** Blocks that a running sequence lacks up to token `end`, over all groups. */
  missing(sequence: Sequence, end: number): number {
    return end <= sequence.room ? 0 : this.#blocksFor(end - sequence.room) * this.#groups.length;
  }

  /** Takes `count` blocks for sequences that are furnished later. */
  stockUp(count: number): void {
    this.#pool.take(count);
  }

  /** A sequence has the blocks up to token `end`, which were stocked up for it. */
  furnish(sequence: Sequence, end: number): void {
    if (end > sequence.room) sequence.room += this.#blocksFor(end - sequence.room) * this.#blockSize;
  }

  /** Gives keys to the full blocks among the first `tokens` tokens, so that others find them from now on. */
  name(sequence: Sequence, tokens: number): void {
    if (!this.#prefixCaching || tokens < (sequence.keyed + 1) * this.#blockSize) return;
    const full = Math.floor(tokens / this.#blockSize);
    const { shared, keyed } = sequence;
    // A block that gets its key anew is found again.
    const forgotten = sequence.kv[0]?.kept?.forgotten;
    for (let at = keyed; forgotten !== undefined && forgotten.size > 0 && at < full; at += 1) forgotten.delete(at);
    for (let g = 0; keyed < shared.limit && g < this.#groups.length; g += 1) {
      const holding = sequence.kv[g] as Holding;
      const until = Math.min(full, shared.limit);
      const from = Math.max(keyed, holding.first);
      if (from >= until) continue;
      if (holding.named === NO_RUNS) holding.named = [];
      this.#pool.name(g, shared, from, until, holding.named);
    }
    sequence.keyed = full;
  }

  /** Gives up all blocks, the last first, so that the end of a sequence is evicted before its beginning. */
  release(sequence: Sequence): void {
    const held = sequence.room / this.#blockSize;
    for (let g = 0; g < this.#groups.length; g += 1) {
      const holding = sequence.kv[g] as Holding;
      const keyed = Math.max(sequence.keyed, holding.first);
      this.#pool.giveBack(Math.max(0, held - keyed));
      this.#giveBackKeyed(sequence, holding, holding.first, sequence.keyed);
      holding.first = 0;
      holding.named = NO_RUNS;
    }
    sequence.room = 0;
    sequence.keyed = 0;
  }

  #giveBackKeyed({ shared: { limit }, state, keyed }: Sequence, holding: Holding, from: number, to: number): void {
    const own = Math.max(from, limit);
    if (to > own && state === "gone") this.#pool.giveBackUnsought(to - own);
    else if (to > own) {
      holding.kept ??= new KeptBlocks();
      this.#pool.giveBackOwn(holding.kept, own, to - own);
    }
    if (from >= Math.min(to, limit)) return;
    holding.named = this.#pool.release(holding.named, Math.min(to, limit), Math.min(keyed, limit));
  }

  /** Whether nothing more has slid out of the windows before a sequence computes the last of its `computed` tokens. */
  hasSlid(sequence: Sequence, computed: number): boolean {
    return this.#groups.every(({ window }, g) => {
      const skipped = Math.floor(Math.max(0, computed - window) / this.#blockSize);
      return (sequence.kv[g] as Holding).first >= skipped;
    });
  }

  /** Gives up what slid out of the windows of a sequence with `computed` tokens. */
  slide(sequence: Sequence, computed: number): void {
    for (let g = 0; g < this.#groups.length; g += 1) {
      const { window } = this.#groups[g] as Group;
      const holding = sequence.kv[g] as Holding;
      const passed = Math.floor(Math.max(0, computed - window + 1) / this.#blockSize);
      const skipped = Math.min(passed, sequence.room / this.#blockSize);
      if (skipped <= holding.first) continue;
      this.#pool.giveBack(Math.max(0, skipped - Math.max(sequence.keyed, holding.first)));
      this.#giveBackKeyed(sequence, holding, holding.first, Math.min(skipped, sequence.keyed));
      holding.first = skipped;
    }
  }

  #extend(sequence: Sequence, blocks: number): void {
    this.#pool.take(blocks * this.#groups.length);
    sequence.room += blocks * this.#blockSize;
  }

  #blocksFor(tokens: number): number {
    return Math.ceil(tokens / this.#blockSize);
  }
}

const NONE: Hits = { blocks: 0, free: 0 };

/** vLLM keeps one block as the null block; the reference simulator uses all (D5). */
const usableBlocks = (config: EngineConfig): number => config.numGpuBlocks - (config.mode === "blis" ? 0 : 1);
