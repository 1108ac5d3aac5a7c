import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { QuantileSketch } from "../../src/report/sketch.ts";

const latencies = fc.array(
  fc.oneof(fc.double({ min: 1e-6, max: 1e6, noNaN: true }), fc.constant(0), fc.integer({ min: 1, max: 9 })),
  { minLength: 1, maxLength: 400 },
);
/** Where doubles lose their relative precision. */
const SUBNORMAL = 2.3e-308;
const share = fc.double({ min: 0, max: 1, noNaN: true });

const exact = (values: readonly number[], q: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = q * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below] as number;
  return low + (rank - below) * ((sorted[below + 1] ?? low) - low);
};

const sketchOf = (values: readonly number[], accuracy = 0.005): QuantileSketch => {
  const sketch = new QuantileSketch(accuracy);
  for (const value of values) sketch.observe(value);
  return sketch;
};

describe("QuantileSketch", () => {
  it("is never further from the exact quantile than its accuracy", () => {
    fc.assert(
      fc.property(latencies, share, fc.constantFrom(0.005, 0.01, 0.1), (values, q, accuracy) => {
        const truth = exact(values, q);
        expect(Math.abs(sketchOf(values, accuracy).quantile(q) - truth)).toBeLessThanOrEqual(
          truth * (accuracy + 1e-9) + SUBNORMAL,
        );
      }),
      { numRuns: 500 },
    );
  });

  it("keeps count, sum, minimum and maximum exactly", () => {
    fc.assert(
      fc.property(latencies, (values) => {
        const sketch = sketchOf(values);
        expect(sketch.count).toBe(values.length);
        expect(sketch.sum).toBe(values.reduce((sum, value) => sum + value, 0));
        expect([sketch.min, sketch.max]).toEqual([Math.min(...values), Math.max(...values)]);
      }),
    );
  });

  it("answers after a merge as if it had seen both", () => {
    fc.assert(
      fc.property(latencies, latencies, share, (a, b, q) => {
        const merged = sketchOf(a);
        merged.merge(sketchOf(b));
        const both = sketchOf([...a, ...b]);
        expect(merged.quantile(q)).toBe(both.quantile(q));
        expect([merged.count, merged.min, merged.max]).toEqual([both.count, both.min, both.max]);
      }),
    );
  });

  it("takes a weight for that many observations", () => {
    const weighed = new QuantileSketch();
    weighed.observe(2, 99);
    weighed.observe(5);
    expect(weighed.quantile(0.5)).toBe(sketchOf([...Array<number>(99).fill(2), 5]).quantile(0.5));
    expect(weighed.mean).toBe(2.03);
  });

  it("stays small whatever it sees", () => {
    const sketch = new QuantileSketch();
    const values = Array.from({ length: 4001 }, (_, i) => 10 ** (i / 100 - 20)).reverse();
    for (const value of values) sketch.observe(value);
    expect(sketch.buckets).toBeLessThanOrEqual(4146);
    expect([sketch.max, sketch.min]).toEqual([values[0], values.at(-1)]);
  });

  it("is zero throughout when empty, and refuses what is no value", () => {
    const empty = new QuantileSketch();
    expect([empty.count, empty.mean, empty.min, empty.max, empty.quantile(0.99)]).toEqual([0, 0, 0, 0, 0]);
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => empty.observe(wrong)).toThrow(/finite values/);
    expect(() => empty.merge(new QuantileSketch(0.1))).toThrow(/one accuracy/);
  });
});
