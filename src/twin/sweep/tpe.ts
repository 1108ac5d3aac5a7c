import { standardNormal } from "../../sim/draw.ts";
import type { Rng } from "../../sim/rng.ts";
import type { Point } from "./space.ts";

/** Points that count as good: a tenth of those tried, at most 25 (`default_gamma` of Optuna's TPESampler). */
const GOOD_SHARE = 0.1;
const MOST_GOOD = 25;
/** How many draws from the good ones compete (`n_ei_candidates` of Optuna's TPESampler). */
const DRAWS = 24;

/**
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization",
 * 2011, section 4), each parameter by itself: values are drawn near those of good points, and the draw is taken
 * whose density among the good is highest against that among the others. Values count by their places, in order. All points
 * weigh the same, other than with `default_weights` of Optuna, where the oldest of more than 25 count for less.
 *
 * @param tried best first; at least two
 */
export const tpePoint = (lengths: readonly number[], tried: readonly Point[], rng: Rng): Point => {
  const split = Math.min(MOST_GOOD, Math.max(1, Math.ceil(GOOD_SHARE * tried.length)));
  return lengths.map((length, axis) => {
    const places = tried.map((point) => point[axis] ?? 0);
    const [good, others] = [places.slice(0, split), places.slice(split)];
    let [best, bestRatio] = [0, -1];
    for (let i = 0; i < DRAWS; i += 1) {
      const place = drawn(good, length, rng);
      const ratio = density(good, length, place) / density(others, length, place);
      if (ratio > bestRatio) [best, bestRatio] = [place, ratio];
    }
    return best;
  });
};

/** Share of the whole range that one bump alone is wide. */
const WIDTH_OF_ONE = 0.2;

/** Width of the bumps, in places, never below one: as Optuna's multivariate estimator has it for one parameter (`SIGMA0_MAGNITUDE`; Scott's n^(-1/5)). */
const widthOf = (count: number, length: number): number => Math.max(1, WIDTH_OF_ONE * length * count ** -0.2);

/** One of the bumps, or (as often as one of them) anywhere: nothing is ever ruled out. */
const drawn = (places: readonly number[], length: number, rng: Rng): number => {
  const which = rng.below(places.length + 1);
  const uniform = rng.below(length);
  const moved = Math.round((places[which] ?? 0) + widthOf(places.length, length) * standardNormal(rng));
  return which === places.length || moved < 0 || moved >= length ? uniform : moved;
};

const density = (places: readonly number[], length: number, at: number): number => {
  const width = widthOf(places.length, length);
  const bumps = places.reduce((sum, place) => sum + Math.exp(-0.5 * ((at - place) / width) ** 2), 0);
  return (bumps / (width * Math.sqrt(2 * Math.PI)) + 1 / length) / (places.length + 1);
};
