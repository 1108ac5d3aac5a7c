import { standardNormal } from "../../sim/draw.ts";
import type { Rng } from "../../sim/rng.ts";
import type { Point } from "./space.ts";

/** Share of the points tried that count as good (Optuna's default), and how many draws from them compete (Hyperopt's and Optuna's). */
const GOOD_SHARE = 0.1;
const DRAWS = 24;

/**
 * The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio and Kégl, "Algorithms for Hyper-Parameter Optimization",
 * 2011, section 4), each parameter by itself: values are drawn near those of good points, and the draw is taken
 * whose density among the good is highest against that among the others. Values count by their places, in order.
 *
 * @param tried best first; at least two
 */
export const tpePoint = (lengths: readonly number[], tried: readonly Point[], rng: Rng): Point => {
  const split = Math.max(1, Math.ceil(GOOD_SHARE * tried.length));
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

/** Width of the bumps: Scott's rule for places that are spread evenly, never below one place. */
const widthOf = (count: number, length: number): number => Math.max(1, (length / Math.sqrt(12)) * count ** -0.2 * 0.5);

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
