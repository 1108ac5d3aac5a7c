import type { Endpoint } from "../model/endpoint.ts";
import { prefixKeys } from "../model/prefix-keys.ts";
import type { RequestHead } from "../model/request.ts";
import { byPosition, integersFor } from "./columns.ts";
import type { KvEvent } from "./kv-event.ts";
import { RunIndex } from "./run-index.ts";
import { Slots } from "./slots.ts";

/** Which blocks each endpoint holds, as its KV events say; every holder of a block is known. */
export class FedIndex {
  /** Tokens. */
  readonly blockSize: number;
  readonly #index = new RunIndex();
  readonly #slots = new Slots();
  /** Blocks held, by slot. */
  readonly #sizes: number[] = [];
  #counts = new Int32Array(32);
  /** Leading blocks that each endpoint holds, by position, after `look`. */
  matched = new Int32Array(8);

  constructor(blockSize: number) {
    this.blockSize = blockSize;
  }

  look(request: RequestHead, endpoints: readonly Endpoint[]): void {
    const slots = this.#slots.of(endpoints);
    this.matched = integersFor(this.matched, endpoints.length);
    const keys = prefixKeys(request, this.blockSize);
    const named = Math.min(Math.floor(request.promptTokens / this.blockSize), keys.limit);
    if (named === 0 || this.#index.isEmpty) {
      this.matched.fill(0);
      return;
    }
    this.#counts = integersFor(this.#counts, this.#index.slots);
    this.#index.countLeading(keys, named, this.#counts);
    byPosition(this.#counts, slots, endpoints.length, this.matched);
  }

  /** Blocks held there. */
  sizeOf(name: string): number {
    return this.#sizes[this.#slots.take(name)] ?? 0;
  }

  observe(event: KvEvent): void {
    const slot = this.#slots.take(event.endpoint);
    if (event.kind === "cleared") return this.#clear(slot);
    const { strand, from, to } = event;
    const before = this.#sizes[slot] ?? 0;
    if (event.kind === "stored") this.#sizes[slot] = before + this.#index.hold(slot, strand, from, to);
    else this.#sizes[slot] = before - this.#index.drop(slot, strand, from, to);
  }

  left(name: string): void {
    const slot = this.#slots.give(name);
    if (slot !== undefined) this.#clear(slot);
  }

  #clear(slot: number): void {
    this.#index.clear(slot);
    this.#sizes[slot] = 0;
  }
}
