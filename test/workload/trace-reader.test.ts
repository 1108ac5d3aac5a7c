import { describe, expect, it } from "vitest";
import { micros } from "../../src/sim/time.ts";
import { LINE_MAX } from "../../src/workload/line-reader.ts";
import { TraceError } from "../../src/workload/source.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { cut, drain, openTrace, readTrace } from "./drain.ts";

const HEADER = "Timestamp,Request tokens,Response tokens";
const trace = (...rows: (readonly [seconds: number, prompt?: number, output?: number])[]): string =>
  [HEADER, ...rows.map(([at, prompt = 1, output = 1]) => `${at},${prompt},${output}`)].join("\n");
const arrivals = (text: string, options = {}): number[] =>
  readTrace("burstgpt", text, options).map(({ arrival }) => arrival);

describe("times", () => {
  it("count from the first row", () => expect(arrivals(trace([1000], [1000], [1002.5]))).toEqual([0, 0, 2_500_000]));

  it("are divided by the rate scale and rounded", () => {
    expect(arrivals(trace([0], [1], [2]), { rateScale: 3 })).toEqual([0, 333_333, 666_667]);
    expect(arrivals(trace([0], [1]), { rateScale: 0.1 })).toEqual([0, 10_000_000]);
  });

  it("begin at the start offset, in the trace's own time", () => {
    const options = { startOffsetMicros: micros(2_000_000), rateScale: 2 };
    expect(readTrace("burstgpt", trace([10], [11], [12], [14, 3, 4]), options)).toEqual([
      { id: 0, arrival: 0, promptTokens: 1, outputTokens: 1 },
      { id: 1, arrival: 1_000_000, promptTokens: 3, outputTokens: 4 },
    ]);
  });

  it("stay within what microseconds can hold", () => {
    expect(arrivals(trace([0], [1]), { rateScale: 1e-300 })).toEqual([0, Number.MAX_SAFE_INTEGER]);
  });

  it("that run back are a broken line, which leaves the others as they are", () => {
    const text = trace([5], [7], [6], [7]);
    expect(() => arrivals(text)).toThrow("line 4: it lies before line 3; rows must be in order of time");
    expect(arrivals(text, { onError: "Skip" })).toEqual([0, 2_000_000, 2_000_000]);
  });
});

describe("limits", () => {
  it("fail on one request too many, even where broken lines are skipped", () => {
    const text = trace([0], [1], [2]);
    expect(arrivals(text, { maxRequests: 3 })).toHaveLength(3);
    expect(() => arrivals(text, { maxRequests: 2, onError: "Skip" })).toThrow("line 4: more than 2 requests");
  });

  it("count requests only after the start offset", () => {
    expect(arrivals(trace([0], [1], [2]), { maxRequests: 1, startOffsetMicros: micros(2_000_000) })).toEqual([0]);
  });
});

describe("a trace without requests", () => {
  it.each([
    ["nothing", "", {}, "line 1: the trace holds no request"],
    ["a header", HEADER, {}, "line 1: the trace holds no request"],
    [
      "broken lines",
      `${HEADER}\nx\ny\n`,
      { onError: "Skip" },
      "2 broken lines were skipped, the first is line 2: it has 1 fields",
    ],
    ["failures", trace([0, 0, 0]), {}, "line 2: the trace holds no request"],
    [
      "less than the start offset",
      trace([0], [3]),
      { startOffsetMicros: micros(4_000_000) },
      "line 3: the trace ends 3 s after its first row, before the start offset is over",
    ],
  ])("of %s is an error", (_name, text, options, message) => {
    expect(() => arrivals(text, options)).toThrow(TraceError);
    expect(() => arrivals(text, options)).toThrow(message);
  });
});

describe("blocks", () => {
  const lines = [HEADER, "5,1,2", "", "6,3,4", "broken", "7,0,0", "8,5,6"];

  it.each([
    ["\n", "line ends"],
    ["\r\n", "line ends with carriage returns"],
  ])("of any size tell the same with %j", (end) => {
    for (const text of [lines.join(end), lines.join(end) + end, `\ufeff${lines.join(end)}`]) {
      const whole = openTrace("burstgpt", { onError: "Skip" });
      const expected = drain(whole, [text]);
      expect(expected.map(({ arrival, promptTokens }) => [arrival, promptTokens])).toEqual([
        [0, 1],
        [1e6, 3],
        [3e6, 5],
      ]);
      expect([whole.skipped.firstLine, whole.dropped.firstLine]).toEqual([5, 6]);
      forAllSeeds(50, (rng, seed) => {
        const source = openTrace("burstgpt", { onError: "Skip" });
        expect(drain(source, cut(text, 1 + rng.below(9), seed))).toEqual(expected);
        expect([source.skipped, source.dropped]).toEqual([whole.skipped, whole.dropped]);
      });
    }
  });

  it("may come before they are needed, or be empty", () => {
    const source = openTrace("burstgpt");
    expect(source.next()).toEqual({ kind: "starved" });
    for (const block of [HEADER, "", "\n5,1,", "2\n6,3,", "4\n", undefined]) source.feed(block);
    expect(drain(source).map(({ promptTokens }) => promptTokens)).toEqual([1, 3]);
    expect(source.next()).toEqual({ kind: "ended" });
  });

  it("are not held when a line never ends", () => {
    const endless = [`${HEADER}\n5,1,2\n`, ...Array.from({ length: 40 }, () => "9".repeat(LINE_MAX / 8)), "\n6,3,4"];
    const source = openTrace("burstgpt", { onError: "Skip" });
    expect(drain(source, endless).map(({ promptTokens }) => promptTokens)).toEqual([1, 3]);
    expect(source.skipped).toEqual({ lines: 1, firstLine: 3, why: `it is longer than ${LINE_MAX} characters` });
    const failing = openTrace("burstgpt");
    let fed = 0;
    const counted = (function* () {
      for (const block of endless) {
        fed += 1;
        yield block;
      }
    })();
    expect(() => drain(failing, counted)).toThrow("line 3: it is longer than");
    expect(fed).toBeLessThan(12);
  });
});
