import { describe, expect, it } from "vitest";
import { fineSecondsBounds } from "../../src/model/fine-bounds.ts";
import { Histogram } from "../../src/model/metric-family.ts";
import { histogramCeiling, histogramQuantile } from "../../src/report/histogram-quantile.ts";
import { summaryOfHistogram } from "../../src/report/summary.ts";

const bounds = [1, 2, 4];
// What PromQL's histogram_quantile gives for the same buckets, worked by hand from its definition.
describe("histogramQuantile", () => {
  it.each([
    { name: "runs from 0 in the first bucket", counts: [4, 0, 0, 0], q: 0.5, is: 0.5 },
    { name: "runs straight inside a bucket", counts: [0, 4, 0, 0], q: 0.25, is: 1.25 },
    { name: "takes the bound at a bucket's end", counts: [1, 1, 0, 0], q: 0.5, is: 1 },
    { name: "passes over empty buckets", counts: [2, 0, 2, 0], q: 0.75, is: 3 },
    { name: "is the highest bound beyond it", counts: [1, 0, 0, 9], q: 0.9, is: 4 },
    { name: "is 0 without observations", counts: [0, 0, 0, 0], q: 0.9, is: 0 },
  ])("$name", ({ counts, q, is }) => expect(histogramQuantile(q, { bounds, counts, sum: 0 })).toBe(is));

  it.each([
    { counts: [1, 2, 0, 0], is: 2 },
    { counts: [0, 0, 0, 1], is: 4 },
    { counts: [0, 0, 0, 0], is: 0 },
  ])("ceiling of $counts is $is", ({ counts, is }) => expect(histogramCeiling({ bounds, counts, sum: 0 })).toBe(is));

  it("is within 2 % on fine bounds", () => {
    const histogram = new Histogram(fineSecondsBounds);
    for (let i = 1; i <= 1000; i += 1) histogram.observe(i / 10_000);
    const summary = summaryOfHistogram(histogram);
    expect(summary.count).toBe(1000);
    expect(summary.mean).toBeCloseTo(0.05005, 10);
    for (const [told, truth] of [
      [summary.p50, 0.05],
      [summary.p99, 0.099],
      [summary.max, 0.1],
    ] as const) {
      expect(Math.abs(told / truth - 1)).toBeLessThan(0.02);
    }
  });
});
