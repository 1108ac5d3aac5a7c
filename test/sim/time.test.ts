import { describe, expect, it } from "vitest";
import { after, elapsed, instant, micros, START, seconds, toSeconds } from "../../src/sim/time.ts";

describe("time", () => {
  it("rounds seconds to whole microseconds", () => {
    expect([seconds(1.5), seconds(0.0000014), seconds(0.0000016)]).toEqual([1_500_000, 1, 2]);
    expect(toSeconds(micros(2_500_000))).toBe(2.5);
  });

  it("adds and measures lengths", () => {
    const at = after(START, micros(7));
    expect([at, elapsed(START, at)]).toEqual([7, 7]);
    expect(() => elapsed(at, START)).toThrow(RangeError);
  });

  it.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("takes no %d microseconds", (value) => {
    expect(() => micros(value)).toThrow(RangeError);
    expect(() => instant(value)).toThrow("whole");
  });
});
