import { NEVER, type SimTime } from "../sim/time.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Requests on their way to the queue, in the order in which they get there, and of those that get there at once in that of
 * coming. A sorted ring: few overtake another one. Those that are gone are passed over.
 */
export class Arrivals {
  /** Its length is a power of two. */
  #ring: (Sequence | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  #size = 0;
  // Asked for far more often than it changes. A double from the first: see `noInstants`.
  #next: SimTime = NEVER;

  /** When the next one gets there. */
  get next(): SimTime {
    return this.#next;
  }

  add(sequence: Sequence): void {
    const { queued } = sequence;
    if (this.#size === this.#ring.length) this.#grow();
    const ring = this.#ring;
    const last = ring.length - 1;
    let at = (this.#head + this.#size) & last;
    for (let ahead = this.#size; ahead > 0; ahead -= 1) {
      const before = (at - 1) & last;
      const other = ring[before] as Sequence;
      if (other.queued <= queued) break;
      ring[at] = other;
      at = before;
    }
    ring[at] = sequence;
    this.#size += 1;
    if (queued < this.#next) this.#next = queued;
  }

  /** Takes the next one. */
  shift(): Sequence | undefined {
    const first = this.#ring[this.#head];
    if (first !== undefined) this.#drop();
    this.passOverGone();
    return first;
  }

  /** To be told when one is gone. */
  passOverGone(): void {
    let first = this.#ring[this.#head];
    for (; first !== undefined && first.state === "gone"; first = this.#ring[this.#head]) this.#drop();
    this.#next = first === undefined ? NEVER : first.queued;
  }

  #drop(): void {
    this.#ring[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#ring.length - 1);
    this.#size -= 1;
  }

  #grow(): void {
    const ring = this.#ring;
    this.#ring = [...ring.slice(this.#head), ...ring.slice(0, this.#head), ...new Array(ring.length).fill(undefined)];
    this.#head = 0;
  }
}
