import type { Endpoint } from "../model/endpoint.ts";
import { prefixKeys } from "../model/prefix-keys.ts";
import type { RequestHead } from "../model/request.ts";
import { byPosition, integersFor } from "./columns.ts";
import { HolderIndex } from "./holder-index.ts";
import type { KvEvent } from "./kv-event.ts";
import { Slots } from "./slots.ts";

/** Which blocks each endpoint holds, as its KV events say; every holder of a block is known. */
export class FedIndex {
  /** Tokens. */
  readonly blockSize: number;
  readonly #index = new HolderIndex();
  readonly #slots = new Slots();
  /** Rows held, by slot. */
  readonly #held: Set<number>[] = [];
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
    if (named === 0 || this.#index.size === 0) {
      this.matched.fill(0);
      return;
    }
    this.#counts = integersFor(this.#counts, this.#index.slots);
    this.#index.countLeading(keys, named, this.#counts);
    byPosition(this.#counts, slots, endpoints.length, this.matched);
  }

  /** Blocks held there. */
  sizeOf(name: string): number {
    return this.#heldBy(this.#slots.take(name)).size;
  }

  observe(event: KvEvent): void {
    const slot = this.#slots.take(event.endpoint);
    const held = this.#heldBy(slot);
    if (event.kind === "cleared") return this.#clear(slot);
    for (const name of event.blocks) {
      if (event.kind === "stored") held.add(this.#index.hold(name, slot));
      else {
        const row = this.#index.rowOf(name);
        if (row !== undefined && held.delete(row)) this.#index.drop(row, slot);
      }
    }
  }

  left(name: string): void {
    const slot = this.#slots.give(name);
    if (slot !== undefined) this.#clear(slot);
  }

  #clear(slot: number): void {
    for (const row of this.#heldBy(slot)) this.#index.drop(row, slot);
    this.#heldBy(slot).clear();
  }

  #heldBy(slot: number): Set<number> {
    return (this.#held[slot] ??= new Set());
  }
}
