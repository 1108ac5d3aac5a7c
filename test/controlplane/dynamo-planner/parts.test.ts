import { describe, expect, it } from "vitest";
import { withinBudget, withinSharedBudget } from "../../../src/controlplane/dynamo-planner/budget.ts";
import { enginesFor } from "../../../src/controlplane/dynamo-planner/predictive.ts";
import {
  ConstantPredictor,
  KalmanPredictor,
  type LoadPredictor,
} from "../../../src/controlplane/dynamo-planner/predictor.ts";
import { performanceOf, profileProblems } from "../../../src/controlplane/dynamo-planner/profile.ts";
import { cubicSpline } from "../../../src/controlplane/dynamo-planner/spline.ts";

const fed = (predictor: LoadPredictor, ...values: readonly number[]): LoadPredictor => {
  for (const value of values) predictor.add(value);
  return predictor;
};

describe("predictors", () => {
  const kalman = (log1p = false) => new KalmanPredictor({ qLevel: 1, qTrend: 0.1, r: 10 }, log1p);

  it("constant: as the last, what isn't finite counts as none", () => {
    expect(fed(new ConstantPredictor()).next()).toBe(0);
    expect(fed(new ConstantPredictor(), 3, 5).next()).toBe(5);
    expect(fed(new ConstantPredictor(), 5, Number.NaN).next()).toBe(0);
    expect(fed(new ConstantPredictor(), 5, Number.POSITIVE_INFINITY).next()).toBe(0);
  });
  it("kalman: zeros before the first load don't count", () => {
    expect(fed(kalman(), 0, 0, 8).next()).toBe(fed(kalman(), 8).next());
    expect(fed(kalman(), 8, 0).next()).toBeLessThan(8);
  });
  it("kalman: follows a line up to its slope, and answers the same twice", () => {
    const line = fed(kalman(), ...Array.from({ length: 40 }, (_, i) => 10 + 3 * i));
    expect(line.next()).toBeCloseTo(10 + 3 * 40, 2);
    expect(line.next()).toBe(line.next());
  });
  it("kalman: asking for a forecast or not, the filter goes the same way", () => {
    const asked = kalman();
    for (const value of [4, 9, 2, 7]) {
      asked.add(value);
      asked.next();
    }
    expect(asked.next()).toBe(fed(kalman(), 4, 9, 2, 7).next());
  });
  // By hand: P = 1000 I; predict: P = [[2001, 1000], [1000, 1000.1]]; gains 2001/2011 and 1000/2011 of 10.
  it("kalman: the second value moves level and trend by their gains", () =>
    expect(fed(kalman(), 10, 20).next()).toBeCloseTo(10 + (10 * 2001) / 2011 + (10 * 1000) / 2011, 9));
  it("kalman: in log1p it forecasts nothing negative", () => {
    expect(fed(kalman(), 100, 50, 1, 1).next()).toBeLessThan(0);
    expect(fed(kalman(true), 100, 50, 1, 1).next()).toBeGreaterThanOrEqual(0);
  });
});

