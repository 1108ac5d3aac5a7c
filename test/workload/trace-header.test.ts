import { describe, expect, it } from "vitest";
import { traceHeader } from "../../src/workload/trace-header.ts";

const said = (over: object = {}) => ({ trace_version: 3, time_unit: "microseconds", mode: "generated", ...over });

describe("the header of a BLIS trace", () => {
  it.each([
    ["a simulated one", said(), { clock: "zero" }],
    ["of version 2, with little in it", { trace_version: 2 }, { clock: "zero" }],
    ["of a real server", said({ mode: "real", server: { model: "m" } }), { clock: "first-row" }],
    [
      "replayed, with contexts that grow",
      said({ mode: "replayed", session_context_growth: "accumulate" }),
      { clock: "zero", contextGrowth: "accumulate" },
    ],
    ["with an empty growth", said({ session_context_growth: "" }), { clock: "zero" }],
  ])("%s", (_name, header, value) => {
    expect(traceHeader(header, "a.yaml")).toEqual({
      ok: true,
      value: { contextGrowth: undefined, ...value },
      warnings: [],
    });
  });

  it.each([
    ["nothing", undefined, "not a mapping"],
    ["a list", [], "not a mapping"],
    ["no version", { mode: "real" }, "trace_version is missing"],
    ["a version to come", said({ trace_version: 4 }), "trace_version is 4; only 2 and 3"],
    ["a version as text", said({ trace_version: "3" }), 'trace_version is "3"'],
    ["another unit", said({ time_unit: "ms" }), 'time_unit is "ms"'],
    ["a mode that nobody knows", said({ mode: "dreamt" }), 'mode is "dreamt"'],
    [
      "a growth that nobody knows",
      said({ session_context_growth: "Accumulate" }),
      'session_context_growth is "Accumulate"',
    ],
  ])("%s is a problem of that file", (_name, header, says) => {
    const result = traceHeader(header, "a.yaml");
    if (result.ok) throw new Error("was taken");
    expect(result.problems).toMatchObject([
      { reason: "BrokenTrace", file: "a.yaml", message: expect.stringContaining(says) },
    ]);
    expect(result.problems[0]?.fix).toBeTruthy();
  });
});
