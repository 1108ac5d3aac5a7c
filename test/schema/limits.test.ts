import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS, limitProblems } from "../../src/schema/limits.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { GOOD, simulation } from "./objects.ts";

const specOf = (more: object) => {
  const parsed = parseSimulation(simulation("x", { ...GOOD[0].spec, ...more }), {});
  if (!parsed.ok) throw new Error(parsed.problems.map(describeProblem).join("\n"));
  return parsed.value.spec;
};
const client = (name: string, rate: number) => ({ ...GOOD[0].spec.workload.synthetic.clients[0], name, rate });
const workload = (rates: number[], pattern: object[] = []) => ({
  workload: { synthetic: { clients: rates.map((rate, i) => client(`c${i}`, rate)), pattern } },
});
const limits = {
  ...DEFAULT_LIMITS,
  maxHorizonSeconds: 86_400,
  maxRatePerSecond: 100,
  maxRequests: 50_000,
  maxReplicas: 8,
};
const problems = (more: object) => limitProblems(specOf(more), limits).map(describeProblem);

describe("limits", () => {
  it.each<[string, object]>([
    ["a spec within them", workload([1])],
    ["a horizon at the bound", { ...workload([0.1]), run: { horizon: "24h" } }],
    ["a rate at the bound", { ...workload([60, 40]), run: { horizon: "1m" } }],
    ["the request count at the bound", { ...workload([50]), run: { horizon: "1000s" } }],
    [
      "the horizon and requests of a Shadow, which has none",
      { ...workload([100]), mode: "Shadow", run: { horizon: "366d" } },
    ],
    [
      "a trace, whose requests are counted as they are read",
      { workload: { trace: { format: "azure-2023", path: "a", rateScale: 10_000 } } },
    ],
  ])("take %s", (_name, more) => expect(problems(more)).toEqual([]));

  it.each<[string, object, string]>([
    [
      "a horizon of a million years",
      { run: { horizon: "365250000d" } },
      "spec.run.horizon: 365250000d is longer than 1d; set at most 1d, or raise --max-horizon",
    ],
    [
      "a horizon that no clock holds",
      { run: { horizon: "9999999999999999999999999999999d" } },
      "spec.run.horizon: 9999999999999999999999999999999d is longer than 1d; set at most 1d, or raise --max-horizon",
    ],
    [
      "a horizon a little too long",
      { ...workload([0.1]), run: { horizon: "24h1s" } },
      "spec.run.horizon: 24h1s is longer than 1d; set at most 1d, or raise --max-horizon",
    ],
    [
      "clients that are too many together",
      { ...workload([60, 41]), run: { horizon: "1m" } },
      "spec.workload.synthetic: the rate rises to 101 requests per second, more than 100; lower the clients' rates or the pattern's factors, or raise --max-rate",
    ],
    [
      "a spike that is too high",
      { ...workload([1], [{ shape: "spike", at: "1m", duration: "1s", factor: 500 }]), run: { horizon: "1m" } },
      "spec.workload.synthetic: the rate rises to 500 requests per second, more than 100; lower the clients' rates or the pattern's factors, or raise --max-rate",
    ],
    [
      "too many requests in all",
      { ...workload([50]), run: { horizon: "1001s" } },
      "spec.run.horizon: 50050 requests are to be expected in 1001s, more than 50000; shorten it, lower the rates, or raise --max-requests",
    ],
    [
      "too many replicas",
      { overrides: { replicas: 9 } },
      "spec.overrides.replicas: 9 replicas are more than 8; set at most 8",
    ],
  ])("refuse %s", (_name, more, says) => expect(problems(more)).toEqual([says]));

  it("by default bound a horizon to 31 days and a rate to 10 000 per second", () => {
    expect(limitProblems(specOf({ ...workload([1]), run: { horizon: "31d" } }), DEFAULT_LIMITS)).toEqual([]);
    expect(limitProblems(specOf({ ...workload([1]), run: { horizon: "32d" } }), DEFAULT_LIMITS)[0]?.reason).toBe(
      "HorizonTooLong",
    );
    expect(limitProblems(specOf(workload([10_001])), DEFAULT_LIMITS)[0]?.reason).toBe("RateTooHigh");
  });
});
