import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { type PrefixKeys, prefixKeys } from "../../model/prefix-keys.ts";
import type { Ask, Placed } from "../ask.ts";
import { Holders } from "../holders.ts";
import { type Producer, producer } from "../producer.ts";
import { RecentBlocks } from "../recent-blocks.ts";
import { RunIndex } from "../run-index.ts";

const LEAST_BLOCK_SIZE = 64;
const DEFAULT_BLOCK_SIZE = 16;
const DEFAULT_CAPACITY = 31_250;

const params = () =>
  z.object({
    autoTune: z
      .boolean()
      .default(true)
      .meta({ description: "Whether block size and capacity are those that the engine reports." }),
    blockSizeTokens: z.int().default(DEFAULT_BLOCK_SIZE).meta({ description: "Tokens per block; below 64 it is 64." }),
    blockSize: z.int().default(0).meta({ description: "Old spelling of blockSizeTokens." }),
    maxPrefixBlocksToMatch: z
      .int()
      .min(0)
      .default(2048)
      .meta({ description: "Leading blocks looked at, where maxPrefixTokensToMatch is 0; 0: all." }),
    maxPrefixTokensToMatch: z.int().min(0).default(131_072).meta({ description: "Leading tokens looked at." }),
    lruCapacityPerServer: z
      .int()
      .default(DEFAULT_CAPACITY)
      .meta({ description: "Blocks remembered per endpoint; 0 or less: the default." }),
  });

/**
 * Remembers where it sent which blocks, per endpoint the most recent ones; it never hears of evictions. A prompt's last,
 * partly filled block counts as one of its blocks and takes room. Matches count the blocks that an endpoint holds up to
 * the first that nobody holds. Blocks are at least 64 tokens, whatever is said (llm-d-router v0.9).
 *
 * Departs from it: a prompt's last block, if partly filled, matches nobody, not even the same prompt again; an
 * endpoint's blocks are forgotten when it leaves, there within 2 min after.
 */
export const approxPrefixCache = producer({
  name: "approx-prefix-cache-producer",
  summary: "guesses cached blocks from where requests were sent",
  params,
  create: (said) => new ApproxPrefixCache(said),
});

class ApproxPrefixCache implements Producer {
  readonly #said: z.output<ReturnType<typeof params>>;
  readonly #index = new RunIndex();
  /** By slot. */
  readonly #blocks: (RecentBlocks | undefined)[] = [];
  #keys: PrefixKeys | undefined;
  /** Leading blocks with a name. */
  #named = 0;
  readonly holders = new Holders();
  total = 0;
  blockSize = LEAST_BLOCK_SIZE;

  readonly blind?: true;

  constructor(said: z.output<ReturnType<typeof params>>) {
    this.#said = said;
    if (!said.autoTune) this.blind = true;
  }

  get prefix(): this {
    return this;
  }

  get matched(): Int32Array {
    return this.holders.matched;
  }

  produce(ask: Ask): void {
    const { request, endpoints, positions } = ask;
    this.blockSize = this.#blockSizeFor(endpoints[0]);
    const most = this.#mostBlocks();
    this.total = Math.min(Math.ceil(request.promptTokens / this.blockSize), most);
    this.#keys = prefixKeys(request, this.blockSize);
    this.#named = Math.min(Math.floor(request.promptTokens / this.blockSize), this.#keys.limit, most);
    this.holders.clear(endpoints.length);
    if (this.#named > 0) this.#index.countHeld(this.#keys, this.#named, positions, this.holders);
  }

  placed(ask: Ask, { primary, prefill }: Placed): void {
    this.#insert(ask, primary);
    if (prefill >= 0) this.#insert(ask, prefill);
  }

  left(slot: number): void {
    this.#blocks[slot]?.clear();
    this.#blocks[slot] = undefined;
  }

  #insert({ endpoints, slots }: Ask, position: number): void {
    const slot = slots[position] as number;
    const blocks = (this.#blocks[slot] ??= new RecentBlocks(
      this.#index,
      slot,
      this.#capacityOf(endpoints[position] as Endpoint),
    ));
    blocks.send(this.#keys as PrefixKeys, this.#named, this.total);
  }

  #blockSizeFor(first: Endpoint | undefined): number {
    const { autoTune, blockSizeTokens, blockSize } = this.#said;
    const said = blockSize > 0 && blockSizeTokens === DEFAULT_BLOCK_SIZE ? blockSize : blockSizeTokens;
    const read = autoTune ? (first?.cache?.blockSize ?? 0) : 0;
    return Math.max(read > 0 ? read : said, LEAST_BLOCK_SIZE);
  }

  #mostBlocks(): number {
    const { maxPrefixTokensToMatch: tokens, maxPrefixBlocksToMatch: blocks } = this.#said;
    if (tokens > 0) return Math.floor(tokens / this.blockSize);
    return blocks === 0 ? Number.POSITIVE_INFINITY : blocks;
  }

  /** Fixed when an endpoint gets its first request. */
  #capacityOf({ cache }: Endpoint): number {
    const { autoTune, lruCapacityPerServer } = this.#said;
    if (autoTune && cache !== undefined && cache.numGpuBlocks > 0) return cache.numGpuBlocks;
    return lruCapacityPerServer > 0 ? lruCapacityPerServer : DEFAULT_CAPACITY;
  }
}
