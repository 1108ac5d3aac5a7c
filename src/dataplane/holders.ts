import { integersFor } from "./columns.ts";

/** Blocks of a prompt that endpoints hold, by position. As a rule most hold none of it, so those who do are listed as well. */
export class Holders {
  /** Blocks. */
  matched = new Int32Array(8);
  /** Positions of those who hold any, in the first `count` places, in no order. */
  list = new Int32Array(8);
  count = 0;

  /** Nobody holds anything. @param length of the columns */
  clear(length: number): void {
    const { matched, list } = this;
    for (let i = 0; i < this.count; i += 1) matched[list[i] as number] = 0;
    this.count = 0;
    this.matched = integersFor(matched, length);
    this.list = integersFor(list, length);
  }

  /** What is known by slot. */
  addAll(bySlot: Int32Array, slots: Int32Array, length: number): void {
    const known = bySlot.length;
    for (let at = 0; at < length; at += 1) {
      const slot = slots[at] as number;
      const blocks = slot < known ? (bySlot[slot] as number) : 0;
      if (blocks > 0) this.add(at, blocks);
    }
  }

  /** @param blocks above 0 */
  add(position: number, blocks: number): void {
    const before = this.matched[position] as number;
    this.matched[position] = before + blocks;
    if (before > 0) return;
    this.list[this.count] = position;
    this.count += 1;
  }
}
