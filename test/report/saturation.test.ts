import { describe, expect, it } from "vitest";
import { detectorNames, detectors } from "../../src/report/detectors/index.ts";
import { Backlog } from "../../src/report/saturation/backlog.ts";
import { Completions } from "../../src/report/saturation/completions.ts";
import type { Level, RunSoFar } from "../../src/report/saturation/detector.ts";
import { Plurality } from "../../src/report/saturation/plurality.ts";
import { SATURATION_DEFAULTS, SaturationFold, worst } from "../../src/report/saturation/saturation-fold.ts";
import { simulationSpec } from "../../src/schema/simulation-spec.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { at } from "./views.ts";

const SEEDS = Number(process.env.SEEDS ?? 30);

const judge = (name: string, run: Partial<Omit<RunSoFar, "latencies">> & { latencies?: readonly number[] }) => {
  const detector = detectors.find((one) => one.name === name);
  if (detector === undefined) throw new Error(`no detector ${name}`);
  const latencies = new Completions();
  for (const latency of run.latencies ?? []) latencies.observe(Math.round(latency * 1e6));
  const completions = run.completions ?? latencies.count;
  return detector.judge({ arrivals: 0, backlogSlope: 0, ...run, completions, latencies }, { e2eSeconds: 5 });
};
const flat = (count: number, value = 1): number[] => Array.from({ length: count }, () => value);

describe("composite", () => {
  it.each([
    { name: "nothing", run: {}, level: "STABLE", score: 0, confidence: 0 },
    {
      name: "all served, flat",
      run: { arrivals: 100, latencies: flat(100) },
      level: "STABLE",
      score: 0,
      confidence: 1,
    },
    {
      name: "a tenth left is noise of 100",
      run: { arrivals: 100, latencies: flat(91) },
      level: "STABLE",
      score: 0.09,
      confidence: 1,
    },
    {
      name: "at the noise it counts",
      run: { arrivals: 16, latencies: flat(12) },
      level: "BACKLOGGED",
      score: 0.25,
      confidence: 0.8,
    },
    { name: "half left", run: { arrivals: 16, latencies: flat(8) }, level: "BACKLOGGED", score: 0.5, confidence: 0.8 },
    { name: "none served", run: { arrivals: 25, latencies: [] }, level: "BACKLOGGED", score: 1, confidence: 1 },
    {
      name: "steady rise",
      run: { arrivals: 40, latencies: Array.from({ length: 40 }, (_, i) => 1 + i) },
      level: "OVERLOADED",
      score: 1,
      confidence: 1,
    },
    // First half 1.1, second 1.5: 4/11.
    {
      name: "a rise below one",
      run: { arrivals: 40, latencies: [...flat(10, 1), ...flat(10, 1.2), ...flat(10, 1.4), ...flat(10, 1.6)] },
      level: "OVERLOADED",
      score: 4 / 11,
      confidence: 1,
    },
    {
      name: "a spike that passes is vetoed",
      run: { arrivals: 40, latencies: [...flat(20, 1), ...flat(10, 9), ...flat(10, 2)] },
      level: "STABLE",
      score: 0,
      confidence: 1,
    },
    {
      name: "equal quarters are no rise",
      run: { arrivals: 40, latencies: [...flat(20, 1), ...flat(20, 3)] },
      level: "STABLE",
      score: 0,
      confidence: 1,
    },
    {
      name: "few completions need no quarters",
      run: { arrivals: 16, latencies: [...flat(8, 1), ...flat(8, 3)] },
      level: "OVERLOADED",
      score: 1,
      confidence: 0.8,
    },
    {
      name: "a fall is no trend",
      run: { arrivals: 40, latencies: Array.from({ length: 40 }, (_, i) => 40 - i) },
      level: "STABLE",
      score: 0,
      confidence: 1,
    },
    // Of 7 the first half is 3: means 1 and 2.
    {
      name: "odd halves split below",
      run: { arrivals: 7, latencies: [1, 1, 1, 2, 2, 2, 2] },
      level: "OVERLOADED",
      score: 1,
      confidence: 0.35,
    },
    {
      name: "one completion has no trend",
      run: { arrivals: 1, latencies: [5] },
      level: "STABLE",
      score: 0,
      confidence: 0.05,
    },
  ])("$name", ({ run, level, score, confidence }) => {
    const verdict = judge("composite", run);
    expect(verdict.level).toBe(level);
    expect(verdict.score).toBeCloseTo(score, 12);
    expect(verdict.confidence).toBeCloseTo(confidence, 12);
  });
});

