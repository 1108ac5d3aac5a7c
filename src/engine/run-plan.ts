import { NEVER, type SimTime } from "../sim/time.ts";

/** More are planned when these are through, so that little is lost when something comes between. */
const MOST = 256;

/**
 * When the steps of a run end. All but the last end silently: nobody has to be told, and nothing to be decided that
 * isn't known yet. The last one is to be looked at.
 */
export class RunPlan {
  readonly #ends = new Float64Array(MOST + 1);
  #at = 0;
  #last = -1;

  /** End of the step under way. */
  get next(): SimTime {
    return this.#at > this.#last ? NEVER : (this.#ends[this.#at] as SimTime);
  }

  /** The end to be looked at. */
  get last(): SimTime {
    return this.#last < 0 ? NEVER : (this.#ends[this.#last] as SimTime);
  }

  /** Whether the next end is silent. */
  get silent(): boolean {
    return this.#at < this.#last;
  }

  get full(): boolean {
    return this.#last >= MOST;
  }

  clear(): void {
    this.#at = 0;
    this.#last = -1;
  }

  push(end: SimTime): void {
    this.#last += 1;
    this.#ends[this.#last] = end;
  }

  shift(): void {
    this.#at += 1;
  }

  /** The first end at `time` or later is to be looked at. */
  cut(time: SimTime): void {
    let [low, high] = [this.#at, this.#last];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] as number) >= time) high = middle;
      else low = middle + 1;
    }
    this.#last = Math.min(low, this.#last);
  }
}
