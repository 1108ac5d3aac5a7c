import { expect, it } from "vitest";
import { latencyModels } from "../../src/latency/models/index.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import { bandScenarios, kpiBandRule } from "../../src/twin/bands.ts";
import { scenario, workload } from "./scenario-fixture.ts";

const physical = latencyModels.schema.parse({ name: "physical" });
const paceOf = (said: ReturnType<typeof scenario>): number => {
  const latency = said.workloads[0]?.latency;
  return latency?.name === "physical" ? latency.pace : Number.NaN;
};

it("changes the pace of steps and nothing else", () => {
  const said = scenario({ workloads: [workload({ latency: physical })] });
  const ends = bandScenarios(said);
  if (ends === undefined) throw new Error("no bands");
  expect(paceOf(ends.fast)).toBeLessThan(1);
  expect(paceOf(ends.slow)).toBeCloseTo(1 / paceOf(ends.fast), 9);
  expect(ends.novelties).toEqual([]);
  const back = { ...ends.fast, workloads: ends.fast.workloads.map((one) => ({ ...one, latency: physical })) };
  expect(back).toEqual(said);
});

it("is wider on a GPU that was never measured, and says so", () => {
  const [known, unknown] = ["H100", "L40S"].map((name) => {
    const gpu = findGpu(name);
    if (!gpu.found) throw new Error(gpu.message);
    return bandScenarios(scenario({ workloads: [workload({ latency: physical, hardware: gpu.hardware })] }));
  });
  expect(paceOf(unknown?.slow as never)).toBeGreaterThan(paceOf(known?.slow as never));
  expect(unknown?.novelties.join()).toMatch(/L40S/);
});

it("has none where the latency model doesn't know how uncertain it is", () => {
  expect(bandScenarios(scenario({}))).toBeUndefined();
});

it("has none where nobody wants any", () => {
  expect(bandScenarios(scenario({ workloads: [workload({ latency: physical })], bands: false }))).toBeUndefined();
});

it("gives latencies their own scatter, and other figures that of the steps alone", () => {
  const values = { middle: 2, fast: 1.9, slow: 2.2 };
  expect(kpiBandRule(0.9)("gpuHours", values)).toEqual({ p10: 1.9, p90: 2.2 });
  const [warm, cold] = [0.9, 0.1].map((hits) => kpiBandRule(hits)("ttftMeanSeconds", values).p90);
  expect(warm).toBeGreaterThan(2.2);
  expect(cold).toBeGreaterThan(warm as number);
});

it("is as wide as the deployment's own measurements leave it, on whatever GPU", () => {
  const gpu = findGpu("L40S");
  if (!gpu.found) throw new Error(gpu.message);
  const own = latencyModels.schema.parse({ name: "physical", pace: 1.2, deviation: 0.02 });
  const ends = bandScenarios(scenario({ workloads: [workload({ latency: own, hardware: gpu.hardware })] }));
  expect(ends?.novelties).toEqual([]);
  expect(paceOf(ends?.slow as never)).toBeCloseTo(1.2 * Math.exp(1.2816 * 0.02), 9);
  expect(paceOf(ends?.fast as never)).toBeCloseTo(1.2 * Math.exp(-1.2816 * 0.02), 9);
});
