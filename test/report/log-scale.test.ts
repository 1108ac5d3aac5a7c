import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEAST, LogScale, MOST } from "../../src/report/log-scale.ts";

const growths = [0.005, 0.01, 0.1, 0.5].map((accuracy) => Math.log((1 + accuracy) / (1 - accuracy)));

/** The doubles next to a number. */
const neighbours = (value: number): number[] => {
  const bits = new BigInt64Array(Float64Array.of(value).buffer);
  const at = bits[0] as bigint;
  return [-2n, -1n, 0n, 1n, 2n].map((step) => {
    bits[0] = at + step;
    return new Float64Array(bits.buffer)[0] as number;
  });
};

describe("the buckets of a sketch", () => {
  it("are those that the logarithm tells, for whatever value", () => {
    const value = fc.double({ min: LEAST, max: 10 * MOST, noNaN: true });
    fc.assert(
      fc.property(value, fc.constantFrom(...growths), (of, growth) => {
        expect(LogScale.of(growth).bucketOf(of)).toBe(LogScale.of(growth).exact(of));
      }),
      { numRuns: 2000 },
    );
  });

  it.each(growths)("are also where one ends and the next begins, where each grows by e^%f", (growth) => {
    const scale = LogScale.of(growth);
    const ends = Array.from({ length: scale.exact(MOST) - scale.exact(LEAST) }, (_, i) => scale.exact(LEAST) + i);
    const values = ends.flatMap((bucket) => neighbours(Math.exp(bucket * growth))).filter((value) => value >= LEAST);
    expect(values.filter((value) => scale.bucketOf(value) !== scale.exact(value))).toEqual([]);
  });

  it.each(growths)("are also where one cell ends and the next begins, where each grows by e^%f", (growth) => {
    const scale = LogScale.of(growth);
    // From 2^-29 on; a cell is a 128th of a power of two or wider.
    const begins = Array.from({ length: 59 * 128 }, (_, i) => 2 ** ((i >> 7) - 29) * (1 + (i & 127) / 128));
    const values = begins.flatMap(neighbours).filter((value) => value >= LEAST);
    expect(values.filter((value) => scale.bucketOf(value) !== scale.exact(value))).toEqual([]);
  });

  it("is that of the greatest value for whatever lies beyond", () => {
    for (const growth of growths) expect(LogScale.of(growth).bucketOf(1e300)).toBe(LogScale.of(growth).exact(MOST));
  });
});
