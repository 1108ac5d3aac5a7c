import { describe, expect, it } from "vitest";
import { standardNormal } from "../../src/sim/draw.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { calibrate, type Fittable, type Tally } from "../../src/validation/calibrate.ts";

const BOUNDS = [0.5, 0.7, 0.9, 1.1, 1.4, 2, 3];
const FITTABLES: readonly Fittable[] = [
  { name: "speed", middle: 0, step: 0.1 },
  { name: "nothing", middle: 3, step: 0.4 },
];

/** Log-normal observations whose logarithm's mean is the first value; those of one block have something in common. */
const observed = (mean: number, count: number, seed: number, common = 0): Tally => {
  const rng = rngOf(seed).stream("observed");
  const shift = common * standardNormal(rng);
  const counts = new Array<number>(BOUNDS.length + 1).fill(0);
  for (let i = 0; i < count; i += 1) {
    const value = Math.exp(mean + shift + 0.4 * standardNormal(rng));
    const at = BOUNDS.findIndex((bound) => value <= bound);
    const bucket = at < 0 ? BOUNDS.length : at;
    counts[bucket] = (counts[bucket] as number) + 1;
  }
  return { histogram: counts };
};
const simulate = ([speed = 0]: readonly number[]): Tally => observed(speed, 20_000, 99);
const blocks = (truth: number, seed: number, common: number): Tally[] =>
  Array.from({ length: 10 }, (_, i) => observed(truth, 300, 1000 * seed + i, common));

describe("calibrate", () => {
  it.each([0.05, 0.35, -0.4])("finds a value that the buckets tell, near or far: %d", (truth) => {
    const { values, untold, misfit } = calibrate(blocks(truth, 1, 0), FITTABLES, simulate);
    expect(values.map(({ name }) => name)).toEqual(["speed"]);
    expect(untold).toEqual(["nothing"]);
    expect(values[0]?.after).toBeCloseTo(truth, 1);
    expect(misfit.after).toBeLessThan(misfit.before);
  });

  it("has the truth within its 90 % intervals about as often, also where observations are not independent", () => {
    const inside = Array.from({ length: 40 }, (_, seed) => {
      const [value] = calibrate(blocks(0.1, seed + 2, 0.05), FITTABLES.slice(0, 1), simulate).values;
      const [low, high] = value?.interval ?? [0, 0];
      return low <= 0.1 && high >= 0.1;
    }).filter(Boolean).length;
    // 90 % of 40 is 36; fewer than 31 or all would be odd of something that is right.
    expect(inside).toBeGreaterThan(30);
  });
});
