import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type CapacityInput, kvCapacity, modelLenProblem } from "../../src/engine/kv-capacity.ts";
import { parameterCount } from "../../src/engine/model-memory.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import type { Hardware } from "../../src/model/hardware.ts";
import { shapeOf } from "../latency/fixtures.ts";

const gpu = (name: string): Hardware => {
  const found = findGpu(name);
  if (!found.found) throw new Error(found.message);
  return found.hardware;
};
const input = (model: string, hardware: Hardware, tp: number, more: Partial<CapacityInput> = {}): CapacityInput => ({
  mode: "vllm",
  shape: shapeOf(model),
  hardware,
  parallelism: { tp, pp: 1, dp: 1, expertParallel: false },
  gpuMemoryUtilization: 0.9,
  blockSize: 16,
  ...more,
});
const blocksOf = (said: CapacityInput): number => {
  const result = kvCapacity(said);
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result.value.blocks;
};

describe("parameters", () => {
  it.each([
    ["meta-llama/Llama-3.1-8B-Instruct", 8.03],
    ["meta-llama/Llama-3.1-405B", 405.85],
    ["deepseek-ai/DeepSeek-V3", 671.03],
    ["deepseek-ai/DeepSeek-V2-Lite", 15.71],
    ["Qwen/Qwen3-235B-A22B", 235.1],
    ["openai/gpt-oss-120b", 116.8],
    ["meta-llama/Llama-4-Scout-17B-16E-Instruct", 107.77],
    ["meta-llama/Llama-4-Maverick-17B-128E-Instruct", 400.71],
    ["moonshotai/Kimi-K2-Instruct", 1026.4],
    ["mistralai/Mistral-Nemo-Instruct-2407", 12.25],
  ])("%s has %d billion", (model, billions) => {
    expect(Math.abs(parameterCount(shapeOf(model)) / 1e9 / billions - 1)).toBeLessThan(0.001);
  });
});

interface Vector {
  readonly model: string;
  readonly gpu: string;
  readonly gpuMemoryGiB: number;
  readonly tp: number;
  readonly util: number;
  readonly blocksAsBlisPrints: number;
  readonly weightBytes: number;
  readonly perBlockBytes: number;
}

describe("KV blocks as the reference simulator counts them", () => {
  const nominal = (memoryGiB: number): Hardware => ({ ...gpu("H100"), memoryGiB });
  it.each([
    { model: "meta-llama/Llama-3.1-8B-Instruct", gib: 80, tp: 1, blocks: 26312 },
    { model: "meta-llama/Llama-3.1-8B-Instruct", gib: 40, tp: 1, blocks: 7880 },
    { model: "meta-llama/Llama-3.1-8B-Instruct", gib: 48, tp: 1, blocks: 11567 },
    { model: "meta-llama/Llama-3.1-8B-Instruct", gib: 80, tp: 4, blocks: 543011 },
    { model: "Qwen/Qwen3-14B", gib: 80, tp: 2, blocks: 89941 },
    { model: "mistralai/Mixtral-8x7B-v0.1", gib: 80, tp: 2, blocks: 48956 },
    { model: "meta-llama/Llama-3.1-70B-Instruct", gib: 141, tp: 2, blocks: 47383 },
    { model: "Qwen/Qwen3-30B-A3B", gib: 80, tp: 1, blocks: 5276 },
    { model: "deepseek-ai/DeepSeek-V2-Lite", gib: 80, tp: 1, blocks: 74312 },
    { model: "zai-org/GLM-5.2-FP8", gib: 141, tp: 8, blocks: 228382 },
  ])("$model on $tp GPUs of $gib GiB: $blocks", ({ model, gib, tp, blocks }) => {
    expect(blocksOf(input(model, nominal(gib), tp, { mode: "blis" }))).toBe(blocks);
  });

  const file = new URL("../../../shared/design/engine-vectors.json", import.meta.url);
  describe.skipIf(!existsSync(file))("against ../shared/design/engine-vectors.json", () => {
    const vectors: Vector[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).kvCapacity : [];
    it("has the vectors", () => expect(vectors).toHaveLength(15));
    it.each(vectors)("$model on $gpu, tp $tp", (vector) => {
      const { model, gpuMemoryGiB, tp, util, blocksAsBlisPrints, weightBytes, perBlockBytes } = vector;
      const said = input(model, nominal(gpuMemoryGiB), tp, { mode: "blis", gpuMemoryUtilization: util });
      const result = kvCapacity(said);
      expect(result.ok && result.value).toEqual({
        blocks: blocksAsBlisPrints,
        weightBytes,
        bytesPerBlock: perBlockBytes,
      });
    });
  });
});

