import { describe, expect, it } from "vitest";
import { goDurationSeconds } from "../../../src/twin/readers/endpoint-picker/go-duration.ts";

// As time.ParseDuration of Go 1.25 reads them.
describe("a duration of Go", () => {
  it.each([
    ["50ms", 0.05],
    ["2s", 2],
    ["1m30s", 90],
    ["1.5h", 5400],
    [".5s", 0.5],
    ["1.s", 1],
    ["100us", 0.0001],
    ["100µs", 0.0001],
    ["1500ns", 0.000002],
    ["-2s", -2],
    ["+2s", 2],
    ["0", 0],
    ["0s", 0],
  ])("%s", (text, seconds) => expect(goDurationSeconds(text)).toBe(seconds));

  it.each(["", "5", "s", "1d", "1 s", "1s ", ".s", "1m-2s", "--1s"])("%j is none", (text) => {
    expect(goDurationSeconds(text)).toBeUndefined();
  });
});
