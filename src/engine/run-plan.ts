import type { Batch } from "../model/batch.ts";
import { NEVER, type SimTime } from "../sim/time.ts";
import type { EngineTiming } from "./engine.ts";

/**
 * When the steps of a run end. All but the last end silently: nobody has to be told, and nothing to be decided that
 * isn't known yet. The last one is to be looked at.
 */
export class RunPlan {
  /** More are planned when these are through, so that little is lost when something comes between. */
  static readonly most = 256;
  readonly ends = new Float64Array(RunPlan.most + 1);
  #at = 0;
  #last = -1;

  /** Index of the end of the step under way. */
  get at(): number {
    return this.#at;
  }

  /** End of the step under way. */
  get next(): SimTime {
    return this.#at > this.#last ? NEVER : (this.ends[this.#at] as SimTime);
  }

  /** The end to be looked at. */
  get last(): SimTime {
    return this.#last < 0 ? NEVER : (this.ends[this.#last] as SimTime);
  }

  /** Whether the next end is silent. */
  get silent(): boolean {
    return this.#at < this.#last;
  }

  /** The last one before that, if there is any. */
  get lastSilent(): SimTime {
    return this.ends[this.#last - 1] as SimTime;
  }

  /** How many ends were planned, those taken since included. */
  get size(): number {
    return this.#last + 1;
  }

  get full(): boolean {
    return this.#last >= RunPlan.most;
  }

  clear(): void {
    this.#at = 0;
    this.#last = -1;
  }

  push(end: SimTime): void {
    this.#last += 1;
    this.ends[this.#last] = end;
  }

  /**
   * Plans at most `most` steps that begin before `change`, in each of which all of `batch` decode a token.
   * @param growing those whose context grows within the window
   */
  extend(timing: EngineTiming, batch: Batch, growing: number, most: number, change: number): void {
    const { ends } = this;
    const { decodes } = batch;
    const until = Math.min(RunPlan.most, this.#last + most);
    let last = this.#last;
    for (let end = ends[last] as number; last < until && end < change; ) {
      end += Math.max(1, timing.step(batch));
      batch.decodeContext += decodes;
      batch.decodeWindow += growing;
      last += 1;
      ends[last] = end;
    }
    this.#last = last;
  }

  /** How many silent ends there are up to `time`. */
  silentUntil(time: SimTime): number {
    return this.#firstFrom(time + 1) - this.#at;
  }

  /** Takes all silent ends up to `time`. @returns the index that follows the last of them */
  take(time: SimTime): number {
    this.#at = this.#firstFrom(time + 1);
    return this.#at;
  }

  /** The first end at `time` or later is to be looked at. */
  cut(time: SimTime): void {
    this.#last = Math.min(this.#firstFrom(time), this.#last);
  }

  /** Index of the first end at `time` or later, at most that of the last. */
  #firstFrom(time: number): number {
    let [low, high] = [this.#at, this.#last];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.ends[middle] as number) >= time) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
