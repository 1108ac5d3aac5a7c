import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellOf, leastIn, MANTISSA_BITS_ABOVE } from "../../src/sim/cells.ts";

const width = fc.integer({ min: 0, max: MANTISSA_BITS_ABOVE });

describe("cells of doubles", () => {
  it("are in the order of the numbers in them, and each begins with its least", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e300, noNaN: true }),
        fc.double({ min: 0, max: 1e300, noNaN: true }),
        width,
        (a, b, bits) => {
          const [low, high] = a < b ? [a, b] : [b, a];
          expect(cellOf(low, bits)).toBeLessThanOrEqual(cellOf(high, bits));
          const cell = cellOf(high, bits);
          expect(leastIn(cell, bits)).toBeLessThanOrEqual(high);
          expect(leastIn(cell + 1, bits)).toBeGreaterThan(high);
          expect(cellOf(leastIn(cell, bits), bits)).toBe(cell);
        },
      ),
    );
  });

  it("are one or two per power of two where all or all but one of the bits lie below", () => {
    const [one, two] = [MANTISSA_BITS_ABOVE, MANTISSA_BITS_ABOVE - 1].map((bits) => cellOf(2, bits) - cellOf(1, bits));
    expect([one, two]).toEqual([1, 2]);
    expect(cellOf(-1, 0)).toBeLessThan(0);
  });
});
