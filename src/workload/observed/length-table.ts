import { LENGTH_MAX } from "../length.ts";
import type { LengthHistogram } from "./observed-step.ts";

/** Cells that a bucket is cut into. */
const CELLS = 24;
/** Tilts that are tried, as a power of the length; beyond it all of a bucket would lie at one end. */
const STEEPEST = 30;
/** To which the power is found. */
const CLOSE = 0.001;
/** Logarithm of a length that none falls below: where the first bucket begins. */
const SHORTEST = Math.log(0.25);

/**
 * Draws lengths from a histogram. What lies between two bounds was never told: the distribution function is taken to
 * pass smoothly through what is known at the bounds (monotone cubic on the logarithm of the length: Fritsch and Carlson,
 * SIAM J. Numer. Anal. 17, 1980), and lengths within buckets are then tilted by one power of the length so that their
 * mean is what the histogram's sum says. On vLLM's bounds (1, 2, 5, 10, …) the distribution function is thereby
 * within 0.035 of a smooth true one, and within 0.1 of one that is cut off in the middle of a bucket; the mean within
 * 1 %. One length alone (a benchmark's) comes out as its bucket, with its mean.
 */
export class LengthTable {
  readonly #lower: readonly number[];
  readonly #upper: readonly number[];
  readonly #upTo: readonly number[];

  /** @param histogram with at least one length */
  constructor(histogram: LengthHistogram) {
    const cells = tilted(cellsOf(histogram), histogram);
    this.#lower = cells.map(({ from }) => from);
    this.#upper = cells.map(({ to }) => to);
    let sum = 0;
    this.#upTo = cells.map(({ mass }) => (sum += mass));
  }

