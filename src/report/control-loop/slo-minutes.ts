import type { SimTime } from "../../sim/time.ts";

const MINUTE = 60e6;

/**
 * Minutes of violated objectives: each minute of simulated time counts by the share of the requests with targets ending in it that
 * missed one. `whileStarting` likewise, of those only that missed with a start-up under way at some time between their arrival
 * and their end.
 */
export class SloMinutes {
  #minute = 0;
  #ended = 0;
  #missed = 0;
  #missedStarting = 0;
  #violation = 0;
  #whileStarting = 0;

  ended(at: SimTime, missed: boolean, starting: boolean): void {
    const minute = Math.floor(at / MINUTE);
    // Clients see ends a little later than they are told: what comes late belongs to the minute at hand.
    if (minute > this.#minute) this.#close(minute);
    this.#ended += 1;
    if (!missed) return;
    this.#missed += 1;
    if (starting) this.#missedStarting += 1;
  }

  /** Of the minutes so far, the one at hand included. */
  get violation(): number {
    return this.#violation + share(this.#missed, this.#ended);
  }

  get whileStarting(): number {
    return this.#whileStarting + share(this.#missedStarting, this.#ended);
  }

  #close(next: number): void {
    this.#violation = this.violation;
    this.#whileStarting = this.whileStarting;
    this.#minute = next;
    this.#ended = 0;
    this.#missed = 0;
    this.#missedStarting = 0;
  }
}

const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
