/** More than there ever are at once. */
const SEATS = 2 ** 20;

/**
 * Coasters in order of the step that each ends with, then of rank, by seats that are given out here: numbers alone, since
 * moving the coasters themselves costs the garbage collector. A sorted ring: whoever comes last ends last as a rule, so that
 * it takes its place behind most of the others, and only those that come after it move.
 */
export class EndOrder {
  /** From `#first` on: step times `SEATS` plus seat; behind the last one, the free seats. A power of two in length. */
  #keys = Float64Array.from({ length: 16 }, (_, seat) => seat);
  /** By seat. */
  #ranks = new Float64Array(16);
  #first = 0;
  #size = 0;

  /** The first step with which one ends; Infinity if there is none. */
  get next(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : Math.floor((this.#keys[this.#first] as number) / SEATS);
  }

  /** The seat of that one. */
  get seat(): number {
    return (this.#keys[this.#first] as number) - this.next * SEATS;
  }

  /** @returns its seat */
  add(step: number, rank: number): number {
    if (this.#size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    const ranks = this.#ranks;
    const last = keys.length - 1;
    let at = (this.#first + this.#size) & last;
    const seat = keys[at] as number;
    const least = step * SEATS;
    const beyond = least + SEATS;
    for (let left = this.#size; left > 0; left -= 1) {
      const before = (at - 1) & last;
      const other = keys[before] as number;
      if (other < least || (other < beyond && (ranks[other - least] as number) < rank)) break;
      keys[at] = other;
      at = before;
    }
    keys[at] = least + seat;
    ranks[seat] = rank;
    this.#size += 1;
    return seat;
  }

  /** Whoever ends with `step` leaves its seat: the first one as a rule. */
  remove(step: number, seat: number): void {
    const keys = this.#keys;
    const last = keys.length - 1;
    const key = step * SEATS + seat;
    let at = this.#first;
    while (keys[at] !== key) at = (at + 1) & last;
    while (at !== this.#first) {
      const before = (at - 1) & last;
      keys[at] = keys[before] as number;
      at = before;
    }
    keys[at] = seat;
    this.#first = (at + 1) & last;
    this.#size -= 1;
  }

  /** All seats are taken. */
  #grow(): void {
    const size = this.#size;
    const keys = Float64Array.from({ length: 2 * size }, (_, seat) => seat);
    keys.set(this.#keys.subarray(this.#first));
    keys.set(this.#keys.subarray(0, this.#first), size - this.#first);
    const ranks = new Float64Array(2 * size);
    ranks.set(this.#ranks);
    this.#keys = keys;
    this.#ranks = ranks;
    this.#first = 0;
  }
}