  /** @param chance uniform in [0, 1) @returns a whole number of tokens, at least 1 */
  at(chance: number): number {
    const total = this.#upTo.at(-1) as number;
    const wanted = chance * total;
    let [low, high] = [0, this.#upTo.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#upTo[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    const before = low === 0 ? 0 : (this.#upTo[low - 1] as number);
    const mass = (this.#upTo[low] as number) - before;
    const within = mass > 0 ? (wanted - before) / mass : 0;
    const [from, to] = [this.#lower[low] as number, this.#upper[low] as number];
    return Math.max(1, Math.min(LENGTH_MAX, Math.ceil(from + within * (to - from))));
  }
}

interface Cell {
  readonly bucket: number;
  readonly from: number;
  readonly to: number;
  readonly mass: number;
}

const cellsOf = ({ bounds, counts, sum }: LengthHistogram): Cell[] => {
  const xs = bounds.map((bound) => Math.log(Math.max(bound, 0.5)));
  let below = 0;
  const cumulative = bounds.map((_, i) => (below += counts[i] as number));
  const slopes = monotoneSlopes([SHORTEST, ...xs], [0, ...cumulative]);
  const cells: Cell[] = [];
  bounds.forEach((bound, i) => {
    const [count, from] = [counts[i] as number, i === 0 ? 0 : (bounds[i - 1] as number)];
    if (count <= 0) return;
    const [x0, x1] = [i === 0 ? SHORTEST : (xs[i - 1] as number), xs[i] as number];
    const [y0, y1] = [i === 0 ? 0 : (cumulative[i - 1] as number), cumulative[i] as number];
    const piece = { x0, x1, y0, y1, m0: slopes[i] as number, m1: slopes[i + 1] as number };
    // A bucket of one length needs no cells.
    const pieces = bound - from <= 1 ? 1 : CELLS;
    let [edge, mass] = [from, y0];
    for (let k = 1; k <= pieces; k += 1) {
      const next = k === pieces ? bound : from === 0 ? (bound * k) / pieces : from * (bound / from) ** (k / pieces);
      const up = k === pieces ? y1 : hermite(piece, Math.log(next));
      cells.push({ bucket: i, from: edge, to: next, mass: Math.max(0, up - mass) });
      [edge, mass] = [next, up];
    }
  });
  const beyond = counts[bounds.length] ?? 0;
  const last = bounds.at(-1) ?? 1;
  if (beyond > 0) {
    // Beyond the last bound the mean is all that can be known: what the sum leaves to it, spread evenly about it.
    const rest = sum === undefined ? last : (sum - meanSum(cells)) / beyond;
    const to = Math.min(LENGTH_MAX, Math.max(last + 1, 2 * rest - last));
    cells.push({ bucket: bounds.length, from: Math.min(last, LENGTH_MAX - 1), to, mass: beyond });
  }
  return cells;
};

const meanSum = (cells: readonly Cell[]): number =>
  cells.reduce((sum, { from, to, mass }) => sum + mass * middleOf(from, to), 0);

/** Mean of whole numbers drawn from a cell: lengths are rounded up. */
const middleOf = (from: number, to: number): number => (from + to) / 2 + 0.5;

/** Shifts lengths within their buckets, each bucket keeping its count, until their mean is the histogram's. */
const tilted = (cells: readonly Cell[], { counts, sum }: LengthHistogram): readonly Cell[] => {
  if (sum === undefined || (counts.at(-1) ?? 0) > 0) return cells;
  const middles = cells.map(({ from, to }) => middleOf(from, to));
  const bent = (power: number): { readonly masses: readonly number[]; readonly total: number } => {
    const masses: number[] = [];
    let total = 0;
    for (let start = 0; start < cells.length; ) {
      let end = start;
      let [before, after, weighted] = [0, 0, 0];
      const first = middles[start] as number;
      for (; end < cells.length && cells[end]?.bucket === cells[start]?.bucket; end += 1) {
        const { mass } = cells[end] as Cell;
        const weight = mass * ((middles[end] as number) / first) ** power;
        masses.push(weight);
        before += mass;
        after += weight;
        weighted += weight * (middles[end] as number);
      }
      const scale = after > 0 ? before / after : 0;
      for (let i = start; i < end; i += 1) masses[i] = (masses[i] as number) * scale;
      total += weighted * scale;
      start = end;
    }
    return { masses, total };
  };
  let [low, high] = [-STEEPEST, STEEPEST];
  while (high - low > CLOSE) {
    const middle = (low + high) / 2;
    if (bent(middle).total < sum) low = middle;
    else high = middle;
  }
  const { masses } = bent((low + high) / 2);
  return cells.map((cell, i) => ({ ...cell, mass: masses[i] as number }));
};

interface Piece {
  readonly x0: number;
  readonly x1: number;
  readonly y0: number;
  readonly y1: number;
  readonly m0: number;
  readonly m1: number;
}

const hermite = ({ x0, x1, y0, y1, m0, m1 }: Piece, x: number): number => {
  const h = x1 - x0;
  const t = Math.min(1, Math.max(0, (x - x0) / h));
  const [t2, t3] = [t * t, t * t * t];
  return y0 * (2 * t3 - 3 * t2 + 1) + h * m0 * (t3 - 2 * t2 + t) + y1 * (3 * t2 - 2 * t3) + h * m1 * (t3 - t2);
};

/** Slopes at the points with which the cubic never falls (Fritsch and Carlson; harmonic means as Fritsch and Butland, 1984). */
const monotoneSlopes = (xs: readonly number[], ys: readonly number[]): readonly number[] => {
  const gap = (i: number): number => (xs[i + 1] as number) - (xs[i] as number);
  const rise = (i: number): number => {
    const width = gap(i);
    return width > 0 ? ((ys[i + 1] as number) - (ys[i] as number)) / width : 0;
  };
  return xs.map((_, i) => {
    if (i === 0 || i === xs.length - 1) return 0;
    const [before, next] = [rise(i - 1), rise(i)];
    if (before <= 0 || next <= 0) return 0;
    const [w1, w2] = [2 * gap(i) + gap(i - 1), gap(i) + 2 * gap(i - 1)];
    return (w1 + w2) / (w1 / before + w2 / next);
  });
};
