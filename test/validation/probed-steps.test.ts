import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { findModel } from "../../src/model/catalogue/model-lookup.ts";
import { type ProbedRow, probedSteps } from "../../src/validation/probed-steps.ts";

const row = {
  model: "Qwen/Qwen3-14B",
  tp: 1,
  precision: "bf16",
  step: "decode",
  requests: 32,
  contextTokens: 1024,
  attention: "torch-sdpa",
  layers: 2,
  microsPerLayer: { p10: 400, p50: 410, p90: 430 },
};
const file = (rows: readonly unknown[], machine: object = { device: "cuda", gpu: "NVIDIA H100 80GB HBM3" }) => ({
  format: "servetwin-gpu-probe/1",
  machine,
  rows,
});
const predicted = (changes: Partial<ProbedRow> | object) => {
  const probed = probedSteps(file([{ ...row, ...changes }]), "h100.json");
  if (!probed.ok) throw new Error(JSON.stringify(probed.problems));
  const [step] = probed.value.steps;
  if (step === undefined) throw new Error("no step");
  return step;
};

describe("steps of the GPU probe", () => {
  it("has the data sheet's floor by hand, and the twin above it", () => {
    const { leastMicrosPerLayer, predictedMicrosPerLayer } = predicted({});
    const weights = 5120 * 128 * (2 * 40 + 2 * 8) + 3 * 5120 * 17408;
    const kv = 32 * 1024 * 2 * 8 * 128;
    expect(leastMicrosPerLayer).toBeCloseTo((2 * (weights + kv)) / 3.35e6, 0);
    expect(predictedMicrosPerLayer).toBeGreaterThan(leastMicrosPerLayer);
  });

  it("leaves attention out where the probe did, halves 8-bit weights and splits layers over GPUs", () => {
    const whole = predicted({}).leastMicrosPerLayer;
    const without = predicted({ attention: "none" }).leastMicrosPerLayer;
    expect(without).toBeLessThan(whole);
    expect(predicted({ attention: "none", precision: "fp8" }).leastMicrosPerLayer).toBeCloseTo(without / 2, 3);
    expect(predicted({ tp: 2 }).leastMicrosPerLayer).toBeCloseTo(whole / 2, 3);
    const prefill = { step: "prefill", requests: 1, promptTokens: 8192 };
    expect(predicted(prefill).leastMicrosPerLayer).toBeGreaterThan(
      predicted({ ...prefill, attention: "none" }).leastMicrosPerLayer,
    );
  });

  it.each([
    ["a trial without a GPU", file([row], { device: "cpu" }), "machine.gpu"],
    ["an unknown GPU", file([row], { device: "cuda", gpu: "Voodoo 2" }), "machine.gpu"],
    ["a row without times", file([{ ...row, microsPerLayer: undefined }]), "rows.0.microsPerLayer"],
  ])("refuses %s", (_, json, field) => {
    const probed = probedSteps(json, "h100.json");
    expect(probed.ok ? [] : probed.problems.map((problem) => problem.field)).toEqual([field]);
  });

  it("names models that it doesn't know, and keeps the rest", () => {
    const probed = probedSteps(file([row, { ...row, model: "nobody/nothing" }]), "h100.json");
    expect(probed.ok && [probed.value.steps.length, probed.warnings.map(({ field }) => field)]).toEqual([
      1,
      ["rows.1.model"],
    ]);
  });
});

describe("the probe itself", () => {
  it("times the catalogue's shapes", () => {
    const shapes: { id: string }[] = JSON.parse(readFileSync("probe/shapes.json", "utf8"));
    expect(shapes.length).toBeGreaterThan(3);
    for (const { id, ...figures } of shapes) expect(findModel(id)?.shape).toMatchObject(figures);
  });

  const python = spawnSync("python3", ["--version"]).status === 0;
  it.skipIf(!python)("is Python that compiles (skipped without python3)", () => {
    const compile = "import sys; compile(open(sys.argv[1]).read(), sys.argv[1], 'exec')";
    execFileSync("python3", ["-c", compile, "probe/gpu_probe.py"]);
  });
});
