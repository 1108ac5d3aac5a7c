/**
 * Coasters in order of the step that each ends with, then of rank, by seats that are given out here: numbers alone, since
 * moving the coasters themselves costs the garbage collector. A timing wheel (Varghese and Lauck, 1987), so wide that no two
 * steps share a slot: whoever comes or goes costs the same however many there are.
 */
export class EndOrder {
  /**
   * By step modulo their number, a power of two: the seat of the one of lowest rank that ends with it; 0: nobody does. After
   * these a bit for each of them that isn't 0: one array in place of two is one less to be brought near.
   */
  #wheel = new Int32Array(256 + 256 / 32);
  #slots = 256;
  /**
   * In pairs by seat, from 1 on: the one that ends with the same step and comes next, or the next free seat, 0 if there is
   * none; and its rank.
   */
  #seats = new Float64Array(2);
  #free = 0;
  #count = 0;
  /** Between which steps they end, as long as there are any. */
  #soonest = 0;
  #latest = 0;

  /** The first step with which one ends; Infinity if there is none. */
  get next(): number {
    return this.#count === 0 ? Number.POSITIVE_INFINITY : this.#soonest;
  }

  /** The seat of that one. */
  get seat(): number {
    return this.#wheel[this.#soonest & (this.#slots - 1)] as number;
  }

  /** @returns its seat */
  add(step: number, rank: number): number {
    if (this.#free === 0) this.#addSeats();
    const isFirst = this.#count === 0;
    const soonest = isFirst || step < this.#soonest ? step : this.#soonest;
    const latest = isFirst || step > this.#latest ? step : this.#latest;
    while (latest - soonest >= this.#slots) this.#widen();
    this.#soonest = soonest;
    this.#latest = latest;
    const wheel = this.#wheel;
    const seats = this.#seats;
    const at = step & (this.#slots - 1);
    const seat = this.#free;
    this.#free = seats[2 * seat] as number;
    let before = 0;
    let after = wheel[at] as number;
    for (; after > 0 && (seats[2 * after + 1] as number) < rank; after = seats[2 * after] as number) before = after;
    if (before > 0) seats[2 * before] = seat;
    else wheel[at] = seat;
    seats[2 * seat] = after;
    seats[2 * seat + 1] = rank;
    mark(wheel, this.#slots, at);
    this.#count += 1;
    return seat;
  }

  /** Whoever ends with `step` leaves its seat. */
  remove(step: number, seat: number): void {
    const wheel = this.#wheel;
    const seats = this.#seats;
    const slots = this.#slots;
    const at = step & (slots - 1);
    const first = wheel[at] as number;
    if (first === seat) wheel[at] = seats[2 * seat] as number;
    else {
      let before = first;
      while (seats[2 * before] !== seat) before = seats[2 * before] as number;
      seats[2 * before] = seats[2 * seat] as number;
    }
    seats[2 * seat] = this.#free;
    this.#free = seat;
    this.#count -= 1;
    if ((wheel[at] as number) > 0) return;
    const word = slots + (at >> 5);
    wheel[word] = (wheel[word] as number) & ~(1 << at);
    if (step === this.#soonest && this.#count > 0) this.#soonest = this.#firstFrom(step);
  }

  /** The first step from `step` on with which one ends; there is one. */
  #firstFrom(step: number): number {
    const wheel = this.#wheel;
    const slots = this.#slots;
    const last = (slots >> 5) - 1;
    let word = (step >> 5) & last;
    let begin = step - (step & 31);
    let bits = (wheel[slots + word] as number) & (-1 << step);
    while (bits === 0) {
      word = (word + 1) & last;
      begin += 32;
      bits = wheel[slots + word] as number;
    }
    return begin + 31 - Math.clz32(bits & -bits);
  }

  #addSeats(): void {
    const seats = this.#seats;
    const count = seats.length / 2;
    this.#seats = new Float64Array(2 * seats.length);
    this.#seats.set(seats);
    for (let seat = count; seat < 2 * count - 1; seat += 1) this.#seats[2 * seat] = seat + 1;
    this.#free = count;
  }

  #widen(): void {
    const narrow = this.#wheel;
    const [few, slots] = [this.#slots, 2 * this.#slots];
    const wheel = new Int32Array(slots + slots / 32);
    for (let i = 0; i < few; i += 1) {
      const step = this.#soonest + i;
      const seat = narrow[step & (few - 1)] as number;
      if (seat === 0) continue;
      wheel[step & (slots - 1)] = seat;
      mark(wheel, slots, step & (slots - 1));
    }
    this.#wheel = wheel;
    this.#slots = slots;
  }
}

const mark = (wheel: Int32Array, slots: number, at: number): void => {
  const word = slots + (at >> 5);
  wheel[word] = (wheel[word] as number) | (1 << at);
};
