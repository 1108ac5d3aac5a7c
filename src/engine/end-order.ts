/**
 * Coasters in order of the step that each ends with, then of rank, by seats that are given out here: numbers alone, since
 * moving the coasters themselves costs the garbage collector. A timing wheel (Varghese and Lauck, 1987), so wide that no two
 * steps share a slot: whoever comes or goes costs the same however many there are.
 */
export class EndOrder {
  /** By step modulo their number, a power of two: the seat of the one of lowest rank that ends with it; 0: nobody does. */
  #slots = new Int32Array(256);
  /** A bit for each slot that isn't empty. */
  #marks = new Int32Array(256 / 32);
  /** By seat, from 1 on: the one that ends with the same step and comes next, or the next free seat; 0: there is none. */
  #nexts = new Int32Array(1);
  #ranks = new Float64Array(1);
  #free = 0;
  #count = 0;
  #soonest = Number.POSITIVE_INFINITY;
  /** None ends with a later step. */
  #latest = Number.NEGATIVE_INFINITY;

  /** The first step with which one ends; Infinity if there is none. */
  get next(): number {
    return this.#soonest;
  }

  /** The seat of that one. */
  get seat(): number {
    return this.#slots[this.#soonest & (this.#slots.length - 1)] as number;
  }

  /** @returns its seat */
  add(step: number, rank: number): number {
    if (this.#free === 0) this.#addSeats();
    const soonest = step < this.#soonest ? step : this.#soonest;
    const latest = this.#count > 0 && step < this.#latest ? this.#latest : step;
    while (latest - soonest >= this.#slots.length) this.#widen();
    this.#soonest = soonest;
    this.#latest = latest;
    const slots = this.#slots;
    const nexts = this.#nexts;
    const at = step & (slots.length - 1);
    const seat = this.#free;
    this.#free = nexts[seat] as number;
    let before = 0;
    let after = slots[at] as number;
    for (; after > 0 && (this.#ranks[after] as number) < rank; after = nexts[after] as number) before = after;
    if (before > 0) nexts[before] = seat;
    else slots[at] = seat;
    nexts[seat] = after;
    this.#ranks[seat] = rank;
    mark(this.#marks, at);
    this.#count += 1;
    return seat;
  }

  /** Whoever ends with `step` leaves its seat. */
  remove(step: number, seat: number): void {
    const slots = this.#slots;
    const nexts = this.#nexts;
    const at = step & (slots.length - 1);
    const first = slots[at] as number;
    if (first === seat) slots[at] = nexts[seat] as number;
    else {
      let before = first;
      while (nexts[before] !== seat) before = nexts[before] as number;
      nexts[before] = nexts[seat] as number;
    }
    nexts[seat] = this.#free;
    this.#free = seat;
    this.#count -= 1;
    if ((slots[at] as number) > 0) return;
    this.#marks[at >> 5] = (this.#marks[at >> 5] as number) & ~(1 << at);
    if (step === this.#soonest) this.#soonest = this.#count === 0 ? Number.POSITIVE_INFINITY : this.#firstFrom(step);
  }

  /** The first step from `step` on with which one ends; there is one. */
  #firstFrom(step: number): number {
    const marks = this.#marks;
    const last = marks.length - 1;
    let word = (step >> 5) & last;
    let begin = step - (step & 31);
    let bits = (marks[word] as number) & (-1 << step);
    while (bits === 0) {
      word = (word + 1) & last;
      begin += 32;
      bits = marks[word] as number;
    }
    return begin + 31 - Math.clz32(bits & -bits);
  }

  #addSeats(): void {
    const count = this.#nexts.length;
    const nexts = new Int32Array(2 * count);
    const ranks = new Float64Array(2 * count);
    nexts.set(this.#nexts);
    ranks.set(this.#ranks);
    for (let seat = count; seat < 2 * count - 1; seat += 1) nexts[seat] = seat + 1;
    this.#nexts = nexts;
    this.#ranks = ranks;
    this.#free = count;
  }

  #widen(): void {
    const narrow = this.#slots;
    const slots = new Int32Array(2 * narrow.length);
    const marks = new Int32Array(slots.length / 32);
    for (let i = 0; i < narrow.length; i += 1) {
      const step = this.#soonest + i;
      const seat = narrow[step & (narrow.length - 1)] as number;
      if (seat === 0) continue;
      slots[step & (slots.length - 1)] = seat;
      mark(marks, step & (slots.length - 1));
    }
    this.#slots = slots;
    this.#marks = marks;
  }
}

const mark = (marks: Int32Array, at: number): void => {
  marks[at >> 5] = (marks[at >> 5] as number) | (1 << at);
};
