import * as z from "zod";
import { durationOf } from "../../model/duration.ts";
import type { Endpoint } from "../../model/endpoint.ts";
import { type PrefixKeys, prefixKeys } from "../../model/prefix-keys.ts";
import type { SimTime } from "../../sim/time.ts";
import type { Ask, Placed } from "../ask.ts";
import { integersFor } from "../columns.ts";
import { Holders } from "../holders.ts";
import type { KvEvent } from "../kv-event.ts";
import { KvEventIndex } from "../kv-event-index.ts";
import { preciseParams } from "../precise-params.ts";
import { type Producer, producer } from "../producer.ts";

const DEFAULT_BLOCK_SIZE = 16;
const DEFAULT_HOLDERS = 10;
const DEFAULT_TTL = "2s";

const params = () => z.object(preciseParams);

/**
 * Knows cached blocks from the engines' KV events: leading full blocks held without a gap. Of each block at most
 * `podCacheSize` holders (10) are known, the latest. With `speculativeIndexing` a request's blocks also count as held by
 * its endpoints for a TTL from its routing on (llm-d-router v0.9). Blocks of host memory are not told of.
 *
 * Departs from it: blocks are those of the engine (`cache_config_info`), there of `blockSizeTokens`, to which events are
 * cut anew; the index is unbounded (there 10^8 blocks).
 */
export const precisePrefixCache = producer({
  name: "precise-prefix-cache-producer",
  summary: "knows cached blocks from the engines' KV events",
  params,
  create: (said) => new PrecisePrefixCache(said),
});

interface Speculation {
  readonly until: SimTime;
  readonly keys: PrefixKeys;
  readonly named: number;
  readonly slots: readonly number[];
}

class PrecisePrefixCache implements Producer {
  readonly #blockSizeSaid: number;
  readonly #speculates: boolean;
  readonly #ttl: number;
  readonly #index: KvEventIndex;
  /** Slots by name of endpoint; events of others are not for us. */
  readonly #slots = new Map<string, number>();
  readonly #speculations: Speculation[] = [];
  #counts = new Int32Array(32);
  #keys: PrefixKeys | undefined;
  #named = 0;
  readonly holders = new Holders();
  total = 0;
  blockSize: number;

  constructor(said: z.output<ReturnType<typeof params>>) {
    const { blockSizeTokens = 0, blockSize = 0 } = said.tokenProcessorConfig ?? {};
    this.#blockSizeSaid = blockSizeTokens > 0 ? blockSizeTokens : blockSize > 0 ? blockSize : DEFAULT_BLOCK_SIZE;
    this.blockSize = this.#blockSizeSaid;
    this.#speculates = said.speculativeIndexing;
    const ttl = durationOf(said.speculativeTTL);
    this.#ttl = ttl > 0 ? ttl : durationOf(DEFAULT_TTL);
    const holders = said.indexerConfig?.kvBlockIndexConfig?.inMemoryConfig?.podCacheSize;
    this.#index = new KvEventIndex(holders ?? DEFAULT_HOLDERS);
  }

  get prefix(): this {
    return this;
  }

  get matched(): Int32Array {
    return this.holders.matched;
  }

  produce(ask: Ask): void {
    const { request, endpoints, slots, now } = ask;
    this.#expire(now);
    this.blockSize = endpoints[0]?.cache?.blockSize ?? this.#blockSizeSaid;
    this.total = Math.floor(request.promptTokens / this.blockSize);
    this.#keys = prefixKeys(request, this.blockSize);
    this.#named = Math.min(this.total, this.#keys.limit);
    this.holders.clear(endpoints.length);
    if (this.#named === 0 || this.#index.isEmpty) return;
    this.#counts = integersFor(this.#counts, this.#index.slots);
    this.#index.countLeading(this.#keys, this.#named, this.#counts);
    this.holders.addAll(this.#counts, slots, endpoints.length);
  }

  placed(ask: Ask, { primary, prefill }: Placed): void {
    if (!this.#speculates || this.#named === 0) return;
    const keys = this.#keys as PrefixKeys;
    const named = this.#named;
    const slots = [primary, prefill].filter((at) => at >= 0).map((at) => ask.slots[at] as number);
    for (const slot of slots) keys.eachStrand(named, (...blocks) => this.#index.hold(...blocks, slot, true));
    this.#speculations.push({ until: (ask.now + this.#ttl) as SimTime, keys, named, slots });
  }

  joined(slot: number, { name }: Endpoint): void {
    this.#slots.set(name, slot);
  }

  left(slot: number, name: string): void {
    this.#slots.delete(name);
    this.#index.clear(slot);
  }

  observeKv(event: KvEvent): void {
    const slot = this.#slots.get(event.endpoint);
    if (slot === undefined) return;
    if (event.kind === "cleared") return this.#index.clear(slot);
    const { strand, from, to } = event;
    if (event.kind === "stored") this.#index.hold(strand, from, to, slot, false);
    else this.#index.drop(strand, from, to, slot, false);
  }

  /** A later request's speculation on the same block ends with an earlier one's, as there. */
  #expire(now: SimTime): void {
    let over = 0;
    for (const { until, keys, named, slots } of this.#speculations) {
      if (until > now) break;
      over += 1;
      for (const slot of slots) keys.eachStrand(named, (...blocks) => this.#index.drop(...blocks, slot, true));
    }
    if (over > 0) this.#speculations.splice(0, over);
  }
}
