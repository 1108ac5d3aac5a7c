import { describe, expect, it } from "vitest";
import { compare, DEFAULT_GOALS, type Goal } from "../../src/report/comparison.ts";
import { estimate } from "../../src/report/confidence-sequence.ts";
import { ReportFold } from "../../src/report/fold.ts";
import { paired } from "../../src/report/paired.ts";
import type { Kpis, Summary } from "../../src/report/report.ts";
import { exponential, standardNormal } from "../../src/sim/draw.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { view } from "./views.ts";

const TRIALS = 500;
const BUDGET = 16;
const ALPHA = 0.05;

const empty = new ReportFold({ horizonMicros: 1, warmUpMicros: 0, gpusPerReplica: {} }).kpis(view(0));
const summary = (value: number): Summary => ({
  count: 9,
  mean: value,
  p50: value,
  p90: value,
  p95: value,
  p99: value,
  max: value,
});
const ttft = (value: number): Kpis => ({ ...empty, ttftSeconds: summary(value) });
const p99: Goal = { metric: "ttft", percentile: 99 };

/** How often something comes true in trials with random numbers of their own. */
const rate = (trial: (rng: Rng) => boolean): number => {
  const hits = Array.from({ length: TRIALS }, (_, i) => trial(rngOf(i).stream("trial"))).filter(Boolean);
  return hits.length / TRIALS;
};

describe("estimate", () => {
  it.each([
    { name: "normal", draw: standardNormal, most: ALPHA },
    { name: "long-tailed", draw: (rng: Rng) => exponential(rng, 1) - exponential(rng, 1), most: ALPHA },
    { name: "two-humped", draw: (rng: Rng) => (rng.next() < 0.5 ? -1 : 1) + 0.2 * standardNormal(rng), most: ALPHA },
    { name: "mostly equal", draw: (rng: Rng) => Math.round(standardNormal(rng)), most: ALPHA },
    // A difference of equals is never skewed; a level may be, and that is what it costs (docs/preview.md).
    { name: "skewed", draw: (rng: Rng) => exponential(rng, 1) - 1, most: 0.15 },
  ])("holds the true mean of $name values at every look, but for at most $most of trials", ({ draw, most }) => {
    const missed = rate((rng) => {
      const values: number[] = [];
      return Array.from({ length: 60 }).some(() => {
        values.push(draw(rng));
        const { interval } = estimate(values, ALPHA);
        return interval !== undefined && (interval.low > 0 || interval.high < 0);
      });
    });
    expect(missed).toBeLessThanOrEqual(most);
  });

  it("bounds nothing by a few values, however alike", () => {
    expect(estimate([1, 1, 1, 1, 1], ALPHA)).toEqual({ mean: 1 });
    expect(estimate([1, 1, 1, 1, 1, 1], ALPHA)).toEqual({ mean: 1, interval: { low: 1, high: 1 } });
  });

  it("is as wide as the martingale has it", () => {
    // Where the interval ends, the martingale stands at 1 / alpha.
    const values = [3, 5, 4, 8, 2, 6];
    const { mean, interval } = estimate(values, ALPHA);
    const n = values.length;
    const at = (mu: number): number => {
      const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (n - 1);
      const t2 = (n * (mean - mu) ** 2) / variance;
      const c2 = 1 / 10;
      return Math.sqrt(c2 / (n + c2)) * ((1 + t2 / (n - 1)) / (1 + ((c2 / (n + c2)) * t2) / (n - 1))) ** (n / 2);
    };
    expect(at(interval?.low ?? 0)).toBeCloseTo(1 / ALPHA, 6);
    expect(at(interval?.high ?? 0)).toBeCloseTo(1 / ALPHA, 6);
  });
});

describe("paired", () => {
  it("cancels what replications have in common", () => {
    // Between replications the figures differ tenfold; the change adds half to each.
    const { difference } = paired([1, 10, 3, 2, 9, 4], [1.5, 15, 4.5, 3, 13.5, 6], ALPHA);
    expect(difference).toEqual({ relative: true, mean: 0.5, interval: { low: 0.5, high: 0.5 } });
  });

  it("takes plain differences where something is zero", () =>
    expect(paired([0, 1, 2], [1, 2, 3], ALPHA).difference).toMatchObject({ relative: false, mean: 1 }));
});

/** Replications until the comparison is settled or the budget is used up, each figure drawn around its scenario's. */
const replicate = (rng: Rng, slowdown: number, { shared, own }: { shared: number; own: number }) => {
  const [baseline, change]: [Kpis[], Kpis[]] = [[], []];
  for (;;) {
    const common = shared * standardNormal(rng);
    baseline.push(ttft(Math.exp(common + own * standardNormal(rng))));
    change.push(ttft(slowdown * Math.exp(common + own * standardNormal(rng))));
    const found = compare([p99], baseline, change);
    if (found.settled || found.replications === BUDGET) return found;
  }
};

