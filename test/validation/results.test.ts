import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { measurementsIn } from "../../src/cli/measurements.ts";
import type { MeasuredRun } from "../../src/validation/measured-run.ts";
import type { ResultRun } from "../../src/validation/result-format.ts";
import { resultFormats } from "../../src/validation/results/index.ts";
import { usersRuns } from "../../src/validation/users-runs.ts";
import { llama8b } from "./twin-bench.ts";

const at = (name: string): string => fileURLToPath(new URL(`./result-files/${name}`, import.meta.url));
const read = (...names: string[]) => {
  const { results, problems } = measurementsIn(names.map(at));
  return { results, problems: problems.map(({ reason }) => reason), messages: problems.map(({ message }) => message) };
};
const only = ({ results }: { readonly results: readonly ResultRun[] }): ResultRun => {
  expect(results).toHaveLength(1);
  return results[0] as ResultRun;
};

describe("vllm bench serve", () => {
  it("without a rate is a closed loop, in milliseconds as they are", () => {
    const one = only(read("vllm-bench-closed.json"));
    expect(one).toMatchObject({ model: "meta-llama/Llama-3.1-8B-Instruct", completed: 64, failed: 0 });
    expect(one.load).toMatchObject({
      kind: "closed",
      concurrency: 8,
      requests: 64,
      promptTokens: 512,
      outputTokens: 128,
    });
    expect(one.measured).toEqual({
      ttft_mean: 62.5,
      ttft_p99: 88.4,
      tpot_mean: 8.75,
      itl_median: 8.4,
      output_tokens_per_s: 862.3,
    });
  });

  it("with details is replayed as it was sent, without what failed; NaN is nothing; what is missing is made of the arrays", () => {
    const { load, measured, completed, failed } = only(read("vllm-bench-detailed.jsonl"));
    expect({ completed, failed }).toEqual({ completed: 3, failed: 1 });
    expect(load).toEqual({
      kind: "trace",
      rows: [
        [0, 100, 4, 0],
        [0.5, 300, 3, 0],
        [1.5, 200, 2, 0],
      ],
    });
    expect(measured.tpot_mean).toBeUndefined();
    expect(measured.ttft_mean).toBe(30);
    expect(measured.e2e_mean).toBeCloseTo((50 + 70 + 40) / 3, 9);
    expect(measured.ttft_p90).toBeCloseTo(38, 9);
  });

  const base = { completed: 100, total_input_tokens: 51_200, total_output_tokens: 12_800, request_throughput: 4 };
  const loads: readonly [string, object, Partial<MeasuredRun["load"]> | string][] = [
    ["a rate", { request_rate: 4 }, { kind: "pool", promptTokens: 512 }],
    ["all at once", { request_rate: "inf" }, { kind: "closed", concurrency: 100 }],
    ["a rate under a limit that holds it", { request_rate: 9, max_concurrency: 8 }, { kind: "closed", concurrency: 8 }],
    ["a rate under a limit that hardly does", { request_rate: 4, max_concurrency: 50 }, { kind: "pool" }],
    ["a ramp", { request_rate: "inf", ramp_up_strategy: "linear" }, "a ramp of rates"],
    ["nothing generated", { total_output_tokens: 0 }, "no tokens"],
    ["nothing completed", { completed: 0 }, "no request was completed"],
    ["a broken field", { completed: "many" }, "left out"],
  ];
  it.each(loads)("%s", (_, change, expected) => {
    const [format] = resultFormats;
    const { runs, problems } = format?.read({ ...base, ...change }, "f", { configs: [] }) ?? { runs: [], problems: [] };
    if (typeof expected !== "string") return expect(runs[0]?.load).toMatchObject(expected);
    expect(runs).toEqual([]);
    expect(problems.map(({ message }) => message).join()).toContain(expected);
  });
});

