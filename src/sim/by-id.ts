/**
 * Values by whole numbers that come once each and go again, such as requests in flight; in no order. A hash table
 * with open addressing that is written over and over. A `Map` makes a new table every few dozen entries, and each dead
 * table holds on to the ones after it: once one is old, all that was in flight meanwhile is moved to the old generation.
 */
export class ById<V> {
  /** NaN: nobody is there. As many as a power of two, at most half of them taken. */
  #ids = new Float64Array(16).fill(NOBODY);
  #values: (V | undefined)[] = Array.from({ length: 16 });
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): V | undefined {
    return this.#values[this.#slotOf(id)];
  }

  has(id: number): boolean {
    return this.#ids[this.#slotOf(id)] === id;
  }

  set(id: number, value: V): void {
    const slot = this.#slotOf(id);
    this.#values[slot] = value;
    if (this.#ids[slot] === id) return;
    this.#ids[slot] = id;
    this.#size += 1;
    if (this.#size * 2 > this.#ids.length) this.#grow();
  }

  /** @returns whether it was there */
  delete(id: number): boolean {
    const slot = this.#slotOf(id);
    if (this.#ids[slot] !== id) return false;
    this.#empty(slot);
    return true;
  }

  /** @returns what was there, which is gone from now on */
  take(id: number): V | undefined {
    const slot = this.#slotOf(id);
    if (this.#ids[slot] !== id) return undefined;
    const value = this.#values[slot];
    this.#empty(slot);
    return value;
  }

  #empty(taken: number): void {
    const ids = this.#ids;
    let hole = taken;
    this.#size -= 1;
    // Whoever was pushed on by the one that goes moves up, so that a search may end at an empty slot.
    const last = ids.length - 1;
    for (let slot = (hole + 1) & last; !Number.isNaN(ids[slot]); slot = (slot + 1) & last) {
      const home = homeOf(ids[slot] as number, last);
      if (((slot - home) & last) < ((slot - hole) & last)) continue;
      ids[hole] = ids[slot] as number;
      this.#values[hole] = this.#values[slot];
      hole = slot;
    }
    ids[hole] = NOBODY;
    this.#values[hole] = undefined;
  }

  ids(): number[] {
    return [...this.#ids.filter((id) => !Number.isNaN(id))];
  }

  values(): V[] {
    return this.#values.filter((_, slot) => !Number.isNaN(this.#ids[slot])) as V[];
  }

  /** Where it is, or would be. */
  #slotOf(id: number): number {
    const ids = this.#ids;
    const last = ids.length - 1;
    let slot = homeOf(id, last);
    while (ids[slot] !== id && !Number.isNaN(ids[slot])) slot = (slot + 1) & last;
    return slot;
  }

  #grow(): void {
    const [ids, values] = [this.#ids, this.#values];
    this.#ids = new Float64Array(2 * ids.length).fill(NOBODY);
    this.#values = Array.from({ length: 2 * ids.length });
    for (let at = 0; at < ids.length; at += 1) {
      const id = ids[at] as number;
      if (Number.isNaN(id)) continue;
      const slot = this.#slotOf(id);
      this.#ids[slot] = id;
      this.#values[slot] = values[at];
    }
  }
}

const NOBODY = Number.NaN;

/** Fibonacci hashing (Knuth, volume 3, 6.4), so that ids lie apart which one replica of many got, too. */
const homeOf = (id: number, last: number): number => (Math.imul(id, 0x9e37_79b1) >>> 8) & last;