describe("compare", () => {
  it("calls equal platforms worse in at most 5 % of trials, though it looks after every replication", () =>
    expect(rate((rng) => replicate(rng, 1, { shared: 0.5, own: 0.05 }).verdict === "worse")).toBeLessThanOrEqual(
      ALPHA,
    ));

  it("finds a slowdown of 10 % in at least 90 % of trials where pairs differ by 7 % (standard deviation)", () =>
    expect(
      rate((rng) => replicate(rng, 1.1, { shared: 0.5, own: 0.07 / Math.SQRT2 }).verdict === "worse"),
    ).toBeGreaterThanOrEqual(0.9));

  it("stops early where the difference is plain, and says the same of what is the same", () => {
    const rng = rngOf(1).stream("trial");
    expect(replicate(rng, 2, { shared: 0.5, own: 0.05 })).toMatchObject({ verdict: "worse", replications: 6 });
    expect(replicate(rng, 1, { shared: 0.5, own: 0 })).toMatchObject({ verdict: "same", replications: 6 });
    expect(replicate(rng, 0.5, { shared: 0.5, own: 0.05 }).verdict).toBe("better");
  });

  const goal = (over: Partial<Goal>): Goal => ({ ...p99, ...over }) as Goal;
  it.each([
    { name: "met", bound: "1s", change: [0.5, 0.51, 0.52, 0.5, 0.51, 0.5], met: "met" },
    { name: "not met", bound: "400ms", change: [0.5, 0.51, 0.52, 0.5, 0.51, 0.5], met: "not met" },
    {
      name: "inconclusive: the bound is within the interval",
      bound: "505ms",
      change: [0.5, 0.51, 0.52],
      met: "inconclusive",
    },
    { name: "inconclusive: one replication says nothing yet", bound: "9s", change: [0.5], met: "inconclusive" },
  ])("a bound is $name", ({ bound, change, met }) => {
    const runs = change.map(ttft);
    expect(compare([goal({ atMost: bound })], runs, runs)).toMatchObject({ met, goals: [{ met: { change: met } }] });
  });

  it.each([
    { name: "met", by: [1.02, 1.03, 1.02, 1.03, 1.02, 1.03], met: "met" },
    { name: "not met", by: [1.2, 1.21, 1.2, 1.21, 1.2, 1.21], met: "not met" },
    { name: "inconclusive: it is within the interval", by: [1.1, 1.11, 1.09, 1.1, 1.11, 1.09], met: "inconclusive" },
  ])("an increase over today is $name, however far apart the replications are", ({ by, met }) => {
    const today = [0.1, 0.5, 2, 0.2, 1, 4];
    const change = today.map((value, i) => ttft(value * (by[i] ?? 1)));
    expect(compare([goal({ atMost: "+10%" })], today.map(ttft), change)).toMatchObject({
      met,
      goals: [{ met: { baseline: "met", change: met } }],
    });
  });

  it("knows that more requests that attain their objectives are better", () => {
    const attain = (attainmentRatio: number): Kpis => ({
      ...empty,
      requests: { ...empty.requests, arrived: 9 },
      slo: { targeted: 9, attained: 9, attainmentRatio, goodputPerSecond: 1 },
    });
    const [low, high] = [[0.8, 0.81, 0.8, 0.8, 0.81, 0.8].map(attain), [0.9, 0.91, 0.9, 0.9, 0.91, 0.9].map(attain)];
    const goals: Goal[] = [{ metric: "sloAttainment", atLeast: "0.85" }];
    expect(compare(goals, low, high)).toMatchObject({ verdict: "better", met: "met" });
    expect(compare(goals, high, low)).toMatchObject({ verdict: "worse", met: "not met" });
  });

  it("takes silence for no success", () => {
    const silent = [empty, empty, empty];
    expect(compare([goal({ atMost: "1s" })], silent, silent)).toMatchObject({
      verdict: "inconclusive",
      met: "inconclusive",
      settled: false,
    });
    expect(compare(DEFAULT_GOALS, [], []).verdict).toBe("inconclusive");
  });

  it("is as bad as the worst of its goals", () => {
    const cost = (kpis: Kpis, gpuHours: number): Kpis => ({ ...kpis, gpuHours });
    const [before, after] = [
      [1, 1.01, 1.02, 1, 1, 1.01, 1].map((value) => cost(ttft(value), 4)),
      [0.5, 0.51, 0.5, 0.5, 0.5, 0.51, 0.5].map((value) => cost(ttft(value), 6)),
    ];
    const found = compare([p99, { metric: "gpuHours" }], before, after);
    expect(found.goals.map(({ verdict }) => verdict)).toEqual(["better", "worse"]);
    expect(found.verdict).toBe("worse");
  });
});
