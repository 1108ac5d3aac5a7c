import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { floatText } from "../../src/exporter/float-text.ts";

describe("floatText", () => {
  // What Python's prometheus_client prints, taken from its floatToGoString.
  it.each([
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [3, "3.0"],
    [-2, "-2.0"],
    [0.005, "0.005"],
    [2.5, "2.5"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [0.000015, "1.5e-05"],
    [1e-9, "1e-09"],
    [22130, "22130.0"],
    [999999, "999999.0"],
    [1e6, "1e+06"],
    [1048576, "1.048576e+06"],
    [1778194974.408791, "1.778194974408791e+09"],
    [1e100, "1e+100"],
    [-1048576, "-1048576.0"],
    [0.1 + 0.2, "0.30000000000000004"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NEGATIVE_INFINITY, "-Inf"],
    [Number.NaN, "NaN"],
  ])("spells %d as %s", (value, text) => expect(floatText(value)).toBe(text));

  it("loses nothing", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(floatText(value))).toBe(value);
      }),
    );
  });
});
