import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { number } from "../../src/cli/formats/figure.ts";
import { significant, whole } from "../../src/server/digits.ts";

describe("digits", () => {
  it.each([
    [0, "0"],
    [-0, "0"],
    [0.1 + 0.2, "0.3"],
    [1e-7, "0.0000001"],
    [-0.00123456, "-0.001235"],
    [9.9996, "10"],
    [999.96, "1,000"],
    [1000, "1,000"],
    [13.725, "13.73"],
    [-2.3455, "-2.346"],
    [123_456.7, "123,500"],
    [-1_234_567, "-1,235,000"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-∞"],
  ])("writes %s as %s", (value, text) => expect(number(value)).toBe(text));

  it("writes as Intl does", () => {
    const intl = [3, 4].map((digits) => new Intl.NumberFormat("en-US", { maximumSignificantDigits: digits }));
    const counts = new Intl.NumberFormat("en-US");
    // Many of five digits lie half way between two of four.
    const mantissas = fc.oneof(fc.integer({ min: 1, max: 99_999 }), fc.integer({ min: 1, max: 9_999_999 }));
    fc.assert(
      fc.property(mantissas, fc.integer({ min: -15, max: 8 }), fc.boolean(), (mantissa, exponent, negative) => {
        const value = Number(`${negative ? "-" : ""}${mantissa}e${exponent}`);
        expect([3, 4].map((digits) => significant(value, digits))).toEqual(intl.map((one) => one.format(value)));
        if (Math.round(value) !== 0) expect(whole(value)).toBe(counts.format(Math.round(value)));
      }),
    );
  });
});
