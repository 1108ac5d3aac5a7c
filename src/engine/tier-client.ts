import type { SimTime } from "../sim/time.ts";
import type { ChunkName, KvTier, TierConfig } from "./kv-tier.ts";
import type { Sequence } from "./sequence.ts";

/**
 * An engine's side of the tier below host memory, which deals in whole chunks of a prompt. Every chunk that a step has
 * filled is offered, so that what host memory loses is there still (write-through).
 * Sources: TieringOffloadingManager (vllm/v1/kv_offload/tiering/manager.py, September 2026: all that is stored goes to all
 * tiers; lookups ask the lower tiers in turn); LMCacheConnectorV1Impl (lmcache/integration/vllm/vllm_v1_adapter.py, 2026:
 * full chunks of prompts are saved, and those that were found from the first on are retrieved).
 */
export class TierClient {
  readonly #config: TierConfig;
  readonly #tier: KvTier;
  readonly #blockSize: number;

  constructor(config: TierConfig, tier: KvTier, blockSize: number) {
    this.#config = config;
    this.#tier = tier;
    this.#blockSize = blockSize;
  }

  /** @returns how many of a sequence's full blocks, from `from` on, chunks have that can be read */
  lookup(sequence: Sequence, from: number, now: SimTime): number {
    const { blocksPerChunk, reads } = this.#config;
    if (!reads) return 0;
    const most = Math.floor(Math.floor(sequence.known / this.#blockSize) / blocksPerChunk);
    let at = Math.floor(from / blocksPerChunk);
    while (at < most && this.#tier.has(this.#nameOf(sequence, at), now)) at += 1;
    return Math.max(0, at * blocksPerChunk - from);
  }

  /** Begins to read the chunks that hold blocks from `from` up to `until`, where one ends. */
  load(sequence: Sequence, from: number, until: number, now: SimTime): void {
    this.#tier.load(sequence.request, this.#namesOf(sequence, from, until), now);
  }

  /** Offers the chunks that end among blocks from `from` up to `until`. @returns how many blocks are written */
  store(sequence: Sequence, from: number, until: number, now: SimTime): number {
    const { blocksPerChunk, writes } = this.#config;
    const chunks = writes ? this.#namesOf(sequence, from, until) : [];
    return chunks.length === 0 ? 0 : this.#tier.store(chunks, now) * blocksPerChunk;
  }

  #namesOf(sequence: Sequence, from: number, until: number): readonly ChunkName[] {
    const { blocksPerChunk } = this.#config;
    const names: ChunkName[] = [];
    const end = Math.floor(until / blocksPerChunk);
    for (let at = Math.floor(from / blocksPerChunk); at < end; at += 1) names.push(this.#nameOf(sequence, at));
    return names;
  }

  /** Its last block's, which stands for all before it. Others know a request's own by the request. */
  #nameOf({ shared, request }: Sequence, chunk: number): ChunkName {
    const last = (chunk + 1) * this.#config.blocksPerChunk - 1;
    return last < shared.limit ? shared.at(last) : -(request.id * 2 ** 21 + last);
  }
}
