import { describe, expect, it } from "vitest";
import { exponential, gamma, logNormal, normal, standardNormal } from "../../src/sim/draw.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";

const COUNT = 100_000;

const moments = (draw: (rng: Rng) => number, name: string): { mean: number; variance: number; fourth: number } => {
  const rng = rngOf(11).stream(name);
  const draws = Array.from({ length: COUNT }, () => draw(rng));
  const mean = draws.reduce((sum, x) => sum + x, 0) / COUNT;
  const central = (power: number): number => draws.reduce((sum, x) => sum + (x - mean) ** power, 0) / COUNT;
  return { mean, variance: central(2), fourth: central(4) };
};

describe.each([
  { name: "exponential", draw: (rng: Rng) => exponential(rng, 3), mean: 3, variance: 9 },
  { name: "standard normal", draw: standardNormal, mean: 0, variance: 1 },
  { name: "normal", draw: (rng: Rng) => normal(rng, -2, 0.5), mean: -2, variance: 0.25 },
  {
    name: "log-normal",
    draw: (rng: Rng) => logNormal(rng, 1, 0.4),
    mean: Math.exp(1.08),
    variance: Math.exp(2.16) * Math.expm1(0.16),
  },
  { name: "gamma, shape above 1", draw: (rng: Rng) => gamma(rng, 4, 0.5), mean: 2, variance: 1 },
  { name: "gamma, shape below 1", draw: (rng: Rng) => gamma(rng, 0.25, 4), mean: 1, variance: 4 },
  { name: "gamma, shape 1", draw: (rng: Rng) => gamma(rng, 1, 2), mean: 2, variance: 4 },
])("$name", ({ name, draw, mean, variance }) => {
  it("has the mean and the variance it should, within five standard errors", () => {
    const seen = moments(draw, name);
    expect(Math.abs(seen.mean - mean)).toBeLessThan(5 * Math.sqrt(variance / COUNT));
    const varianceError = Math.sqrt((seen.fourth - seen.variance ** 2) / COUNT);
    expect(Math.abs(seen.variance - variance)).toBeLessThan(5 * varianceError);
  });
});

describe("shares below a point", () => {
  const shareBelow = (draw: (rng: Rng) => number, bound: number): number => {
    const rng = rngOf(12).stream("share");
    let below = 0;
    for (let i = 0; i < COUNT; i += 1) if (draw(rng) < bound) below += 1;
    return below / COUNT;
  };

  it.each([
    {
      name: "exponential: 1 - 1/e below its mean",
      draw: (rng: Rng) => exponential(rng, 5),
      bound: 5,
      share: 1 - Math.exp(-1),
    },
    { name: "normal: 0.8413 below one deviation", draw: standardNormal, bound: 1, share: 0.841345 },
    {
      name: "log-normal: half below its median",
      draw: (rng: Rng) => logNormal(rng, 2, 1),
      bound: Math.exp(2),
      share: 0.5,
    },
    {
      name: "gamma of shape 1: an exponential",
      draw: (rng: Rng) => gamma(rng, 1, 5),
      bound: 5,
      share: 1 - Math.exp(-1),
    },
    // Gamma of shape 1/2 and scale 2 is the square of a standard normal.
    { name: "gamma of shape 1/2: a squared normal", draw: (rng: Rng) => gamma(rng, 0.5, 2), bound: 1, share: 0.682689 },
  ])("$name", ({ draw, bound, share }) => {
    expect(Math.abs(shareBelow(draw, bound) - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / COUNT));
  });
});
