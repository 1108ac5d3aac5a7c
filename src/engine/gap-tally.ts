import { fineSecondsBounds } from "../model/fine-bounds.ts";
import { bucketAmong, bucketsOfAscending, edgesOf, Histogram } from "../model/metric-family.ts";

/** Bounds of vllm/v1/metrics/loggers.py (May 2026), in seconds. */
export const ITL_BOUNDS: readonly number[] = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];

/** The most whole microseconds that are at most `seconds` when they are divided. */
const wholeWithin = (seconds: number): number => {
  const nearest = Math.round(seconds * 1e6);
  return nearest / 1e6 <= seconds ? nearest : nearest - 1;
};

/** Where one bucket or the other ends, in microseconds. Lengths between two of these are alike: a stretch. */
const EDGES = edgesOf([...ITL_BOUNDS, ...fineSecondsBounds].map(wholeWithin).sort((a, b) => a - b));

/** By stretch: the bucket that it lies in. */
const bucketsOf = (bounds: readonly number[]): Uint16Array =>
  bucketsOfAscending(edgesOf(bounds), EDGES.length - 1, (stretch) => (EDGES[stretch + 1] as number) / 1e6);

const COARSE = bucketsOf(ITL_BOUNDS);
const FINE = bucketsOf(fineSecondsBounds);

/** By length up to 131 ms, each 64 us: the first stretch that it may lie in. */
const FIRST = bucketsOfAscending(EDGES, 2048, (i) => i * 64);

const stretchOf = (length: number): number => {
  if (length >= 64 * FIRST.length) return bucketAmong(EDGES, length);
  let stretch = FIRST[length >> 6] as number;
  while (length > (EDGES[stretch + 1] as number)) stretch += 1;
  return stretch;
};

/** Ends of steps, one after the other; from that at `grows` on the steps get no shorter. */
export interface Run {
  readonly ends: Float64Array;
  readonly grows: number;
}

/**
 * Gaps between tokens, by far the most frequent observation: one per request and step. Those of one stretch go in
 * together, another one is sought only when the last doesn't fit, and the sum is kept in whole microseconds, so that it
 * doesn't depend on the order of adding.
 */
export class GapTally {
  readonly coarse = new Histogram(ITL_BOUNDS);
  readonly fine = new Histogram(fineSecondsBounds);
  #stretch = 0;
  /** Exclusive and inclusive bound of the stretch, microseconds. */
  #above = Number.POSITIVE_INFINITY;
  #upTo = Number.NEGATIVE_INFINITY;
  /** How many of it the histograms lack. */
  #count = 0;
  /** Of all, microseconds. */
  #sum = 0;

  add(length: number, count: number): void {
    if (!(length > this.#above && length <= this.#upTo)) this.#turnTo(length);
    this.#count += count;
    this.#sum += length * count;
  }

  /**
   * The same for one step after the other, from `begin` on, with ends `from` to `to`, at least one.
   * @param beyond added to the length of each, microseconds
   */
  addRun({ ends, grows }: Run, from: number, to: number, begin: number, beyond: number, count: number): void {
    this.add((ends[from] as number) - begin + beyond, count);
    const rest = Math.max(from, Math.min(grows, to - 1)) + 1;
    this.#addEach(ends, from + 1, rest, beyond, count);
    if (rest >= to) return;
    // They get no shorter: if the last is of one stretch with the one before, so are all.
    const last = ends[to - 1] as number;
    if (last - (ends[to - 2] as number) + beyond > this.#upTo) return this.#addEach(ends, rest, to, beyond, count);
    this.#count += (to - rest) * count;
    this.#sum += (last - (ends[rest - 1] as number) + (to - rest) * beyond) * count;
  }

  #addEach(ends: Float64Array, from: number, to: number, beyond: number, count: number): void {
    if (from >= to) return;
    let above = this.#above - beyond;
    let upTo = this.#upTo - beyond;
    const begin = ends[from - 1] as number;
    let start = begin;
    let counted = from;
    for (let i = from; i < to; i += 1) {
      let length = 0;
      // Apart from what follows, which would take its registers.
      for (; i < to; i += 1) {
        const end = ends[i] as number;
        length = end - start;
        start = end;
        if (!(length > above && length <= upTo)) break;
      }
      if (i >= to) break;
      this.#count += (i - counted) * count;
      this.#turnTo(length + beyond);
      counted = i;
      above = this.#above - beyond;
      upTo = this.#upTo - beyond;
    }
    this.#count += (to - counted) * count;
    this.#sum += (start - begin + (to - from) * beyond) * count;
  }

  /** Whoever reads the histograms wants this first. */
  flush(): void {
    if (this.#count === 0) return;
    const { counts: coarse } = this.coarse;
    const { counts: fine } = this.fine;
    const inCoarse = COARSE[this.#stretch] as number;
    const inFine = FINE[this.#stretch] as number;
    coarse[inCoarse] = (coarse[inCoarse] as number) + this.#count;
    fine[inFine] = (fine[inFine] as number) + this.#count;
    this.coarse.sum = this.fine.sum = this.#sum / 1e6;
    this.#count = 0;
  }

  #turnTo(length: number): void {
    this.flush();
    this.#stretch = stretchOf(length);
    this.#above = EDGES[this.#stretch] as number;
    this.#upTo = EDGES[this.#stretch + 1] as number;
  }
}
