import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Accuracy, accuracyOf } from "../../src/validation/accuracy.ts";
import { readMeasuredRuns } from "../../src/validation/measured-run.ts";
import { measuredData } from "../bench/measured-data.ts";
import { closedCase, experiment, file } from "./files.ts";

const runsIn = (json: unknown) => {
  const read = readMeasuredRuns(json, "f.json");
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.value.runs;
};
const scored = (json: unknown, options: { others?: string[]; bands?: boolean } = {}): Accuracy => {
  const accuracy = accuracyOf(runsIn(json), { model: "physical", seed: 1, others: [], ...options });
  if (!accuracy.ok) throw new Error(JSON.stringify(accuracy.problems));
  return accuracy.value;
};

describe("accuracy", () => {
  it("says per run and metric what was measured, simulated and how far apart, in percent", () => {
    const { experiments, summary } = scored(file);
    const [one] = experiments;
    expect(one?.measured.e2e_mean).toBe(300);
    const predicted = one?.predicted.e2e_mean as number;
    expect(one?.signed.e2e_mean).toBeCloseTo(100 * (predicted / 300 - 1), 9);
    expect(one?.errors.e2e_mean).toBeCloseTo(Math.abs(one?.signed.e2e_mean as number), 12);
    expect(summary.median.e2e_mean).toBe(one?.errors.e2e_mean);
    expect(one?.p10.e2e_mean).toBeLessThan(predicted);
    expect(one?.p90.e2e_mean).toBeGreaterThan(predicted);
  });

  it("scores what is there", () => {
    const { ttft_ms: _, ...overall } = experiment.measured.overall;
    const [one] = scored({ ...file, experiments: [{ ...experiment, measured: { overall } }] }).experiments;
    expect(Object.keys(one?.errors ?? {})).toEqual(["e2e_mean", "e2e_p90", "e2e_p99", "itl_mean_published"]);
  });

  it("stands beside other simulators and the twin's other models", () => {
    const { peers, models } = scored(file, { others: ["roofline"] });
    expect(peers).toMatchObject([{ peer: "other", runs: 1, theirs: { e2e_mean: 10, ttft_mean: 50 } }]);
    expect(models).toMatchObject([{ name: "roofline" }]);
    expect(models[0]?.median.e2e_mean).toBeGreaterThan(0);
  });

  it("shows doubtful rows, and doesn't count them", () => {
    const { experiments, summary, coverage } = scored({ cases: [closedCase] });
    expect(experiments).toMatchObject([{ suspect: false }, { suspect: true }]);
    expect(summary.median.tpot_mean).toBe(experiments[0]?.errors.tpot_mean);
    expect([0, 1]).toContain(coverage?.byMetric.tpot_mean);
  });

  it("points out seconds where milliseconds are asked for", () => {
    const overall = { e2e_ms: { mean: 0.3 }, ttft_ms: { mean: 20 } };
    const runs = runsIn({ ...file, experiments: [{ ...experiment, measured: { overall } }] });
    const accuracy = accuracyOf(runs, { model: "physical", seed: 1, others: [], bands: false });
    expect(accuracy.ok && accuracy.warnings).toMatchObject([
      { reason: "ImplausibleUnit", field: "e2e_mean", object: "x1" },
    ]);
  });

  it("refuses a latency model that there isn't, and files of which nothing can be replayed", () => {
    expect(accuracyOf(runsIn(file), { model: "magic", seed: 1 }).ok).toBe(false);
    const unknown = { ...file, experiments: [{ ...experiment, gpu: "TPUv9" }] };
    const accuracy = accuracyOf(runsIn(unknown), { model: "physical", seed: 1 });
    expect(!accuracy.ok && accuracy.problems).toMatchObject([{ severity: "error", reason: "UnknownGpu" }]);
  });
});

const train = measuredData("train.json");

describe.skipIf(train === undefined)(
  "the training runs (skipped where the measured data isn't beside the checkout)",
  () => {
    /** Median absolute error of E2E means, percent, as docs/fidelity.md has it. */
    const REACHED = 2.5;

    it("are met no worse than by a point more than when the fit was committed", () => {
      const { summary } = scored(JSON.parse(readFileSync(train as string, "utf8")), { bands: false });
      expect(summary.median.e2e_mean).toBeLessThan(REACHED + 1);
    });
  },
);
