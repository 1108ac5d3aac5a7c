import type { PrefixKeys } from "../model/prefix-keys.ts";

/**
 * Who is believed to hold which block: a row of bits per block, one bit per slot. The matches of all endpoints come from
 * one walk over a request's blocks, which touches an endpoint only where its bit differs from that of the block before.
 */
export class HolderIndex {
  readonly #rows = new Map<number, number>();
  #names = new Float64Array(FIRST_ROWS);
  #holders = new Int32Array(FIRST_ROWS);
  #bits = new Int32Array(FIRST_ROWS);
  /** Words of bits per row. */
  #words = 1;
  #used = 0;
  readonly #free: number[] = [];
  /** Of each row the one that followed it when a chain was last walked: the same chains are walked over and over. */
  #followers = new Int32Array(FIRST_ROWS);
  #before = new Int32Array(1);

  /** Blocks that somebody holds. */
  get size(): number {
    return this.#rows.size;
  }

  /** @returns the block's row, for `drop` */
  hold(name: number, slot: number): number {
    if (slot >= this.#words * 32) this.#widen(slot);
    const row = this.#rows.get(name) ?? this.#newRow(name);
    const at = row * this.#words + (slot >> 5);
    const bit = 1 << (slot & 31);
    if (((this.#bits[at] as number) & bit) !== 0) return row;
    this.#bits[at] = (this.#bits[at] as number) | bit;
    this.#holders[row] = (this.#holders[row] as number) + 1;
    return row;
  }

  rowOf(name: number): number | undefined {
    return this.#rows.get(name);
  }

  drop(row: number, slot: number): void {
    const at = row * this.#words + (slot >> 5);
    const bit = 1 << (slot & 31);
    if (slot >= this.#words * 32 || ((this.#bits[at] as number) & bit) === 0) return;
    this.#bits[at] = (this.#bits[at] as number) & ~bit;
    this.#holders[row] = (this.#holders[row] as number) - 1;
    if (this.#holders[row] !== 0) return;
    this.#rows.delete(this.#names[row] as number);
    this.#free.push(row);
  }

  /** How many slots `counts` must have room for. */
  get slots(): number {
    return this.#words * 32;
  }

  /**
   * Counts, per slot, the leading blocks held without a gap.
   *
   * @param limit leading blocks to look up
   */
  countLeading(keys: PrefixKeys, limit: number, counts: Int32Array): void {
    const words = this.#words;
    const [bits, before] = [this.#bits, this.#before];
    counts.fill(0, 0, words * 32);
    before.fill(-1);
    let index = 0;
    let row: number | undefined;
    for (let left = -1; index < limit && left !== 0; index += 1) {
      row = this.#rowAt(row, keys, index);
      if (row === undefined) break;
      left = 0;
      for (let word = 0; word < words; word += 1) {
        const was = before[word] as number;
        const now = was & (bits[row * words + word] as number);
        left |= now;
        if (now === was) continue;
        before[word] = now;
        if (index > 0) add(counts, word, was & ~now, index);
      }
    }
    for (let word = 0; word < words && index > 0; word += 1) add(counts, word, before[word] as number, index);
  }

  /** The row of block `index`, where that of the block before it is `before`. */
  #rowAt(before: number | undefined, keys: PrefixKeys, index: number): number | undefined {
    if (before === undefined) return this.#rows.get(keys.at(index));
    const last = this.#followers[before] as number;
    if (keys.isAt(index, this.#names[last] as number) && this.#holders[last] !== 0) return last;
    const row = this.#rows.get(keys.at(index));
    if (row !== undefined) this.#followers[before] = row;
    return row;
  }

  #newRow(name: number): number {
    const row = this.#free.pop() ?? this.#used++;
    if (row >= this.#names.length) this.#lengthen();
    this.#rows.set(name, row);
    this.#names[row] = name;
    return row;
  }

  #lengthen(): void {
    const length = this.#names.length * 2;
    const [names, holders, bits, followers] = [this.#names, this.#holders, this.#bits, this.#followers];
    this.#names = new Float64Array(length);
    this.#holders = new Int32Array(length);
    this.#bits = new Int32Array(length * this.#words);
    this.#names.set(names);
    this.#holders.set(holders);
    this.#bits.set(bits);
    this.#followers = new Int32Array(length);
    this.#followers.set(followers);
  }

  #widen(slot: number): void {
    const [bits, words] = [this.#bits, this.#words];
    this.#words = (slot >> 5) + 1;
    this.#bits = new Int32Array(this.#names.length * this.#words);
    this.#before = new Int32Array(this.#words);
    for (let row = 0; row < this.#used; row += 1) {
      this.#bits.set(bits.subarray(row * words, (row + 1) * words), row * this.#words);
    }
  }
}

const FIRST_ROWS = 1024;

const add = (counts: Int32Array, word: number, bits: number, amount: number): void => {
  for (let rest = bits; rest !== 0; rest &= rest - 1) {
    const slot = word * 32 + 31 - Math.clz32(rest & -rest);
    counts[slot] = (counts[slot] as number) + amount;
  }
};
