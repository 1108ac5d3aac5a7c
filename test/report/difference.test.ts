import { expect, it } from "vitest";
import { byScenario } from "../../src/report/by-scenario.ts";
import { differences } from "../../src/report/difference.ts";
import type { Kpis, Report } from "../../src/report/report.ts";

const NONE = { count: 0, mean: 0, p50: 0, p90: 0, p95: 0, p99: 0, max: 0 };
const kpis = (ttft: number, scaleUps = 0): Kpis => ({
  requests: { arrived: 9, completed: 9, rejected: 0, overloaded: 0, timedOut: 0, aborted: 0, inFlightAtEnd: 0 },
  ttftSeconds: { ...NONE, mean: ttft },
  itlSeconds: NONE,
  tpotSeconds: NONE,
  e2eSeconds: NONE,
  queueSeconds: NONE,
  requestsPerSecond: 1,
  promptTokensPerSecond: 1,
  outputTokensPerSecond: 1,
  prefixCacheHitRatio: 0,
  preemptions: 0,
  replicas: { min: 1, mean: 1, max: 1, atEnd: 1 },
  scaleUps,
  scaleDowns: 0,
  replicaHours: 1,
  gpuHours: 1,
});

it("takes replications in pairs, so that only the change tells", () => {
  // Between replications the figures differ tenfold; the change is the same in each.
  const found = differences([kpis(1), kpis(10)], [kpis(1.5), kpis(10.5)]);
  expect(found.ttftMeanSeconds).toEqual({ change: { mean: 0.5, p10: 0.5, p90: 0.5 }, ratio: 0.0909091 });
});

it("has no ratio where there was nothing", () =>
  expect(differences([kpis(1, 0)], [kpis(1, 3)]).scaleUps).toEqual({ change: { mean: 3, p10: 3, p90: 3 } }));

it("leaves out what one of them does not tell", () => {
  const slo = { targeted: 9, attained: 9, attainmentRatio: 1, goodputPerSecond: 1 };
  expect(differences([{ ...kpis(1), slo }], [kpis(1)])).not.toHaveProperty("sloAttainmentRatio");
  expect(differences([{ ...kpis(1), slo }], [{ ...kpis(1), slo }]).sloAttainmentRatio?.ratio).toBe(0);
});

it("puts the reports of a scenario together, in the order given", () => {
  const reports = ["baseline", "baseline", "a", "a"].map((scenario, seed) => ({ scenario, seed }) as Report);
  expect(byScenario(reports).map(({ scenario, reports: all }) => [scenario, all.map(({ seed }) => seed)])).toEqual([
    ["baseline", [0, 1]],
    ["a", [2, 3]],
  ]);
});
