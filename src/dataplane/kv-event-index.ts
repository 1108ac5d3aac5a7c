import type { PrefixKeys } from "../model/prefix-keys.ts";
import { RunIndex } from "./run-index.ts";

/**
 * Blocks with their holders as KV events tell them. An endpoint may hold a block by an event and by speculation; a block
 * remembers its latest `holders` entries of either kind (llm-d-router v0.9, in-memory index).
 */
export class KvEventIndex {
  readonly #index = new RunIndex();
  readonly #holders: number;
  /** By strand and index of block: 2 x slot, + 1 if speculative; latest last. */
  readonly #entries = new Map<number, number[][]>();

  constructor(holders: number) {
    this.#holders = holders;
  }

  /** Whether nobody holds anything. */
  get isEmpty(): boolean {
    return this.#index.isEmpty;
  }

  get slots(): number {
    return this.#index.slots;
  }

  countLeading(keys: PrefixKeys, limit: number, counts: Int32Array): void {
    this.#index.countLeading(keys, limit, counts);
  }

  /** Blocks `from` to `to` of a strand are there. */
  hold(strand: number, from: number, to: number, slot: number, speculative: boolean): void {
    const entry = entryOf(slot, speculative);
    let blocks = this.#entries.get(strand);
    if (blocks === undefined) this.#entries.set(strand, (blocks = []));
    this.#index.hold(slot, strand, from, to);
    for (let index = from; index < to; index += 1) {
      const entries = (blocks[index] ??= []);
      const at = entries.indexOf(entry);
      if (at >= 0) entries.splice(at, 1);
      entries.push(entry);
      if (entries.length > this.#holders) this.#dropEntry(strand, index, entries, entries[0] as number);
    }
  }

  drop(strand: number, from: number, to: number, slot: number, speculative: boolean): void {
    const blocks = this.#entries.get(strand);
    if (blocks === undefined) return;
    for (let index = from; index < to; index += 1) {
      const entries = blocks[index];
      if (entries !== undefined) this.#dropEntry(strand, index, entries, entryOf(slot, speculative));
    }
    if (!this.#index.has(strand)) this.#entries.delete(strand);
  }

  /** The endpoint of this slot holds nothing any more. */
  clear(slot: number): void {
    for (const [strand, blocks] of this.#entries) {
      this.drop(strand, 0, blocks.length, slot, false);
      this.drop(strand, 0, blocks.length, slot, true);
    }
  }

  /** Its slot holds the block no more, unless by the other kind. */
  #dropEntry(strand: number, index: number, entries: number[], entry: number): void {
    const at = entries.indexOf(entry);
    if (at < 0) return;
    entries.splice(at, 1);
    if (!entries.includes(entry ^ 1)) this.#index.drop(entry >> 1, strand, index, index + 1);
  }
}

const entryOf = (slot: number, speculative: boolean): number => 2 * slot + (speculative ? 1 : 0);
