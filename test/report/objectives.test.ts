import { describe, expect, it } from "vitest";
import { ReportFold } from "../../src/report/fold.ts";
import { judge, type Objective } from "../../src/report/objectives.ts";
import type { Kpis, Summary } from "../../src/report/report.ts";
import { flatKpis, spread, spreadOf } from "../../src/report/spread.ts";
import { view } from "./views.ts";

const empty = new ReportFold({ horizonMicros: 1, warmUpMicros: 0, gpusPerReplica: {} }).kpis(view(0));
const summary = (value: number, count = 10): Summary => ({
  count,
  mean: value / 2,
  p50: value / 2,
  p90: value,
  p95: value,
  p99: value,
  max: value,
});
const run = (over: Partial<Kpis>): Kpis => ({ ...empty, ...over });
const ttft = (...values: readonly number[]): Kpis[] => values.map((value) => run({ ttftSeconds: summary(value) }));
const p99: Objective = { metric: "ttft", percentile: 99, atMost: "800ms" };

describe("judge", () => {
  it.each([
    { name: "passes if every replication meets it", runs: ttft(0.7, 0.8), verdict: "Passed" },
    { name: "fails if none does", runs: ttft(0.9, 1), verdict: "Failed" },
    { name: "is undecided if they disagree", runs: ttft(0.7, 0.9), verdict: "Inconclusive" },
    { name: "is undecided if no request has anything to say", runs: [run({})], verdict: "Inconclusive" },
    { name: "is undecided without runs", runs: [], verdict: "Inconclusive" },
  ])("$name", ({ runs, verdict }) => expect(judge([p99], runs)).toMatchObject({ verdict, objectives: [{ verdict }] }));

  it.each([
    {
      objective: { metric: "ttft", atMost: "400ms" },
      kpis: run({ ttftSeconds: summary(0.8) }),
      verdict: "Passed",
      mean: 0.4,
    },
    {
      objective: { metric: "itl", percentile: 90, atMost: "20ms" },
      kpis: run({ itlSeconds: summary(0.03) }),
      verdict: "Failed",
      mean: 0.03,
    },
    {
      objective: { metric: "e2e", percentile: 50, atMost: "1m" },
      kpis: run({ e2eSeconds: summary(100) }),
      verdict: "Passed",
      mean: 50,
    },
    { objective: { metric: "gpuHours", atMost: "4.5" }, kpis: run({ gpuHours: 4.6 }), verdict: "Failed", mean: 4.6 },
    {
      objective: { metric: "errorRatio", atMost: "0.1" },
      kpis: run({
        requests: { arrived: 20, completed: 18, rejected: 1, overloaded: 0, timedOut: 0, aborted: 1, inFlightAtEnd: 0 },
      }),
      verdict: "Passed",
      mean: 0.1,
    },
  ] as const)("holds $objective.metric against $objective.atMost", ({ objective, kpis, verdict, mean }) => {
    const [judged] = judge([objective], [kpis]).objectives;
    expect(judged).toEqual({ ...objective, observed: { mean, p10: mean, p90: mean }, verdict });
  });

  it.each([
    { name: "passes within it, replication by replication", runs: ttft(0.2, 0.44), verdict: "Passed" },
    { name: "fails beyond it", runs: ttft(0.23, 0.46), verdict: "Failed" },
    { name: "is undecided if they disagree", runs: ttft(0.21, 0.46), verdict: "Inconclusive" },
  ])("$name, of an increase over the baseline", ({ runs, verdict }) => {
    const tenPercent: Objective = { metric: "ttft", percentile: 99, atMost: "+10%" };
    expect(judge([tenPercent], runs, ttft(0.2, 0.41)).verdict).toBe(verdict);
    // What is there today is not more than itself.
    expect(judge([tenPercent], ttft(0.2, 0.41)).verdict).toBe("Passed");
  });

  it("fails as a whole if one fails, whatever the rest", () => {
    const loose: Objective = { metric: "ttft", atMost: "1h" };
    const strict: Objective = { metric: "ttft", atMost: "1ms" };
    expect(judge([loose, p99], ttft(0.7, 0.9)).verdict).toBe("Inconclusive");
    expect(judge([loose, p99, strict], ttft(0.7, 0.9)).verdict).toBe("Failed");
    expect(judge([], ttft(1)).verdict).toBe("Passed");
  });
});

describe("spread", () => {
  it("interpolates between neighbours and rounds to six digits", () => {
    expect(spread([3, 1, 2])).toEqual({ mean: 2, p10: 1.2, p90: 2.8 });
    expect(spread([1 / 3])).toEqual({ mean: 0.333333, p10: 0.333333, p90: 0.333333 });
  });

  it("counts as failed what errorRatio divides by the arrivals, the gateway's turned away among them", () => {
    const ends = { completed: 10, rejected: 1, overloaded: 2, timedOut: 4, aborted: 8, shed: 16, expired: 32 };
    const kpis = run({ requests: { arrived: 80, ...ends, inFlightAtEnd: 7 } });
    expect(flatKpis(kpis).requestsFailed).toBe(63);
    const [judged] = judge([{ metric: "errorRatio", atMost: "0.5" }], [kpis]).objectives;
    expect((judged?.observed?.mean ?? 0) * 80).toBe(63);
  });

  it("has every KPI of a report under a flat name", () => {
    const leaves = (value: unknown): number =>
      typeof value === "object" && value !== null
        ? Object.values(value).reduce<number>((sum, part) => sum + leaves(part), 0)
        : 1;
    const counts = 5; // Summaries' counts are told by the numbers of requests.
    const derived = 1; // requestsFailed
    expect(Object.keys(flatKpis(empty))).toHaveLength(leaves(empty) - counts + derived);
    expect(spreadOf(ttft(0.2, 0.4)).ttftP99Seconds).toEqual({ mean: 0.3, p10: 0.22, p90: 0.38 });
    expect(spreadOf([])).toEqual({});
  });
});
