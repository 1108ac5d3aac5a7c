import { noInstants, type SimTime } from "./time.ts";

/**
 * Future events in order of (time, rank, order of asking), so that ties are settled the same way in every run.
 * A binary heap: O(log n) to add and to take. Cancelling is the asker's business: let the event carry a
 * generation number and pass over those that were overtaken.
 */
export class Agenda<E> {
  readonly #times: number[] = noInstants();
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

  /** The next event, not taken. */
  get first(): E | undefined {
    return this.#events[0];
  }

  /** The rank of the next event. */
  get rank(): number | undefined {
    return this.#ranks[0];
  }

  get size(): number {
    return this.#events.length;
  }

  /** Something beside happens at `time`, before the next event: `now` moves on to it. */
  passTo(time: SimTime): void {
    this.#now = time;
  }

  /** @throws RangeError if `time` lies in the past. */
  at(time: SimTime, rank: number, event: E): void {
    if (!(time >= this.#now)) throw new RangeError(`event at ${time} us lies before now, ${this.#now} us`);
    this.#asked += 1;
    const order = this.#asked;
    let hole = this.#events.length;
    this.#place(hole, time, rank, order, event);
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#precedes(parent, time, rank, order)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#place(hole, time, rank, order, event);
  }

  /** Takes the next event and moves `now` to it. */
  pop(): E | undefined {
    if (this.#events.length > 0) this.#now = this.#times[0] as SimTime;
    return this.drop();
  }

  /** Takes the next event, which was overtaken, and leaves `now` where it is. */
  drop(): E | undefined {
    const event = this.#events[0];
    if (event === undefined) return undefined;
    const time = this.#times.pop() as number;
    const rank = this.#ranks.pop() as number;
    const order = this.#orders.pop() as number;
    const last = this.#events.pop() as E;
    if (this.#events.length > 0) this.#sink(time, rank, order, last);
    return event;
  }

  /** Puts an event where it belongs, from the empty root on. */
  #sink(time: number, rank: number, order: number, event: E): void {
    const size = this.#events.length;
    let hole = 0;
    for (let child = 1; child < size; child = 2 * hole + 1) {
      const right = child + 1;
      if (
        right < size &&
        this.#precedes(right, this.#times[child] as number, this.#ranks[child] as number, this.#orders[child] as number)
      ) {
        child = right;
      }
      if (!this.#precedes(child, time, rank, order)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#place(hole, time, rank, order, event);
  }

  /** Whether the event in `slot` comes before one of (time, rank, order). */
  #precedes(slot: number, time: number, rank: number, order: number): boolean {
    const other = this.#times[slot] as number;
    if (other !== time) return other < time;
    const otherRank = this.#ranks[slot] as number;
    if (otherRank !== rank) return otherRank < rank;
    return (this.#orders[slot] as number) < order;
  }

  #place(slot: number, time: number, rank: number, order: number, event: E): void {
    this.#times[slot] = time;
    this.#ranks[slot] = rank;
    this.#orders[slot] = order;
    this.#events[slot] = event;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#ranks[to] = this.#ranks[from] as number;
    this.#orders[to] = this.#orders[from] as number;
    this.#events[to] = this.#events[from] as E;
  }
}
