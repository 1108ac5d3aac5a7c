import { expect, it } from "vitest";
import { bandFamilies, withBands } from "../../src/report/bands.ts";
import type { Kpis } from "../../src/report/report.ts";
import { flatKpis } from "../../src/report/spread.ts";

const summary = (mean: number) => ({ count: 1, mean, p50: mean, p90: mean, p95: mean, p99: mean, max: mean });
const kpis: Kpis = {
  requests: { arrived: 10, completed: 10, rejected: 0, overloaded: 0, timedOut: 0, aborted: 0, inFlightAtEnd: 0 },
  ttftSeconds: summary(0.1),
  itlSeconds: summary(0.01),
  tpotSeconds: summary(0.01),
  e2eSeconds: summary(2),
  queueSeconds: summary(0),
  requestsPerSecond: 1,
  promptTokensPerSecond: 100,
  outputTokensPerSecond: 50,
  prefixCacheHitRatio: 0,
  preemptions: 0,
  replicas: { min: 1, mean: 1, max: 1, atEnd: 1 },
  scaleUps: 0,
  scaleDowns: 0,
  replicaHours: 1,
  gpuHours: 1,
};

it("joins the spread of replications and the model's uncertainty like independent errors", () => {
  const spreads = { e2eMeanSeconds: { mean: 2, p10: 2 * Math.exp(-0.03), p90: 2 * Math.exp(0.03) } };
  const bands = { e2eMeanSeconds: { p10: 2 * Math.exp(-0.04), p90: 2 * Math.exp(0.04) } };
  const { e2eMeanSeconds } = withBands(spreads, bands, kpis);
  expect(e2eMeanSeconds?.mean).toBe(2);
  expect(e2eMeanSeconds?.p10).toBeCloseTo(2 * Math.exp(-0.05), 4);
  expect(e2eMeanSeconds?.p90).toBeCloseTo(2 * Math.exp(0.05), 4);
});

it("leaves what has no band, and what is zero, as it is", () => {
  const spreads = { preemptions: { mean: 0, p10: 0, p90: 0 }, gpuHours: { mean: 1, p10: 0.9, p90: 1.1 } };
  expect(withBands(spreads, { preemptions: { p10: 0, p90: 0 } }, kpis)).toEqual(spreads);
  expect(withBands(spreads, undefined, undefined)).toEqual(spreads);
});

it("knows every KPI by its flat name, so that none goes without its band by a slip", () => {
  expect(Object.keys(flatKpis(kpis))).toContain("e2eMeanSeconds");
});

it("shows bands as series with both ends", () => {
  const [family] = bandFamilies({ ttftP99Seconds: { p10: 0.1, p90: 0.3 } });
  expect(family?.samples).toEqual([
    { labels: { kpi: "ttftP99Seconds", quantile: "0.1" }, value: 0.1 },
    { labels: { kpi: "ttftP99Seconds", quantile: "0.9" }, value: 0.3 },
  ]);
});
