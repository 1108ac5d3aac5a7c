import type { Endpoint } from "../model/endpoint.ts";
import { type PrefixKeys, prefixKeys } from "../model/prefix-keys.ts";
import type { RequestHead } from "../model/request.ts";
import { byPosition, integersFor } from "./columns.ts";
import { RecentBlocks } from "./recent-blocks.ts";
import { RunIndex } from "./run-index.ts";
import { Slots } from "./slots.ts";

/** Which blocks were sent to each endpoint, the most recent of each: what a router can know by itself. */
export class SentIndex {
  /** Tokens. */
  readonly blockSize: number;
  readonly #capacity: number;
  readonly #index = new RunIndex();
  readonly #slots = new Slots();
  readonly #blocks: (RecentBlocks | undefined)[] = [];
  #counts = new Int32Array(32);
  #keys: PrefixKeys | undefined;
  #named = 0;
  #total = 0;
  /** Leading blocks that each endpoint was sent, by position, after `look`. */
  matched = new Int32Array(8);

  /** @param capacity blocks remembered per endpoint */
  constructor(blockSize: number, capacity: number) {
    this.blockSize = blockSize;
    this.#capacity = capacity;
  }

  look(request: RequestHead, endpoints: readonly Endpoint[]): void {
    const slots = this.#slots.of(endpoints);
    this.matched = integersFor(this.matched, endpoints.length);
    this.#keys = prefixKeys(request, this.blockSize);
    this.#total = Math.ceil(request.promptTokens / this.blockSize);
    this.#named = Math.min(Math.floor(request.promptTokens / this.blockSize), this.#keys.limit);
    this.matched.fill(0);
    if (this.#named === 0 || this.#index.isEmpty) return;
    this.#counts = integersFor(this.#counts, this.#index.slots);
    this.#index.countLeading(this.#keys, this.#named, this.#counts);
    byPosition(this.#counts, slots, endpoints.length, this.matched);
  }

  /** The request that was looked at goes to this endpoint. */
  send(name: string): void {
    const slot = this.#slots.take(name);
    const blocks = (this.#blocks[slot] ??= new RecentBlocks(this.#index, slot, this.#capacity));
    blocks.send(this.#keys as PrefixKeys, this.#named, this.#total);
  }

  left(name: string): void {
    const slot = this.#slots.give(name);
    if (slot === undefined) return;
    this.#blocks[slot]?.clear();
    this.#blocks[slot] = undefined;
  }
}