describe("threshold", () => {
  it.each([
    { latencies: [], level: "STABLE", score: 0, confidence: 0 },
    { latencies: [2.5], level: "STABLE", score: 0.25, confidence: 1 - 1 / Math.SQRT2 },
    { latencies: flat(3, 5), level: "OVERLOADED", score: 0.75, confidence: 0.5 },
    { latencies: flat(8, 7.5), level: "OVERLOADED", score: 0.875, confidence: 2 / 3 },
    { latencies: flat(8, 99), level: "OVERLOADED", score: 1, confidence: 2 / 3 },
  ])("$latencies: $level", ({ latencies, level, score, confidence }) => {
    const verdict = judge("threshold", { arrivals: 9, latencies });
    expect(verdict.level).toBe(level);
    expect(verdict.score).toBeCloseTo(score, 12);
    expect(verdict.confidence).toBeCloseTo(confidence, 12);
  });
});

describe("backlog-drift", () => {
  it.each([
    { arrivals: 0, backlogSlope: 9, level: "STABLE", score: 0, confidence: 0 },
    { arrivals: 100, backlogSlope: -3, level: "STABLE", score: 0, confidence: 1 },
    { arrivals: 100, backlogSlope: 0.1, level: "STABLE", score: 1 / 3, confidence: 1 },
    { arrivals: 100, backlogSlope: 0.2, level: "BACKLOGGED", score: 2 / 3, confidence: 1 },
    { arrivals: 16, backlogSlope: 0.75, level: "BACKLOGGED", score: 1, confidence: 0.8 },
    { arrivals: 100, backlogSlope: 0.31, level: "OVERLOADED", score: 1, confidence: 1 },
  ])("slope $backlogSlope of $arrivals: $level", ({ level, score, confidence, ...run }) => {
    const verdict = judge("backlog-drift", run);
    expect(verdict.level).toBe(level);
    expect(verdict.score).toBeCloseTo(score, 12);
    expect(verdict.confidence).toBeCloseTo(confidence, 12);
  });

  it("takes the least-squares slope of the buckets' last values, gaps carried, as if it had kept them", () => {
    forAllSeeds(SEEDS, (rng) => {
      const backlog = new Backlog();
      const ends = new Map<number, number>();
      let [now, inFlight] = [rng.below(500), 0];
      for (let i = 0; i < 50; i += 1) {
        now += rng.below(10) === 0 ? rng.below(400) : rng.below(20);
        const by = inFlight > 0 && rng.below(2) === 0 ? -1 : 1;
        inFlight += by;
        backlog.change(by, at(now));
        ends.set(Math.floor(now / 60), inFlight);
      }
      const buckets = [...ends.keys()];
      const values: number[] = [];
      for (let b = buckets[0] as number; b <= (buckets.at(-1) as number); b += 1)
        values.push(ends.get(b) ?? (values.at(-1) as number));
      const n = values.length;
      const [mx, my] = [(n - 1) / 2, values.reduce((a, b) => a + b, 0) / n];
      const cov = values.reduce((all, y, x) => all + (x - mx) * (y - my), 0);
      const variance = values.reduce((all, _, x) => all + (x - mx) ** 2, 0);
      expect(backlog.slope).toBeCloseTo(variance === 0 ? 0 : cov / variance, 9);
    });
  });
});

describe("latencies in order of completion", () => {
  it("has exact means of any stretch up to 4096, and close ones beyond", () => {
    forAllSeeds(SEEDS, (rng) => {
      const count = [10, 4096, 4097, 20_000][rng.below(4)] as number;
      const values = Array.from({ length: count }, (_, i) =>
        Math.round(1e6 * (1 + i / count + rng.below(1000) / 1000)),
      );
      const completions = new Completions();
      for (const value of values) completions.observe(value);
      expect(completions.count).toBe(count);
      expect(completions.exact).toBe(count <= 4096);
      const cuts = [0, Math.floor(count / 4), Math.floor(count / 2), count - rng.below(3), count];
      for (const [i, to] of cuts.entries()) {
        for (const from of cuts.slice(0, i)) {
          if (to - from < 4) continue;
          const exact = values.slice(from, to).reduce((a, b) => a + b, 0) / (to - from) / 1e6;
          if (completions.exact) expect(completions.meanSeconds(from, to)).toBeCloseTo(exact, 9);
          else if (to - from > count / 8)
            expect(Math.abs(completions.meanSeconds(from, to) - exact)).toBeLessThan(0.01);
        }
      }
    });
  });
});

