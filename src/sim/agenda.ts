import type { SimTime } from "./time.ts";

/**
 * Future events in order of (time, rank, order of asking), so that ties are settled the same way in every run.
 * A binary heap: O(log n) to add and to take. Cancelling is the asker's business: let the event carry a
 * generation number and pass over those that were overtaken.
 */
export class Agenda<E> {
  readonly #times: number[] = [];
  readonly #ranks: number[] = [];
  readonly #orders: number[] = [];
  readonly #events: E[] = [];
  #asked = 0;
  #now: SimTime;

  constructor(start: SimTime) {
    this.#now = start;
  }

  /** The instant of the event taken last. */
  get now(): SimTime {
    return this.#now;
  }

  /** The instant of the next event, or undefined when there is none. */
  get next(): SimTime | undefined {
    return this.#times[0] as SimTime | undefined;
  }

  get size(): number {
    return this.#events.length;
  }

  /** @throws RangeError if `time` lies in the past. */
  at(time: SimTime, rank: number, event: E): void {
    if (!(time >= this.#now)) throw new RangeError(`event at ${time} us lies before now, ${this.#now} us`);
    this.#asked += 1;
    let hole = this.#events.length;
    this.#place(hole, time, rank, this.#asked, event);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!this.#before(hole, parent)) break;
      this.#swap(hole, parent);
      hole = parent;
    }
  }

  /** Takes the next event and moves `now` to it. */
  pop(): E | undefined {
    const event = this.#events[0];
    if (event === undefined) return undefined;
    this.#now = this.#times[0] as SimTime;
    const last = this.#events.length - 1;
    this.#swap(0, last);
    this.#times.pop();
    this.#ranks.pop();
    this.#orders.pop();
    this.#events.pop();
    this.#sink(0);
    return event;
  }

  #sink(from: number): void {
    const size = this.#events.length;
    let hole = from;
    for (;;) {
      const left = 2 * hole + 1;
      if (left >= size) return;
      const right = left + 1;
      const least = right < size && this.#before(right, left) ? right : left;
      if (!this.#before(least, hole)) return;
      this.#swap(least, hole);
      hole = least;
    }
  }

  #before(a: number, b: number): boolean {
    const time = (this.#times[a] as number) - (this.#times[b] as number);
    if (time !== 0) return time < 0;
    const rank = (this.#ranks[a] as number) - (this.#ranks[b] as number);
    if (rank !== 0) return rank < 0;
    return (this.#orders[a] as number) < (this.#orders[b] as number);
  }

  #place(slot: number, time: number, rank: number, order: number, event: E): void {
    this.#times[slot] = time;
    this.#ranks[slot] = rank;
    this.#orders[slot] = order;
    this.#events[slot] = event;
  }

  #swap(a: number, b: number): void {
    const [time, rank, order, event] = [this.#times[a], this.#ranks[a], this.#orders[a], this.#events[a]];
    this.#place(a, this.#times[b] as number, this.#ranks[b] as number, this.#orders[b] as number, this.#events[b] as E);
    this.#place(b, time as number, rank as number, order as number, event as E);
  }
}
