import * as z from "zod";
import { lengthDistribution, tokenCount } from "../length.ts";

const point = z.strictObject({
  tokens: tokenCount.meta({ description: "A length in tokens." }),
  weight: z
    .number()
    .min(0.000001)
    .max(1_000_000_000)
    .meta({ description: "How often it comes, relative to the others." }),
});

/** Lengths as they were counted. Nothing is interpolated between the points. */
export const empirical = lengthDistribution({
  name: "empirical",
  summary: "one of the given lengths, by weight",
  params: () => z.object({ points: z.array(point).min(1).max(1000).meta({ description: "A histogram of lengths." }) }),
  create: ({ points }, { rng }) => {
    let sum = 0;
    const upTo = points.map(({ weight }) => (sum += weight));
    return { draw: () => (points[firstAbove(upTo, rng.next() * sum)] as (typeof points)[number]).tokens };
  },
});

/** @returns index of the first bound above `value`; the last one's if rounding left it at the sum */
const firstAbove = (bounds: readonly number[], value: number): number => {
  let [low, high] = [0, bounds.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
};