describe("the streaming verdict", () => {
  const told = (levels: readonly (readonly [number, Level])[], windowSeconds = 60) => {
    const plurality = new Plurality(windowSeconds * 1e6);
    for (const [seconds, level] of levels) plurality.tell(at(seconds), { level, score: 0.5, confidence: 1 });
    return plurality.verdict?.level;
  };
  it.each([
    { name: "none", levels: [], level: undefined },
    {
      name: "the most frequent",
      levels: [
        [0, "STABLE"],
        [1, "OVERLOADED"],
        [2, "STABLE"],
      ],
      level: "STABLE",
    },
    {
      name: "the more severe of two",
      levels: [
        [0, "BACKLOGGED"],
        [1, "STABLE"],
      ],
      level: "BACKLOGGED",
    },
    {
      name: "of three",
      levels: [
        [0, "OVERLOADED"],
        [1, "STABLE"],
        [2, "BACKLOGGED"],
      ],
      level: "OVERLOADED",
    },
    {
      name: "what left the window is forgotten",
      levels: [
        [0, "OVERLOADED"],
        [1, "OVERLOADED"],
        [99, "STABLE"],
      ],
      level: "STABLE",
    },
    {
      name: "its edge belongs to it",
      levels: [
        [0, "OVERLOADED"],
        [60, "STABLE"],
      ],
      level: "OVERLOADED",
    },
  ] as const)("$name", ({ levels, level }) => expect(told(levels)).toBe(level));
});

describe("a run's saturation", () => {
  it("says what every detector says, and the chosen one first", () => {
    const fold = new SaturationFold({ ...SATURATION_DEFAULTS, detector: "threshold" });
    for (let i = 0; i < 50; i += 1) {
      fold.arrived(at(i));
      fold.ended(at(i + 0.5), 8e6);
      fold.look(at(i + 0.5));
    }
    const { detectors: all, ...chosen } = fold.saturation;
    expect(chosen).toMatchObject({ detector: "threshold", level: "OVERLOADED", exact: true });
    expect(Object.keys(all)).toEqual([...detectorNames, "streaming"]);
    expect(all.composite).toEqual({ level: "STABLE", score: 0, confidence: 1 });
    expect(all.streaming?.level).toBe("OVERLOADED");
  });

  it("is the most severe of several", () => {
    const of = (level: Level, score: number) => ({
      ...new SaturationFold(SATURATION_DEFAULTS).saturation,
      level,
      score,
    });
    expect(worst([of("STABLE", 0.9), of("BACKLOGGED", 0.1), of("BACKLOGGED", 0.3)])).toMatchObject({
      level: "BACKLOGGED",
      score: 0.3,
    });
  });

  it("has scores and confidences between 0 and 1, whatever comes", () => {
    forAllSeeds(SEEDS, (rng) => {
      for (const { name } of detectors) {
        const latencies = Array.from({ length: rng.below(60) }, () => rng.below(20_000) / 1000);
        const arrivals = latencies.length + rng.below(40);
        const { level, score, confidence } = judge(name, { arrivals, latencies, backlogSlope: rng.below(9) - 4 });
        expect(["STABLE", "BACKLOGGED", "OVERLOADED"]).toContain(level);
        for (const part of [score, confidence]) {
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(1);
        }
      }
    });
  });

  it("takes every detector that a spec may name, and no other", () => {
    const said = (detector: string) => simulationSpec.shape.saturation.safeParse({ detector }).success;
    expect(detectors.map(({ name }) => name)).toEqual([...detectorNames]);
    for (const name of detectorNames) expect(said(name)).toBe(true);
    expect(said("streaming")).toBe(false);
  });
});
