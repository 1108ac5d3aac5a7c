import { describe, expect, it } from "vitest";
import { asyncRefusal, type DefaultsInput, defaultMaxModelLen, engineDefaults } from "../../src/engine/defaults.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import type { Hardware } from "../../src/model/hardware.ts";
import { shapeOf } from "../latency/fixtures.ts";

const gpu = (name: string): Hardware => {
  const found = findGpu(name);
  if (!found.found) throw new Error(found.message);
  return found.hardware;
};
const defaultsOf = (name: string, said: Partial<DefaultsInput> = {}) =>
  engineDefaults({ mode: "vllm", version: "v0.22.0", hardware: gpu(name), maxModelLen: 8192, ...said });

describe("vLLM's defaults", () => {
  it.each([
    { name: "H100", version: "v0.22.0", seqs: 1024, tokens: 8192, why: /70 GiB or more/ },
    { name: "L40S", version: "v0.22.0", seqs: 256, tokens: 2048, why: /less than 70 GiB/ },
    { name: "A100-80", version: "v0.22.0", seqs: 256, tokens: 2048, why: /A100, which it excludes by name/ },
    { name: "B200", version: "v0.27.0", seqs: 1024, tokens: 8192, why: /70 GiB or more/ },
    { name: "B200", version: "v0.28.0", seqs: 1024, tokens: 16384, why: /160 GiB or more/ },
    { name: "MI300X", version: "latest", seqs: 1024, tokens: 16384, why: /version unknown, newest assumed/ },
  ])("$name with $version: $seqs requests, $tokens tokens", ({ name, version, seqs, tokens, why }) => {
    const { maxNumSeqs, maxNumBatchedTokens } = defaultsOf(name, { version });
    expect([maxNumSeqs.value, maxNumBatchedTokens.value]).toEqual([seqs, tokens]);
    expect(maxNumBatchedTokens.from).toMatchObject({ kind: "default", why: expect.stringMatching(why) });
  });

  it.each([
    {
      name: "tokens never exceed requests x context",
      said: { maxNumSeqs: 4, maxModelLen: 1000 },
      seqs: 1024,
      tokens: 4000,
    },
    { name: "requests never exceed the token budget", said: { maxNumBatchedTokens: 512 }, seqs: 512, tokens: 8192 },
  ])("$name", ({ said, seqs, tokens }) => {
    const { maxNumSeqs, maxNumBatchedTokens } = defaultsOf("H100", said);
    expect([maxNumSeqs.value, maxNumBatchedTokens.value]).toEqual([seqs, tokens]);
  });

  it.each([
    { version: "v0.19.1", utilisation: 0.9, async: true },
    { version: "0.20.0", utilisation: 0.92, async: true },
    { version: "v0.13.0", utilisation: 0.9, async: false },
    { version: undefined, utilisation: 0.92, async: true },
    { version: "1.0.0", utilisation: 0.92, async: true },
  ])("$version takes $utilisation of memory; asynchronous scheduling $async", ({ version, utilisation, async }) => {
    const { gpuMemoryUtilization, asyncScheduling } = defaultsOf("H100", { version });
    expect([gpuMemoryUtilization.value, asyncScheduling.value]).toEqual([utilisation, async]);
  });

  it.each([
    { name: "nothing", engine: {}, async: true },
    { name: "EAGLE", engine: { speculation: "eagle3" }, async: true },
    { name: "a prediction layer", engine: { speculation: "deepseek_mtp" }, async: true },
    { name: "n-grams on the GPU", engine: { speculation: "ngram_gpu" }, async: true },
    { name: "n-grams", engine: { speculation: "ngram" }, async: false, refused: "ngram speculation" },
    { name: "a draft model, which may be asked for", engine: { speculation: "draft_model" }, async: false },
    { name: "pooling, which may be asked for", engine: { pooling: true }, async: false },
    { name: "Ray", engine: { executor: "ray" }, async: false, refused: "the ray executor" },
    { name: "pipeline stages", engine: { pipelineStages: 2 }, async: true },
  ])("asynchronous scheduling with $name: $async", ({ engine, async, refused }) => {
    expect(defaultsOf("H100", { engine }).asyncScheduling.value).toBe(async);
    expect(asyncRefusal(engine, "v0.22.0")).toBe(refused);
  });

  it("several prompts at once bring a threshold", () => {
    expect(defaultsOf("H100", { maxNumPartialPrefills: 2 }).longPrefillTokenThreshold.value).toBe(327);
    expect(defaultsOf("H100", { maxNumPartialPrefills: 1 }).longPrefillTokenThreshold.value).toBe(0);
  });

  it("the performance mode doubles what nobody set", () => {
    const { maxNumSeqs, maxNumBatchedTokens } = defaultsOf("L40S", { performanceMode: "throughput" });
    expect([maxNumSeqs.value, maxNumBatchedTokens.value]).toEqual([512, 4096]);
    expect(maxNumSeqs.from).toMatchObject({ why: expect.stringContaining("doubled by --performance-mode throughput") });
  });

  it("BLIS has one set for all", () => {
    const { maxNumSeqs, maxNumBatchedTokens, gpuMemoryUtilization, asyncScheduling } = defaultsOf("H100", {
      mode: "blis",
    });
    expect([maxNumSeqs.value, maxNumBatchedTokens.value, gpuMemoryUtilization.value]).toEqual([256, 2048, 0.9]);
    expect(asyncScheduling).toEqual({ value: false, from: { kind: "default", why: "BLIS default" } });
  });
});

describe("default context", () => {
  it.each([
    ["meta-llama/Llama-3.1-70B-Instruct", 131072],
    ["deepseek-ai/DeepSeek-V3", 163840],
    ["openai/gpt-oss-20b", 131072],
    ["Qwen/Qwen3-14B", 40960],
  ])("%s: %d", (model, tokens) => {
    expect(defaultMaxModelLen(shapeOf(model)).value).toBe(tokens);
  });

  it("linear scaling multiplies", () => {
    const shape = { ...shapeOf("Qwen/Qwen3-14B"), ropeScaling: { type: "linear", factor: 2 } };
    expect(defaultMaxModelLen(shape)).toMatchObject({
      value: 81920,
      from: { how: expect.stringContaining("40960 x 2") },
    });
  });
});
