import { invariant } from "../sim/invariant.ts";
import { elapsed, type SimTime, START, toSeconds } from "../sim/time.ts";

/** A quantity that holds its value until it is set anew: its integral, least and most over time from `from` on. */
export class Level {
  readonly #from: SimTime;
  #value = 0;
  #since = START;
  #area = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  /** @param from what was before counts for nothing */
  constructor(from: SimTime) {
    this.#from = from;
  }

  get value(): number {
    return this.#value;
  }

  /** @throws if `at` lies before the last call's */
  set(value: number, at: SimTime): void {
    invariant(at >= this.#since, `time runs on: ${at} us after ${this.#since} us`);
    const length = this.#lengthUntil(at);
    // What lasted no time was never there: several changes of one instant count as one.
    if (length > 0) {
      this.#area += this.#value * length;
      this.#min = Math.min(this.#min, this.#value);
      this.#max = Math.max(this.#max, this.#value);
    }
    this.#value = value;
    this.#since = at;
  }

  add(change: number, at: SimTime): void {
    this.set(this.#value + change, at);
  }

  /** Value times seconds. */
  area(until: SimTime): number {
    return this.#area + this.#value * this.#lengthUntil(until);
  }

  /** Mean over time; the present value if no time has passed. */
  mean(until: SimTime): number {
    const length = until > this.#from ? toSeconds(elapsed(this.#from, until)) : 0;
    return length === 0 ? this.#value : this.area(until) / length;
  }

  min(until: SimTime): number {
    return this.#lengthUntil(until) > 0 || this.#min > this.#max ? Math.min(this.#min, this.#value) : this.#min;
  }

  max(until: SimTime): number {
    return this.#lengthUntil(until) > 0 || this.#min > this.#max ? Math.max(this.#max, this.#value) : this.#max;
  }

  #lengthUntil(until: SimTime): number {
    const begin = Math.max(this.#since, this.#from) as SimTime;
    return until > begin ? toSeconds(elapsed(begin, until)) : 0;
  }
}
