import { describe, expect, it } from "vitest";
import { type MeasuredRun, readMeasuredRuns } from "../../src/validation/measured-run.ts";
import { serverOf } from "../../src/validation/server.ts";
import { closedCase, experiment, file } from "./files.ts";

const read = (json: unknown): readonly MeasuredRun[] => {
  const runs = readMeasuredRuns(json, "f.json");
  if (!runs.ok) throw new Error(JSON.stringify(runs.problems));
  return runs.value.runs;
};
const first = (json: unknown): MeasuredRun => read(json)[0] as MeasuredRun;

describe("a file of measured runs", () => {
  it("gives what was measured, and takes the second definition of ITL from E2E and TTFT where it is missing", () => {
    const { measured, peers, load } = first(file);
    expect(measured).toEqual({
      e2e_mean: 300,
      e2e_p90: 330,
      e2e_p99: 400,
      ttft_mean: 20,
      itl_mean: (300 - 20) / 39,
      itl_mean_published: 7.3,
    });
    expect(peers).toEqual({ other: { e2e_mean: 10, ttft_mean: 50 } });
    expect(load).toMatchObject({ kind: "pool", systemPrompts: 10, outputTokens: 40, stages: [{ requests: 120 }, {}] });
  });

  it("leaves out a run that can't be read, and says which and why", () => {
    const broken = { ...experiment, id: "x2", workload: { ...experiment.workload, stages: [] } };
    const both = readMeasuredRuns({ ...file, experiments: [experiment, broken] }, "f.json");
    expect(both.ok && both.value.runs.map(({ id }) => id)).toEqual(["x1"]);
    expect(both.ok && both.warnings).toMatchObject([{ reason: "BadRun", field: "experiments[1].workload.stages" }]);
  });

  it.each([
    { name: "no runs at all", json: { models: {} } },
    { name: "something else", json: [1, 2] },
    { name: "only broken runs", json: { experiments: [{ id: 1 }] } },
  ])("refuses $name", ({ json }) => {
    const runs = readMeasuredRuns(json, "f.json");
    expect(runs.ok).toBe(false);
    expect(!runs.ok && runs.problems.some(({ severity }) => severity === "error")).toBe(true);
  });

  it("has a run per row of a closed loop, doubtful ones marked", () => {
    expect(read({ cases: [closedCase, { id: "r", category: "routing" }] })).toMatchObject([
      { id: "c1/256-32-c4", deployment: "c1", suspect: false, measured: { ttft_mean: 30, tpot_mean: 7 } },
      { id: "c1/256-32-c8", deployment: "c1", suspect: true },
    ]);
  });
});

describe("a server", () => {
  const serverFor = (change: object) => {
    const { server } = first(file);
    const resolved = serverOf({ ...server, ...change }, 500);
    if (!resolved.ok) throw new Error(JSON.stringify(resolved.problems));
    return resolved.value;
  };

  it("of a model that no catalogue has is made of the file's fields, and its cache of its memory", () => {
    const { context, config, engines } = serverFor({});
    expect(context.shape).toMatchObject({ layers: 28, kvHeads: 8, headDim: 128, weightBytes: 2 });
    expect(context.hardware.id).toBe("H200-SXM");
    // 141 GiB at 0.9, less 6.4 GB of weights: over a million tokens of 112 KiB.
    expect(config.numGpuBlocks * 16).toBeGreaterThan(1_000_000);
    expect(config).toMatchObject({ maxNumSeqs: 64, maxNumBatchedTokens: 2048, asyncScheduling: true });
    expect(engines).toBe(1);
  });

  it.each([
    { precision: "FP8", bytes: 1 },
    { precision: "w4a16", bytes: 0.5 },
    { precision: "nvfp4", bytes: 0.5625 },
    { precision: "bf16", bytes: 2 },
  ])("in $precision has weights of $bytes bytes", ({ precision, bytes }) => {
    expect(serverFor({ precision }).context.shape.weightBytes).toBe(bytes);
  });

  it("runs an engine per data-parallel rank of a dense model, and one for a mixture of experts", () => {
    expect(serverFor({ dp: 2, numGpuBlocks: 1000 })).toMatchObject({ engines: 2, config: { numGpuBlocks: 1000 } });
    expect(serverFor({ model: "Qwen/Qwen3-30B-A3B", dp: 2, numGpuBlocks: 1000 })).toMatchObject({
      engines: 1,
      config: { numGpuBlocks: 2000, maxNumSeqs: 128 },
      context: { parallelism: { dp: 2 } },
    });
  });

  it("schedules ahead since vLLM 0.14", () => {
    expect(serverFor({ version: "0.12.0" }).config.asyncScheduling).toBe(false);
  });

  it.each([
    { name: "a GPU that nobody knows", change: { gpu: "TPUv9" }, reason: "UnknownGpu" },
    { name: "a model that neither side knows", change: { architecture: undefined }, reason: "UnknownModel" },
    { name: "more weights than memory", change: { model: "meta-llama/Llama-3.1-405B" }, reason: "ModelDoesNotFit" },
  ])("can't be had of $name", ({ change, reason }) => {
    const { server } = first(file);
    const resolved = serverOf({ ...server, ...change }, 500);
    expect(!resolved.ok && resolved.problems.map((one) => one.reason)).toContain(reason);
  });
});
