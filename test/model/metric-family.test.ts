import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fineSecondsBounds } from "../../src/model/fine-bounds.ts";
import { Histogram } from "../../src/model/metric-family.ts";

/** The bounds that lie below a value are as many as the buckets before its own. */
const sought = (bounds: readonly number[], value: number): number => bounds.filter((bound) => value > bound).length;

/** Neighbours among doubles of a positive number. */
const beside = (value: number): readonly number[] => [value * (1 - 2 ** -53), value * (1 + 2 ** -52)];

describe("Histogram", () => {
  it("finds the bucket of any value, among any bounds", () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 40 }),
        fc.array(fc.double({ noNaN: true }), { maxLength: 20 }),
        (some, values) => {
          const bounds = [...some].sort((a, b) => a - b);
          const histogram = new Histogram(bounds);
          for (const value of [...values, ...bounds, ...bounds.flatMap(beside), 0, -0]) {
            expect(histogram.bucketOf(value)).toBe(sought(bounds, value));
          }
        },
      ),
    ));

  it("finds it where bounds lie close together, and where there are none", () => {
    const histogram = new Histogram(fineSecondsBounds);
    for (const bound of fineSecondsBounds.flatMap((one) => [one, ...beside(one)])) {
      expect(histogram.bucketOf(bound)).toBe(sought(fineSecondsBounds, bound));
    }
    expect(new Histogram([]).bucketOf(7)).toBe(0);
  });

  it("adds up what it observes", () => {
    const histogram = new Histogram([1, 2, 5]);
    for (const value of [0, 1, 1.5, 5, 6]) histogram.observe(value);
    histogram.observe(2, 3);
    expect(histogram.value()).toEqual({ bounds: [1, 2, 5], counts: [2, 4, 1, 1], sum: 19.5 });
    expect(histogram.count).toBe(8);
  });

  it("counts values that come one after the other like each alone, one by one or as a column", () =>
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: -1, max: 6 }), fc.double({ min: 0, max: 7, noNaN: true }))),
        (values) => {
          const bounds = [0.5, 1, 2, 5];
          const counts = bounds.concat(Number.POSITIVE_INFINITY).map(() => 0);
          for (const value of values) counts[sought(bounds, value)] = (counts[sought(bounds, value)] ?? 0) + 1;
          const [each, column] = [new Histogram(bounds), new Histogram(bounds)];
          for (const value of values) each.observe(value);
          const rows = Float64Array.from(values.flatMap((value) => [99, value]));
          const middle = 2 * Math.floor(values.length / 2);
          column.observeColumn(rows, 1, middle, 2);
          column.observeColumn(rows, middle + 1, rows.length, 2);
          expect([...each.counts]).toEqual(counts);
          expect(column.value()).toEqual(each.value());
        },
      ),
    ));
});
