import type { Sweep } from "../../schema/sweep.ts";
import type { Rng } from "../../sim/rng.ts";
import { gridOf, keyOf, type Point, sizeOf } from "./space.ts";
import { tpePoint } from "./tpe.ts";

/** Points that the estimator proposes at once. Fixed, so that what is asked for next never depends on the number of threads. */
const BATCH = 8;
/** It begins with so many at random. */
const FIRST = 2 * BATCH;

export interface Asked {
  readonly search: Sweep["search"];
  /** Values per parameter. */
  readonly lengths: readonly number[];
  /** Most points in all. */
  readonly most: number;
  readonly rng: Rng;
}

/**
 * The points to try next.
 *
 * @param tried all so far, best first
 * @returns none twice; none: the search is over
 */
export const nextPoints = ({ search, lengths, most, rng }: Asked, tried: readonly Point[]): readonly Point[] => {
  const size = sizeOf(lengths);
  const left = Math.min(most, size) - tried.length;
  if (left <= 0) return [];
  if (search === "Grid" || size <= most) return tried.length === 0 ? gridOf(lengths) : [];
  const known = new Set(tried.map(keyOf));
  const points: Point[] = [];
  const learns = search === "Bayesian" && tried.length >= FIRST;
  const count = learns ? BATCH : search === "Bayesian" ? FIRST - tried.length : left;
  while (points.length < Math.min(left, count)) {
    const wanted = learns ? tpePoint(lengths, tried, rng) : lengths.map((length) => rng.below(length));
    const point = untried(wanted, lengths, known);
    known.add(keyOf(point));
    points.push(point);
  }
  return points;
};

/** The point itself, else the next after it, in the order of the grid, that wasn't tried. There must be one. */
const untried = (point: Point, lengths: readonly number[], known: ReadonlySet<string>): Point => {
  let at = point;
  while (known.has(keyOf(at))) at = after(at, lengths);
  return at;
};

const after = (point: Point, lengths: readonly number[]): Point => {
  const next = [...point];
  for (let i = next.length - 1; i >= 0; i -= 1) {
    next[i] = ((next[i] ?? 0) + 1) % (lengths[i] ?? 1);
    if (next[i] !== 0) break;
  }
  return next;
};
