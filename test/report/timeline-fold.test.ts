import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Gauges, TimelineFold } from "../../src/report/timeline-fold.ts";
import { NEVER } from "../../src/sim/time.ts";
import { at } from "./views.ts";

const gauges = (over: Partial<Gauges> = {}): Gauges => ({
  waiting: 0,
  running: 0,
  kvUsageRatio: 0,
  generationTokens: 0,
  ...over,
});

/** Looks whenever it is asked to, until `seconds`. */
const lookUntil = (fold: TimelineFold, seconds: number, read: (at: number) => Gauges = () => gauges()): void => {
  for (let next = fold.nextLook; next <= at(seconds); next = fold.nextLook) fold.look(next, read(next / 1e6));
};

const total = (rates: readonly number[], bucketSeconds: number, end: number): number =>
  rates.reduce((sum, rate, i) => sum + rate * Math.min(bucketSeconds, end - i * bucketSeconds), 0);

describe("TimelineFold", () => {
  it.each([
    { horizon: 60, bucketSeconds: 1, buckets: 60 },
    { horizon: 840, bucketSeconds: 5, buckets: 168 },
    { horizon: 3600, bucketSeconds: 10, buckets: 360 },
    { horizon: 21_600, bucketSeconds: 60, buckets: 360 },
    { horizon: 1e7, bucketSeconds: 43_200, buckets: 232 },
    { horizon: 1e9, bucketSeconds: 33 * 86_400, buckets: 351 },
    { horizon: 0.5, bucketSeconds: 1, buckets: 1 },
  ])("cuts $horizon s into $buckets buckets of $bucketSeconds s", ({ horizon, bucketSeconds, buckets }) => {
    const timeline = new TimelineFold(horizon * 1e6).timeline(at(horizon));
    expect(timeline.bucketSeconds).toBe(bucketSeconds);
    expect(timeline.atSeconds).toHaveLength(buckets);
    for (const column of Object.values(timeline.columns)) expect(column).toHaveLength(buckets);
  });

  it("asks for looks at the start, four times per bucket and at the horizon, then no more", () => {
    const fold = new TimelineFold(2.6e6);
    const asked: number[] = [];
    for (let next = fold.nextLook; next !== NEVER; next = fold.nextLook) {
      asked.push(next / 1e6);
      fold.look(next, gauges());
    }
    expect(asked).toEqual([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.6]);
  });

  it("weighs levels by time, exactly", () => {
    const fold = new TimelineFold(3e6);
    fold.hold("replicasReady", 1, at(0));
    fold.hold("replicasReady", 3, at(1.25));
    lookUntil(fold, 3);
    expect(fold.timeline(at(3)).columns.replicasReady).toEqual([1, 1 * 0.25 + 3 * 0.75, 3]);
  });

  it("runs straight between looks at gauges and shares tokens out over time", () => {
    const fold = new TimelineFold(4e6);
    lookUntil(fold, 4, (seconds) => gauges({ waiting: 10 * seconds, generationTokens: 100 * seconds }));
    const { waiting, outputTokensPerSecond } = fold.timeline(at(4)).columns;
    expect(waiting).toEqual([5, 15, 25, 35]);
    for (const rate of outputTokensPerSecond) expect(rate).toBeCloseTo(100, 9);
  });

  it("divides the last bucket by its own length", () => {
    const fold = new TimelineFold(1.5e6);
    for (const seconds of [0.5, 1, 1.25]) fold.arrived(at(seconds));
    lookUntil(fold, 1.5);
    expect(fold.timeline(at(1.5)).columns.arrivalsPerSecond).toEqual([1, 4]);
  });

  it("puts what clients see past the horizon into the last bucket", () => {
    const fold = new TimelineFold(2e6);
    fold.completed(at(2.01));
    fold.firstToken(at(2.01), 0.5);
    const { completionsPerSecond, ttftMeanSeconds } = fold.timeline(at(2)).columns;
    expect(completionsPerSecond).toEqual([0, 1]);
    expect(ttftMeanSeconds).toEqual([0, 0.5]);
  });

  it("never has more than 360 buckets and loses nothing when they double", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 300 }), (instants) => {
        const fold = new TimelineFold(undefined);
        const sorted = [...instants].sort((a, b) => a - b);
        fold.hold("replicasReady", 2, at(0));
        for (const seconds of sorted) {
          fold.arrived(at(seconds));
          fold.firstToken(at(seconds), 1);
        }
        const end = (sorted.at(-1) as number) + 1;
        fold.look(at(0), gauges());
        fold.look(at(end), gauges({ waiting: 4, generationTokens: 1000 }));
        const { bucketSeconds, atSeconds, columns } = fold.timeline(at(end));
        expect(atSeconds.length).toBeLessThanOrEqual(360);
        expect(Math.log2(bucketSeconds) % 1).toBe(0);
        expect(total(columns.arrivalsPerSecond, bucketSeconds, end)).toBeCloseTo(instants.length, 6);
        expect(total(columns.replicasReady, bucketSeconds, end)).toBeCloseTo(2 * end, 4);
        expect(total(columns.waiting, bucketSeconds, end)).toBeCloseTo(2 * end, 4);
        expect(total(columns.outputTokensPerSecond, bucketSeconds, end)).toBeCloseTo(1000, 4);
      }),
      { numRuns: 50 },
    );
  });

  it("shows the present in a bucket that no look has reached yet, and changes nothing by being asked", () => {
    const fold = new TimelineFold(undefined);
    fold.hold("replicasReady", 2, at(0));
    lookUntil(fold, 3, () => gauges({ waiting: 7 }));
    const once = fold.timeline(at(3.2));
    expect(once.columns.waiting).toEqual([7, 7, 7, 7]);
    expect(once.columns.replicasReady).toEqual([2, 2, 2, 2]);
    expect(fold.timeline(at(3.2))).toEqual(once);
    expect(fold.timeline(at(0)).atSeconds).toEqual([]);
  });
});
