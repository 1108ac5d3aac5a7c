import type { Batch } from "../model/batch.ts";
import { type DecodeLine, exactMicros } from "../model/decode-line.ts";
import { NEVER, type SimTime } from "../sim/time.ts";
import type { EngineTiming } from "./engine.ts";
import type { Run } from "./gap-tally.ts";

/** Steps planned at most. More are planned when these are through, so that little is lost when something comes between. */
export const MOST_PLANNED = 256;

/**
 * When the steps of a run end. All but the last end silently: nobody has to be told, and nothing to be decided that
 * isn't known yet. The last one is to be looked at.
 */
export class RunPlan implements Run {
  readonly ends = new Float64Array(MOST_PLANNED + 2);
  /** From which end on steps get no shorter. */
  grows = MOST_PLANNED;
  /** How long the step takes that begins with the last end, if nobody comes before; 0: who asks has to reckon. */
  beyond = 0;
  #at = 0;
  #last = -1;
  /** What `#seek` found last. */
  #sought = 0;

  /** Index of the end of the step under way. */
  get at(): number {
    return this.#at;
  }

  /** The end to be looked at. */
  get last(): SimTime {
    return this.#last < 0 ? NEVER : (this.ends[this.#last] as SimTime);
  }

  /** Whether the next end is silent. */
  get silent(): boolean {
    return this.#at < this.#last;
  }

  /** Whether some end silently up to `time`. */
  passes(time: SimTime): boolean {
    return this.#at < this.#last && (this.ends[this.#at] as number) <= time;
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
    return this.#last >= MOST_PLANNED;
  }

  clear(): void {
    this.#at = this.#sought = 0;
    this.#last = -1;
    this.beyond = 0;
    this.grows = MOST_PLANNED;
  }

  push(end: SimTime): void {
    this.#last += 1;
    this.beyond = 0;
    this.ends[this.#last] = end;
  }

  /**
   * Plans at most `most` steps that begin before `change`, in each of which all of `batch` decode a token.
   * @param growing those whose context grows within the window
   */
  extend(timing: EngineTiming, batch: Batch, growing: number, most: number, change: number): void {
    // A small integer, which V8 doesn't take it for where `most` may be Infinity.
    const until = Math.min(MOST_PLANNED, this.#last + most) | 0;
    const line = timing.decodeLine?.(batch.decodes);
    // Context only grows, and as a rule time with it: where the first step takes a microsecond, all do.
    if (line !== undefined && line.perContext >= 0 && exactMicros(line, batch.decodeContext) >= 1) {
      return this.#extendBy(line, batch, until, change);
    }
    const { ends } = this;
    for (let end = ends[this.#last] as number; this.#last < until && end < change; ) {
      end += Math.max(1, timing.step(batch));
      batch.decodeContext += batch.decodes;
      batch.decodeWindow += growing;
      this.push(end as SimTime);
    }
  }

  /** The same along a line, at half the cost; a run has dozens of steps. */
  #extendBy({ before, perContext, after, pace, round }: DecodeLine, batch: Batch, until: number, change: number): void {
    const { ends } = this;
    const { decodes } = batch;
    const up = round === "up";
    // Taken off, not added: the product of a sign and a rounded number V8 makes an integer, and back. Of a parameter it asks
    // in every round what it is; differences are doubles.
    const factor = -pace;
    const stop = change - 0;
    let last = this.#last;
    // By way of the array, from which it comes as a double: V8 would make one of it in every round.
    ends[last + 1] = batch.decodeContext;
    let context = ends[last + 1] as number;
    this.grows = last + 1;
    // Always one more, whose length is asked for next.
    for (let end = ends[last] as number; ; last += 1) {
      const begin = end;
      // As `lineMicros`: ceil(x) is -floor(-x).
      const less = factor * (before + perContext * context + after);
      end -= up ? Math.floor(less) : Math.ceil(less);
      context += decodes;
      ends[last + 1] = end;
      if (last >= until || begin >= stop) break;
    }
    this.#last = last;
    this.beyond = (ends[last + 1] as number) - (ends[last] as number);
  }

  /** How many silent ends there are up to `time`. */
  silentUntil(time: SimTime): number {
    return this.#seek(time) - this.#at;
  }

  /** Takes all silent ends up to `time`. @returns the index that follows the last of them */
  take(time: SimTime): number {
    this.#at = this.#seek(time);
    return this.#at;
  }

  /** The first end at `time` or later is to be looked at. */
  cut(time: SimTime): void {
    const { ends } = this;
    let at = this.#at;
    while (at < this.#last && (ends[at] as number) < time) at += 1;
    if (at >= this.#last) return;
    this.#last = at;
    this.beyond = (ends[at + 1] as number) - (ends[at] as number);
  }

  /** Index of the first end after `time`, at most that of the last: from where it was the last time on, since time goes on. */
  #seek(time: SimTime): number {
    const { ends } = this;
    const last = this.#last;
    let at = Math.min(this.#sought, last);
    if (at <= this.#at || (ends[at - 1] as number) > time) at = this.#at;
    while (at < last && (ends[at] as number) <= time) at += 1;
    this.#sought = at;
    return at;
  }
}
