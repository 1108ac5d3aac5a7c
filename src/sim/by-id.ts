/**
 * Values by whole numbers that come once each and go again, such as requests in flight; in no order. Numbers given out one
 * after the other lie side by side, so that one look tells whether a number is there. A `Map` makes a new table every few
 * dozen entries, and each dead table holds on to the ones after it: once one is old, all that was in flight meanwhile is
 * moved to the old generation.
 */
export class ById<V> {
  /** By the lower bits of a number; NaN: nobody is there. As many as a power of two, at least twice as many as numbers are held. */
  #ids = new Float64Array(16).fill(NOBODY);
  #values: (V | undefined)[] = Array.from({ length: 16 });
  #placed = 0;
  /** Those whose slot was another's when they came. */
  readonly #others = new Map<number, V>();

  get size(): number {
    return this.#placed + this.#others.size;
  }

  get(id: number): V | undefined {
    const slot = this.#slotOf(id);
    return this.#ids[slot] === id ? this.#values[slot] : this.#other(id);
  }

  has(id: number): boolean {
    return this.#ids[this.#slotOf(id)] === id || (this.#others.size > 0 && this.#others.has(id));
  }

  set(id: number, value: V): void {
    const slot = this.#slotOf(id);
    if (this.#ids[slot] === id) this.#values[slot] = value;
    else if (!Number.isNaN(this.#ids[slot]) || (this.#others.size > 0 && this.#others.has(id))) {
      this.#others.set(id, value);
    } else {
      this.#ids[slot] = id;
      this.#values[slot] = value;
      this.#placed += 1;
    }
    if (this.size * 2 > this.#ids.length) this.#grow();
  }

  /** @returns whether it was there */
  delete(id: number): boolean {
    const slot = this.#slotOf(id);
    if (this.#ids[slot] !== id) return this.#others.size > 0 && this.#others.delete(id);
    this.#empty(slot);
    return true;
  }

  /** @returns what was there, which is gone from now on */
  take(id: number): V | undefined {
    const slot = this.#slotOf(id);
    if (this.#ids[slot] === id) {
      const value = this.#values[slot];
      this.#empty(slot);
      return value;
    }
    const value = this.#other(id);
    if (value !== undefined) this.#others.delete(id);
    return value;
  }

  ids(): number[] {
    return [...this.#ids.filter((id) => !Number.isNaN(id)), ...this.#others.keys()];
  }

  values(): V[] {
    const placed = this.#values.filter((_, slot) => !Number.isNaN(this.#ids[slot])) as V[];
    return [...placed, ...this.#others.values()];
  }

  #slotOf(id: number): number {
    return id & (this.#ids.length - 1);
  }

  #other(id: number): V | undefined {
    return this.#others.size === 0 ? undefined : this.#others.get(id);
  }

  #empty(slot: number): void {
    this.#ids[slot] = NOBODY;
    this.#values[slot] = undefined;
    this.#placed -= 1;
  }

  #grow(): void {
    const [ids, values, length] = [this.ids(), this.values(), 2 * this.#ids.length];
    this.#ids = new Float64Array(length).fill(NOBODY);
    this.#values = Array.from({ length });
    this.#placed = 0;
    this.#others.clear();
    for (let i = 0; i < ids.length; i += 1) this.set(ids[i] as number, values[i] as V);
  }
}

const NOBODY = Number.NaN;
