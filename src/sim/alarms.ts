import { NEVER, type SimTime } from "./time.ts";

/** Earlier than any time: an alarm that has rung stays first until it is set anew. */
const SPENT = -1 as SimTime;
/** Times that one rank asks, at most. */
const ORDERS = 2 ** 45;

/**
 * One alarm for each of some sleepers, for those who set theirs anew all the time; in the agenda's order, by time, rank and
 * order of asking. A tournament: setting one is a match per round, O(log n), makes no object, and leaves none that was overtaken.
 */
export class Alarms<S> {
  readonly #sleepers: (S | undefined)[] = [];
  readonly #ranks: number[] = [];
  /** Places of those who left. */
  readonly #free: number[] = [];
  #asked = 0;
  /** By place, as many as a power of two. NEVER: it won't ring. */
  #times = new Float64Array(2).fill(NEVER);
  /** Who goes first at one instant: the rank, then the order of asking. */
  #keys = new Float64Array(2);
  /** Places: node 1 has the winner of all, node n that of 2n and 2n + 1; the last half are the places themselves. */
  #winners = Int32Array.of(0, 0, 0, 1);

  /** @returns its place, to set its alarm by */
  join(sleeper: S, rank: number): number {
    const place = this.#free.pop() ?? this.#sleepers.length;
    this.#sleepers[place] = sleeper;
    this.#ranks[place] = rank;
    if (place === this.#times.length) this.#grow();
    return place;
  }

  leave(place: number): void {
    this.set(place, NEVER);
    this.#sleepers[place] = undefined;
    this.#free.push(place);
  }

  /** When the first one rings; NEVER: none will. */
  get next(): SimTime {
    return this.#times[this.#winners[1] as number] as SimTime;
  }

  /** Rank of the one that rings first. */
  get rank(): number {
    return this.#ranks[this.#winners[1] as number] as number;
  }

  /** @returns whose rings first; it is to be set anew before the next one is asked for */
  ring(): S {
    const first = this.#winners[1] as number;
    this.#times[first] = SPENT;
    return this.#sleepers[first] as S;
  }

  /** Where it is set to that already, it keeps its turn. @param time NEVER: it won't ring */
  set(place: number, time: SimTime): void {
    if (this.#times[place] === time) return;
    this.#asked += 1;
    this.#times[place] = time;
    this.#keys[place] = (this.#ranks[place] as number) * ORDERS + this.#asked;
    this.#play(place);
  }

  /** All matches that hang on this place. */
  #play(place: number): void {
    const winners = this.#winners;
    const times = this.#times;
    const keys = this.#keys;
    let winner = place;
    let time = times[place] as number;
    for (let at = place + times.length; at > 1; at >>= 1) {
      const rival = winners[at ^ 1] as number;
      const other = times[rival] as number;
      if (other < time || (other === time && (keys[rival] as number) < (keys[winner] as number))) {
        winner = rival;
        time = other;
      }
      const node = at >> 1;
      // Others among themselves, as before.
      if (winner !== place && winner === winners[node]) return;
      winners[node] = winner;
    }
  }

  #grow(): void {
    const size = this.#times.length;
    const times = new Float64Array(2 * size).fill(NEVER);
    times.set(this.#times);
    this.#times = times;
    const keys = new Float64Array(2 * size);
    keys.set(this.#keys);
    this.#keys = keys;
    this.#winners = new Int32Array(4 * size);
    for (let place = 0; place < 2 * size; place += 1) this.#winners[2 * size + place] = place;
    for (let place = 0; place < 2 * size; place += 1) this.#play(place);
  }
}
