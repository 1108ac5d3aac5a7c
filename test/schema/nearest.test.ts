import { describe, expect, it } from "vitest";
import { nearest } from "../../src/schema/nearest.ts";

const fields = ["horizon", "warmUp", "seed", "replications", "speed", "rate", "rateScale"];

describe("nearest", () => {
  it.each([
    ["horizn", "horizon"],
    ["Horizon", "horizon"],
    ["warmup", "warmUp"],
    ["warm-up", "warmUp"],
    ["sede", "seed"],
    ["rates", "rate"],
    ["ratescale", "rateScale"],
    ["replic", "replications"],
    ["colour", undefined],
    ["x", undefined],
    ["", undefined],
    ["h".repeat(100_000), undefined],
  ])("%s → %s", (typed, meant) => expect(nearest(typed, fields)).toBe(meant));

  it("takes the first of two that are as near", () => expect(nearest("c", ["a", "b"])).toBe("a"));
  it("finds nothing among nothing", () => expect(nearest("seed", [])).toBeUndefined());
});