describe("the profile", () => {
  const cubic = (x: number) => x ** 3 - 2 * x ** 2 + 5;
  it("cubic splines without knots at the ends are exact for cubics, and stay at their ends outside", () => {
    const xs = [0, 1, 2.5, 4, 7];
    const spline = cubicSpline(xs, xs.map(cubic));
    for (const x of [0, 0.5, 1.7, 2.5, 3.3, 6, 7]) expect(spline(x)).toBeCloseTo(cubic(x), 9);
    expect(spline(-3)).toBeCloseTo(cubic(0), 9);
    expect(spline(99)).toBeCloseTo(cubic(7), 9);
  });

  const prefill = [1000, 2000, 3000, 4000].map((isl) => ({ isl, ttftMs: isl / 10, tokensPerGpu: 10_000 + isl }));
  const decode = [0, 0.5, 1].flatMap((kvUsage) =>
    [1000, 3000].map((contextLength) => ({
      kvUsage,
      contextLength,
      itlMs: 10 + 40 * kvUsage + contextLength / 1000,
      tokensPerGpu: 2000 * kvUsage,
    })),
  );
  const profile = performanceOf({ prefill, decode, maxKvTokens: 100_000 });

  it("gives what was measured, between points and at the nearest of its grid", () => {
    expect(profile.ttftSeconds(2500)).toBeCloseTo(0.25, 9);
    expect(profile.prefillTokensPerGpu(500)).toBeCloseTo(11_000, 6);
    // 20 x 3000 tokens fill 0.6 of the cache; the grid's nearest is 59/99.
    expect(profile.itlSeconds(20, 3000)).toBeCloseTo((10 + (40 * 59) / 99 + 3) / 1000, 9);
  });
  it("finds the most throughput within an ITL, or that of the emptiest", () => {
    expect(profile.bestDecodeTokensPerGpu(0.053, 3000)).toBeCloseTo(2000, 6);
    // 10 + 40 u + 3 <= 33: u <= 0.5, of the grid 49/99.
    expect(profile.bestDecodeTokensPerGpu(0.033, 3000)).toBeCloseTo((2000 * 49) / 99, 6);
    expect(profile.bestDecodeTokensPerGpu(0.001, 3000)).toBe(0);
  });
  it("has to be a grid, with each prompt once", () => {
    expect(profileProblems({ prefill, decode, maxKvTokens: 1 })).toEqual([]);
    expect(profileProblems({ prefill, decode: decode.slice(1), maxKvTokens: 1 })[0]?.field).toBe("decode");
    expect(profileProblems({ prefill: [...prefill, ...prefill], decode, maxKvTokens: 1 })[0]?.field).toBe("prefill");
  });
});

describe("throughput mode's arithmetic", () => {
  const profile = {
    ttftSeconds: () => 0.1,
    prefillTokensPerGpu: () => 10_000,
    itlSeconds: () => 0.02,
    bestDecodeTokensPerGpu: (itl: number) => itl * 20_000,
  };
  const engines = (requests: number, corrections = { prefill: 1, decode: 1 }) =>
    enginesFor(
      { requests, isl: 3000, osl: 150 },
      180,
      { itlSeconds: 0.05 },
      corrections,
      { gpus: 1, profile },
      { gpus: 2, profile },
    );
  it.each([
    // 1800 x 3000 / 180 = 30000 of 10000; 1800 x 150 / 180 = 1500 of 1000 x 2.
    [1800, undefined, [3, 1]],
    [1801, undefined, [4, 1]],
    [3600, undefined, [6, 2]],
    [0, undefined, [0, 0]],
    [1800, { prefill: 0.5, decode: 1 }, [2, 1]],
    [1800, { prefill: 5, decode: 1 }, [3, 1]],
    [1800, { prefill: 1, decode: 2 }, [3, 2]],
    [1800, { prefill: 1, decode: 0 }, [3, 1]],
  ])("%d requests, corrected by %j", (requests, corrections, wanted) =>
    expect(engines(requests, corrections)).toEqual(wanted),
  );
});

describe("the GPU budget", () => {
  it.each([
    [3, 2, 1, 8, 3],
    [5, 2, 1, 8, 4],
    [0, 2, 1, 8, 1],
    [5, 2, 1, -1, 5],
    [5, 16, 1, 8, 0],
    [9, 4, 2, 9, 2],
  ])("of %d engines with %d GPUs, at least %d, at most %d GPUs: %d", (wanted, each, minEndpoint, maxGpus, left) =>
    expect(withinBudget(wanted, each, { minEndpoint, maxGpus })).toBe(left),
  );
  it.each([
    [[3, 3], [1, 1], 8, [3, 3]],
    [[8, 8], [1, 1], 8, [4, 4]],
    [[10, 2], [1, 1], 8, [6, 2]],
    [[100, 1], [1, 2], 8, [6, 1]],
    [[1, 9], [4, 1], 8, [1, 4]],
    [[0, 0], [1, 1], 8, [1, 1]],
    [[5, 5], [8, 8], 8, [0, 0]],
    [[50, 50], [8, 8], -1, [50, 50]],
  ] as const)("of %j engines with %j GPUs, at most %d: %j", (wanted, each, maxGpus, left) =>
    expect(withinSharedBudget(wanted, each, { minEndpoint: 1, maxGpus })).toEqual(left),
  );
});
