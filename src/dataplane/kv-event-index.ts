import type { PrefixKeys } from "../model/prefix-keys.ts";
import { HolderIndex } from "./holder-index.ts";

/**
 * Blocks with their holders as KV events tell them. An endpoint may hold a block by an event and by speculation; a block
 * remembers its latest `holders` entries of either kind (llm-d-router v0.9, in-memory index).
 */
export class KvEventIndex {
  readonly #index = new HolderIndex();
  readonly #holders: number;
  /** By row: 2 x slot, + 1 if speculative; latest last. */
  readonly #entries: number[][] = [];
  /** By slot: rows with an entry of it. */
  readonly #rows: Set<number>[] = [];

  constructor(holders: number) {
    this.#holders = holders;
  }

  /** Blocks that somebody holds. */
  get size(): number {
    return this.#index.size;
  }

  get slots(): number {
    return this.#index.slots;
  }

  countLeading(keys: PrefixKeys, limit: number, counts: Int32Array): void {
    this.#index.countLeading(keys, limit, counts);
  }

  hold(name: number, slot: number, speculative: boolean): void {
    const entry = entryOf(slot, speculative);
    const known = this.#index.rowOf(name);
    const before = known === undefined ? undefined : this.#entries[known];
    const at = before?.indexOf(entry) ?? -1;
    if (before !== undefined && at >= 0) {
      before.push(before.splice(at, 1)[0] as number);
      return;
    }
    const row = this.#index.hold(name, slot);
    const entries = (this.#entries[row] ??= []);
    entries.push(entry);
    this.#rowsOf(slot).add(row);
    if (entries.length > this.#holders) this.#dropEntry(row, entries[0] as number);
  }

  drop(name: number, slot: number, speculative: boolean): void {
    const row = this.#index.rowOf(name);
    if (row !== undefined) this.#dropEntry(row, entryOf(slot, speculative));
  }

  /** The endpoint of this slot holds nothing any more. */
  clear(slot: number): void {
    for (const row of [...this.#rowsOf(slot)]) {
      this.#dropEntry(row, entryOf(slot, false));
      this.#dropEntry(row, entryOf(slot, true));
    }
  }

  /** Its slot holds the block no more, unless by the other kind. */
  #dropEntry(row: number, entry: number): void {
    const entries = this.#entries[row];
    const at = entries?.indexOf(entry) ?? -1;
    if (entries === undefined || at < 0) return;
    entries.splice(at, 1);
    if (entries.includes(entry ^ 1)) return;
    const slot = entry >> 1;
    this.#rowsOf(slot).delete(row);
    this.#index.drop(row, slot);
  }

  #rowsOf(slot: number): Set<number> {
    return (this.#rows[slot] ??= new Set());
  }
}

const entryOf = (slot: number, speculative: boolean): number => 2 * slot + (speculative ? 1 : 0);
