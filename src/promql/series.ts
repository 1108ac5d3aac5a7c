import type { Labels } from "./labels.ts";

const FIRST_CAPACITY = 16;

/**
 * Samples of one series, by time, in typed arrays that a query reads in place. What falls out of the retention makes room
 * when the arrays are full, so that a series never takes more than about twice what it must keep.
 *
 * A staleness marker is a sample of its own kind, not any NaN. Times are in milliseconds.
 */
export class Series {
  readonly labels: Labels;
  times = new Float64Array(FIRST_CAPACITY);
  values = new Float64Array(FIRST_CAPACITY);
  /** One past the newest. */
  end = 0;
  /** Whether a store finds it: one that had no sample for long is dropped. */
  listed = false;
  /** How many markers there are among the kept, or a few more. */
  markers = 0;
  #stale: Uint8Array | undefined;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  get newestMs(): number {
    return this.end === 0 ? Number.NEGATIVE_INFINITY : (this.times[this.end - 1] as number);
  }

  isStale(index: number): boolean {
    return this.#stale !== undefined && this.#stale[index] === 1;
  }

  /**
   * @param stale the series ends here; `value` is not looked at
   * @returns false for a time that has a sample already: the first one stays
   */
  append(timeMs: number, value: number, stale: boolean, retentionMs: number): boolean {
    if (timeMs <= this.newestMs) return this.#insert(timeMs, value, stale, retentionMs);
    if (this.end === this.times.length) this.#makeRoom(timeMs - retentionMs);
    this.#set(this.end, timeMs, value, stale);
    this.end += 1;
    return true;
  }

  /** Index of the first sample after `timeMs`; found from the newest back, where queries look. */
  after(timeMs: number, below = this.end): number {
    const { times } = this;
    if (below === 0 || (times[below - 1] as number) <= timeMs) return below;
    let step = 1;
    let high = below - 1;
    let low = high - 1;
    while (low >= 0 && (times[low] as number) > timeMs) {
      high = low;
      step *= 2;
      low = high - step;
    }
    low = Math.max(low, -1) + 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] as number) > timeMs) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #set(index: number, timeMs: number, value: number, stale: boolean): void {
    this.times[index] = timeMs;
    this.values[index] = stale ? Number.NaN : value;
    if (stale) {
      this.#stale ??= new Uint8Array(this.times.length);
      this.markers += 1;
    }
    if (this.#stale !== undefined) this.#stale[index] = stale ? 1 : 0;
  }

  #insert(timeMs: number, value: number, stale: boolean, retentionMs: number): boolean {
    if (this.end === this.times.length) this.#makeRoom(this.newestMs - retentionMs);
    const at = this.after(timeMs);
    if (at > 0 && this.times[at - 1] === timeMs) return false;
    for (const array of [this.times, this.values, this.#stale]) array?.copyWithin(at + 1, at, this.end);
    this.end += 1;
    this.#set(at, timeMs, value, stale);
    return true;
  }

  /** Forgets what is not after `oldestMs`; takes twice the room if that frees less than half of it. */
  #makeRoom(oldestMs: number): void {
    const first = this.after(oldestMs);
    const { end, times, values } = this;
    const stale = this.#stale;
    const kept = end - first;
    if (kept <= times.length / 2) {
      for (const array of [times, values, stale]) array?.copyWithin(0, first, end);
      stale?.fill(0, kept);
    } else {
      const capacity = times.length * 2;
      this.times = moved(times, new Float64Array(capacity), first, end);
      this.values = moved(values, new Float64Array(capacity), first, end);
      if (stale !== undefined) this.#stale = moved(stale, new Uint8Array(capacity), first, end);
    }
    if (this.#stale !== undefined) this.markers = this.#stale.reduce((sum, flag) => sum + flag, 0);
    this.end = kept;
  }
}

const moved = <T extends Float64Array | Uint8Array>(from: T, to: T, first: number, end: number): T => {
  to.set(from.subarray(first, end) as never);
  return to;
};
