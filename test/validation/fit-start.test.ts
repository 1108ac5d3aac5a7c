import { describe, expect, it } from "vitest";
import { logNormal } from "../../src/sim/draw.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { fitStarts, LEAST_STARTS } from "../../src/validation/fit-start.ts";

const [MEAN, DEVIATION] = [120, 15];
const variance = Math.log1p((DEVIATION / MEAN) ** 2);
const starts = (count: number, seed: number): number[] => {
  const rng = rngOf(seed).stream("starts");
  return Array.from({ length: count }, () => logNormal(rng, Math.log(MEAN) - variance / 2, Math.sqrt(variance)));
};

describe("fitStarts", () => {
  it("says nothing of fewer than five", () => {
    expect(fitStarts(starts(LEAST_STARTS - 1, 1))).toBeUndefined();
    expect(fitStarts(starts(LEAST_STARTS, 1))?.starts).toBe(LEAST_STARTS);
  });

  it("finds mean and deviation, of equal ones too", () => {
    const fit = fitStarts(starts(4000, 1));
    expect(fit?.mean).toBeCloseTo(MEAN, -0.5);
    expect(Math.abs((fit?.deviation ?? 0) - DEVIATION)).toBeLessThan(1);
    const { mean = 0, deviation } = fitStarts([30, 30, 30, 30, 30]) ?? {};
    expect([mean.toFixed(9), deviation]).toEqual(["30.000000000", 0]);
  });

  it.each([5, 8, 20])("has the true mean within its 90 %% intervals about as often: %d starts", (count) => {
    const runs = 1000;
    const inside = Array.from({ length: runs }, (_, seed) => {
      const [low, high] = fitStarts(starts(count, seed + 1))?.interval ?? [0, 0];
      return low <= MEAN && MEAN <= high;
    }).filter(Boolean).length;
    expect(inside / runs).toBeGreaterThan(0.87);
    expect(inside / runs).toBeLessThan(0.94);
  });
});
