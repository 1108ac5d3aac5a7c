import { describe, expect, it } from "vitest";
import { rngOf } from "../../src/sim/rng.ts";
import { type LengthSaid, lengths } from "../../src/workload/lengths/index.ts";

const COUNT = 50_000;
const drawAll = (said: LengthSaid): number[] => {
  const length = lengths.create(said, { rng: rngOf(6).stream("lengths") });
  return Array.from({ length: COUNT }, () => length.draw());
};
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviationOf = (values: readonly number[], mean = meanOf(values)): number =>
  Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));

describe.each(["normal", "lognormal"] as const)("%s", (distribution) => {
  it("has the mean and deviation of the tokens that were said, where clamping doesn't bite", () => {
    const [mean, deviation] = [1000, 150];
    const seen = drawAll({ distribution, mean, deviation, min: 1, max: 1_000_000 });
    expect(Math.abs(meanOf(seen) - mean)).toBeLessThan((5 * deviation) / Math.sqrt(COUNT));
    // Standard error of a deviation: s / sqrt(2 n), a little more for the skewed one.
    expect(Math.abs(deviationOf(seen) - deviation)).toBeLessThan((7 * deviation) / Math.sqrt(2 * COUNT));
  });

  it("clamps", () => {
    const seen = drawAll({ distribution, mean: 1000, deviation: 900, min: 800, max: 1200 });
    expect([Math.min(...seen), Math.max(...seen)]).toEqual([800, 1200]);
  });

  it("is constant without deviation", () => {
    expect(new Set(drawAll({ distribution, mean: 77.4, deviation: 0, min: 1, max: 100 }))).toEqual(new Set([77]));
  });
});

it("lognormal is skewed: its median lies at mean / sqrt(1 + (deviation / mean)^2)", () => {
  const seen = drawAll({ distribution: "lognormal", mean: 1000, deviation: 1000, min: 1, max: 1_000_000 });
  const below = seen.filter((tokens) => tokens < 1000 / Math.SQRT2).length;
  expect(Math.abs(below / COUNT - 0.5)).toBeLessThan(2.5 / Math.sqrt(COUNT));
});

it("empirical draws by weight, whatever the order of its points", () => {
  const points = [
    { tokens: 500, weight: 1 },
    { tokens: 20, weight: 6 },
    { tokens: 100, weight: 3 },
  ];
  const seen = drawAll({ distribution: "empirical", points });
  for (const { tokens, weight } of points) {
    const [share, expected] = [seen.filter((one) => one === tokens).length / COUNT, weight / 10];
    expect(Math.abs(share - expected)).toBeLessThan(5 * Math.sqrt((expected * (1 - expected)) / COUNT));
  }
});
