import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { durationOf, durationText, durationTextOf } from "../../src/model/duration.ts";
import { micros } from "../../src/sim/time.ts";

describe("durationOf", () => {
  it.each([
    ["90s", 90e6],
    ["1h30m", 5400e6],
    ["800ms", 800e3],
    ["2d", 172_800e6],
    ["0s", 0],
    ["1.5us", 2],
    ["0.25h", 900e6],
    ["5m5ms", 300_005_000],
  ])("%s", (text, value) => {
    expect(durationText.safeParse(text).success).toBe(true);
    expect(durationOf(text)).toBe(value);
  });

  it.each(["", "5", "s", "-5s", "5 s", "1h 30m", "5S", ".5s", "5.s", "1e3s", "5sec", "5s\n", "١s"])(
    "refuses %j",
    (text) => {
      expect(durationText.safeParse(text).error?.issues[0]?.message).toContain("must be a duration such as");
      expect(() => durationOf(text)).toThrow(RangeError);
    },
  );

  it("takes whatever durationText lets pass", () => {
    const part = fc
      .tuple(fc.nat(99_999_999), fc.constantFrom("us", "ms", "s", "m", "h", "d"))
      .map((both) => both.join(""));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
        const text = parts.join("");
        if (durationText.safeParse(text).success) expect(Number.isSafeInteger(durationOf(text))).toBe(true);
      }),
    );
  });

  it("refuses a million years in words", () => {
    expect(durationText.safeParse("365000000d").error?.issues[0]?.message).toContain("at most");
  });
});

describe("durationTextOf", () => {
  it.each([
    [5400e6, "1h30m"],
    [0, "0s"],
    [1, "1us"],
    [90_061e6, "1d1h"],
    [1_500, "1ms500us"],
  ])("%d us is %s", (value, text) => expect(durationTextOf(micros(value))).toBe(text));

  it("reads back what has at most two units", () => {
    fc.assert(
      fc.property(fc.nat(23), fc.nat(59), (hours, minutes) => {
        const length = micros((hours * 60 + minutes) * 60e6);
        expect(durationOf(durationTextOf(length))).toBe(length);
      }),
    );
  });
});
