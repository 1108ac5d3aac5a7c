import { NEVER, type SimTime } from "./time.ts";

/**
 * Future events in order of (time, rank, order of asking), so that ties are settled the same way in every run.
 * A binary heap: O(log n) to add and to take. Cancelling is the asker's business: let the event carry a
 * generation number and pass over those that were overtaken.
 */
export class Agenda<E> {
  /** The heap is of numbers alone, so that its events stay where they are put: moving them costs the garbage collector. */
  #times = new Float64Array(4);
  #ranks = new Float64Array(4);
  #orders = new Float64Array(4);
  /** Where the events are; past the heap's end, the free places. */
  #places = Int32Array.of(0, 1, 2, 3);
  readonly #events: (E | undefined)[] = [];
  #size = 0;
  #asked = 0;
  /** A double from the first: see `noInstants`. */
  #now: SimTime = NEVER;

  constructor(start: SimTime) {
    this.#now = start;
  }

  /** The instant of the event taken last. */
  get now(): SimTime {
    return this.#now;
  }

  /** The instant of the next event; NEVER: there is none. */
  get next(): SimTime {
    return this.#size === 0 ? NEVER : (this.#times[0] as SimTime);
  }

  /** The next event, not taken. */
  get first(): E | undefined {
    return this.#size === 0 ? undefined : this.#events[this.#places[0] as number];
  }

  /** The rank of the next event. */
  get rank(): number | undefined {
    return this.#size === 0 ? undefined : this.#ranks[0];
  }

  get size(): number {
    return this.#size;
  }

  /** Something beside happens at `time`, before the next event: `now` moves on to it. */
  passTo(time: SimTime): void {
    this.#now = time;
  }

  /** @throws RangeError if `time` lies in the past. */
  at(time: SimTime, rank: number, event: E): void {
    if (!(time >= this.#now)) throw new RangeError(`event at ${time} us lies before now, ${this.#now} us`);
    if (this.#size === this.#times.length) this.#grow();
    this.#asked += 1;
    const order = this.#asked;
    const place = this.#places[this.#size] as number;
    this.#events[place] = event;
    let hole = this.#size;
    this.#size += 1;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#precedes(parent, time, rank, order)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#put(hole, time, rank, order, place);
  }

  /** Takes the next event and moves `now` to it. */
  pop(): E | undefined {
    if (this.#size > 0) this.#now = this.#times[0] as SimTime;
    return this.drop();
  }

  /** Takes the next event, which was overtaken, and leaves `now` where it is. */
  drop(): E | undefined {
    if (this.#size === 0) return undefined;
    const place = this.#places[0] as number;
    const event = this.#events[place];
    this.#events[place] = undefined;
    this.#size -= 1;
    if (this.#size > 0) this.#sink();
    this.#places[this.#size] = place;
    return event;
  }

  /** Forgets all that is to come. */
  clear(): void {
    for (let at = 0; at < this.#size; at += 1) this.#events[this.#places[at] as number] = undefined;
    this.#size = 0;
  }

  /** Puts the last one, just past the heap's end, where it belongs from the empty root on. */
  #sink(): void {
    const size = this.#size;
    const time = this.#times[size] as number;
    const rank = this.#ranks[size] as number;
    const order = this.#orders[size] as number;
    const place = this.#places[size] as number;
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
    this.#put(hole, time, rank, order, place);
  }

  /** Whether the event at `at` in the heap comes before one of (time, rank, order). */
  #precedes(at: number, time: number, rank: number, order: number): boolean {
    const other = this.#times[at] as number;
    if (other !== time) return other < time;
    const otherRank = this.#ranks[at] as number;
    if (otherRank !== rank) return otherRank < rank;
    return (this.#orders[at] as number) < order;
  }

  #put(at: number, time: number, rank: number, order: number, place: number): void {
    this.#times[at] = time;
    this.#ranks[at] = rank;
    this.#orders[at] = order;
    this.#places[at] = place;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from] as number;
    this.#ranks[to] = this.#ranks[from] as number;
    this.#orders[to] = this.#orders[from] as number;
    this.#places[to] = this.#places[from] as number;
  }

  #grow(): void {
    this.#times = twice(this.#times);
    this.#ranks = twice(this.#ranks);
    this.#orders = twice(this.#orders);
    const places = Int32Array.from({ length: 2 * this.#size }, (_, place) => place);
    places.set(this.#places);
    this.#places = places;
  }
}

const twice = (numbers: Float64Array): Float64Array<ArrayBuffer> => {
  const more = new Float64Array(2 * numbers.length);
  more.set(numbers);
  return more;
};