describe("KV blocks as vLLM has them", () => {
  // Counts recorded from real servers on H100 at a utilisation of 0.9 (design notes 3.1).
  it.each([
    { model: "meta-llama/Llama-2-7b-hf", tp: 1, recorded: 7463 },
    { model: "Qwen/Qwen2.5-7B-Instruct", tp: 1, recorded: 65352 },
    { model: "mistralai/Mistral-Nemo-Instruct-2407", tp: 1, recorded: 19251 },
    { model: "mistralai/Mistral-Nemo-Instruct-2407", tp: 2, recorded: 48009 },
    { model: "01-ai/Yi-34B", tp: 2, recorded: 20793 },
    { model: "meta-llama/Llama-3.1-70B-Instruct", tp: 4, recorded: 30425 },
  ])("$model on $tp H100 is within 3 % of $recorded", ({ model, tp, recorded }) => {
    expect(Math.abs(blocksOf(input(model, gpu("H100"), tp)) / recorded - 1)).toBeLessThan(0.03);
  });

  it("more memory, by label, flag or element size, holds more blocks", () => {
    const base = input("meta-llama/Llama-3.1-8B-Instruct", gpu("H100"), 1);
    const blocks = blocksOf(base);
    expect(blocksOf({ ...base, visibleMiB: 90_000 })).toBeGreaterThan(blocks);
    expect(blocksOf({ ...base, gpuMemoryUtilization: 0.95 })).toBeGreaterThan(blocks);
    expect(blocksOf({ ...base, overheadGiB: 3 })).toBeLessThan(blocks);
    expect(blocksOf({ ...base, kvElementBytes: 1 })).toBeGreaterThanOrEqual(2 * blocks);
  });

  it("gpt-oss quantises its experts only; few KV heads are replicated", () => {
    expect(blocksOf(input("openai/gpt-oss-120b", gpu("H100"), 1))).toBeGreaterThan(0);
    const [four, eight] = [4, 8].map((tp) => kvCapacity(input("Qwen/Qwen3-30B-A3B", gpu("H100"), tp)));
    expect(four?.ok && eight?.ok && four.value.bytesPerBlock === eight.value.bytesPerBlock).toBe(true);
  });

  it("says what a model that doesn't fit needs, and the smallest split that does", () => {
    const result = kvCapacity(input("meta-llama/Llama-3.1-70B-Instruct", gpu("H100"), 1));
    expect(result.ok ? [] : result.problems).toMatchObject([
      {
        severity: "error",
        reason: "ModelDoesNotFit",
        message: expect.stringMatching(/133\.1 GiB per GPU on 1 x H100-SXM.*71\.7 GiB are there/),
        fix: expect.stringContaining("--tensor-parallel-size to at least 2"),
      },
    ]);
  });

  it.each([
    { tp: 3, message: /3 GPUs can't share 32 attention heads/ },
    { tp: 64, message: /64 GPUs can't share/ },
  ])("refuses to split 32 heads over $tp GPUs", ({ tp, message }) => {
    const result = kvCapacity(input("meta-llama/Llama-3.1-8B-Instruct", gpu("H100"), tp));
    expect(result.ok ? [] : result.problems).toMatchObject([
      { reason: "TensorParallelSize", message: expect.stringMatching(message) },
    ]);
  });

  it("refuses a context beyond the cache and names the largest that fits", () => {
    const l4 = input("meta-llama/Llama-3.1-8B-Instruct", gpu("L4"), 1, { maxModelLen: 131072 });
    const result = kvCapacity(l4);
    const [problem] = result.ok ? [] : result.problems;
    expect(problem).toMatchObject({
      reason: "ContextTooLong",
      fix: expect.stringMatching(/--max-model-len to at most \d+/),
    });
    const most = Number(/at most (\d+)/.exec(problem?.fix ?? "")?.[1]);
    expect(kvCapacity({ ...l4, maxModelLen: most }).ok).toBe(true);
    expect(kvCapacity({ ...l4, maxModelLen: most + 1 }).ok).toBe(false);
  });

  it("needs one block more than the context, the null block", () => {
    expect(modelLenProblem(11, 16, 160)).toBeUndefined();
    expect(modelLenProblem(10, 16, 160)?.message).toContain("holds 144 tokens");
  });

  it("warns of what it counts only roughly", () => {
    const result = kvCapacity(input("google/gemma-2-9b-it", gpu("H100"), 1));
    expect(result.ok && result.warnings.map((warning) => warning.reason)).toEqual(["SlidingWindow", "AssumedUntied"]);
  });
});
