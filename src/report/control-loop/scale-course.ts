import { type SimTime, START } from "../../sim/time.ts";

/** A fall within this after a rise takes back what the rise had too much; a later one follows the load. */
export const OVERSHOOT_SECONDS = 900;

type Direction = "up" | "down";

/**
 * The wanted replicas of one workload over time.
 *
 * A rise is a run of scale-ups without a scale-down between. Its overshoot is what scale-downs take back within
 * `OVERSHOOT_SECONDS` of its last scale-up, at most what it added. A reversal is a change against the direction of the last one.
 */
export class ScaleCourse {
  /** Largest overshoot of a rise. */
  overshoot = 0;
  reversals = 0;
  readonly #from: SimTime;
  readonly #limits: { readonly min: number; readonly max: number };
  #value: number | undefined;
  #since = START;
  #atMin = 0;
  #atMax = 0;
  #last: Direction | undefined;
  #rise: { readonly from: number; peak: number; lastAt: SimTime; takenBack: number } | undefined;

  /** @param from what was before counts for nothing */
  constructor(from: SimTime, limits: { readonly min: number; readonly max: number }) {
    this.#from = from;
    this.#limits = limits;
  }

  /** The replicas that are wanted, if they are not known yet. */
  begin(replicas: number, at: SimTime): void {
    if (this.#value === undefined) this.#set(replicas, at);
  }

  scaled(from: number, to: number, at: SimTime): void {
    this.begin(from, at);
    this.#set(to, at);
    const direction = to > from ? "up" : "down";
    if (at >= this.#from && this.#last !== undefined && this.#last !== direction) this.reversals += 1;
    if (direction === "up") this.#climb(from, to, at);
    else this.#fall(from - to, at);
    this.#last = direction;
  }

  secondsAtMin(until: SimTime): number {
    return this.#atMin + (this.#value === this.#limits.min ? this.#lengthUntil(until) : 0);
  }

  secondsAtMax(until: SimTime): number {
    return this.#atMax + (this.#value === this.#limits.max ? this.#lengthUntil(until) : 0);
  }

  #climb(from: number, to: number, at: SimTime): void {
    if (this.#last !== "up" || this.#rise === undefined) this.#rise = { from, peak: to, lastAt: at, takenBack: 0 };
    this.#rise.peak = to;
    this.#rise.lastAt = at;
  }

  #fall(by: number, at: SimTime): void {
    const rise = this.#rise;
    if (rise === undefined || at < this.#from || at - rise.lastAt > OVERSHOOT_SECONDS * 1e6) return;
    rise.takenBack += by;
    this.overshoot = Math.max(this.overshoot, Math.min(rise.takenBack, rise.peak - rise.from));
  }

  #set(replicas: number, at: SimTime): void {
    this.#atMin = this.secondsAtMin(at);
    this.#atMax = this.secondsAtMax(at);
    this.#value = replicas;
    this.#since = at;
  }

  #lengthUntil(until: SimTime): number {
    return Math.max(0, until - Math.max(this.#since, this.#from)) / 1e6;
  }
}