describe("GuideLLM", () => {
  it("has a run per benchmark, seconds made milliseconds; an overrun one is left out", () => {
    const { results, problems, messages } = read("guidellm-benchmarks.json");
    expect(results.map(({ load }) => load)).toMatchObject([
      { kind: "closed", concurrency: 1, requests: 30, promptTokens: 512, outputTokens: 128 },
      { kind: "closed", concurrency: 2, lengths: [[600, 100], [200, 100]] }, // biome-ignore format: a table
      { kind: "pool", stages: [{ ratePerSecond: 2.5, requests: 75, durationSeconds: 30, evenly: true }] },
    ]);
    expect(results[0]?.measured).toMatchObject({ ttft_mean: 26, tpot_mean: 6.6, e2e_mean: 870, e2e_p99: 900 });
    expect(results[2]?.id).toContain("#2 constant@2.50");
    expect(problems).toEqual(["RunLeftOut"]);
    expect(messages[0]).toContain("overran");
  });
});

describe("inference-perf", () => {
  it("is in seconds, and its configuration says which prompts begin alike", () => {
    const one = only(read("stage_0_lifecycle_metrics.json", "inference-perf-config.yaml"));
    expect(one.measured).toMatchObject({ ttft_mean: 36, tpot_mean: 3.6, e2e_mean: 950, ttft_p99: 60 });
    expect(one.model).toBe("meta-llama/Llama-3.1-8B-Instruct");
    expect(one.load).toMatchObject({
      kind: "pool",
      systemPrompts: 7,
      promptsPerSystemPrompt: 18,
      systemTokens: 64,
      promptTokens: 135,
      outputTokens: 128,
      stages: [{ requests: 120 }],
    });
  });

  it("says what it takes where the configuration is missing", () =>
    expect(read("stage_0_lifecycle_metrics.json").problems).toEqual(["Assumed"]));

  const [, , format] = resultFormats;
  const stage = (load_summary: object, successes: object = {}) => ({
    load_summary,
    successes: { count: 10, prompt_tokens: { mean: 50 }, output_tokens: { mean: 20 }, ...successes },
  });
  it.each([
    ["a summary of stages", stage({ count: 10 }), "summary of several stages"],
    ["no lengths", stage({ count: 10, requested_rate: 1 }, { prompt_tokens: null }), "how long requests were"],
    ["nothing served", stage({ count: 10, requested_rate: 1 }, { count: 0 }), "no request was completed"],
  ])("leaves out %s", (_, json, message) => {
    expect(format?.read(json, "f", { configs: [] })).toMatchObject({
      runs: [],
      problems: [{ reason: "RunLeftOut", message: expect.stringContaining(message) as string }],
    });
  });

  it("knows a stage of fixed concurrency", () => {
    const read_ = format?.read(stage({ count: 10, requested_rate: 1, concurrency: 4 }), "f", { configs: [] });
    expect(read_?.runs[0]?.load).toMatchObject({ kind: "closed", concurrency: 4, requests: 10 });
  });
});

describe("runs of a user's own", () => {
  const server = llama8b();
  const result: ResultRun = {
    id: "r",
    model: "meta-llama/Llama-3.1-8B-Instruct",
    load: { kind: "closed", concurrency: 1, requests: 9, shortest: 1, promptTokens: 100, outputTokens: 101 },
    measured: { ttft_mean: 20, tpot_mean: 7, ttft_p99: 25, e2e_mean: 720 },
    completed: 9,
    failed: 0,
  };
  const reasons = (change: Partial<ResultRun>) =>
    usersRuns([{ ...result, ...change }], server).problems.map(({ reason }) => reason);

  it("are taken as they are where nothing is wrong", () => {
    const { runs, problems } = usersRuns([result], server);
    expect(problems).toEqual([]);
    expect(runs[0]?.run.measured).toEqual(result.measured);
  });

  it.each<[string, Partial<ResultRun>, string]>([
    ["many failures", { failed: 1 }, "RunLeftOut"],
    ["requests that don't fit", { load: { ...result.load, promptTokens: 20_000 } as ResultRun["load"] }, "RunLeftOut"],
    ["missing figures", { measured: { e2e_mean: 720 } }, "MissingMetric"],
    ["another model", { model: "acme/other" }, "OtherModel"],
  ])("%s are told", (_, change, reason) => expect(reasons(change)).toEqual([reason]));

  it("whose time per token doesn't add up have it made of the whole", () => {
    const { runs, problems } = usersRuns([{ ...result, measured: { ...result.measured, tpot_mean: 3.5 } }], server);
    expect(problems).toMatchObject([{ reason: "InconsistentFigures", field: "tpot_mean" }]);
    expect(runs[0]?.run.measured.tpot_mean).toBeCloseTo(7, 9);
  });
});
