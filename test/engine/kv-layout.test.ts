import { describe, expect, it } from "vitest";
import { blocksForLength, type KvLayoutInput, kvLayout } from "../../src/engine/kv-layout.ts";
import { shapeOf } from "../latency/fixtures.ts";

const layoutOf = (model: string, more: Partial<KvLayoutInput> = {}) =>
  kvLayout({ shape: shapeOf(model), parallelism: { tp: 1, pp: 1 }, blockSize: 16, ...more });
const times = <T>(count: number, one: T): T[] => Array<T>(count).fill(one);

describe("KV cache groups, as vLLM's kv_cache_utils.py makes them", () => {
  it.each([
    { model: "meta-llama/Llama-3.1-8B-Instruct", groups: [{ kind: "full" }], layers: 32, page: 65536 },
    {
      model: "openai/gpt-oss-20b",
      groups: [{ kind: "full" }, { kind: "sliding", window: 128 }],
      layers: 12,
      page: 32768,
    },
    {
      model: "google/gemma-3-27b-it",
      groups: [{ kind: "full" }, ...times(6, { kind: "sliding", window: 1024 })],
      layers: 10,
      page: 131072,
    },
    {
      model: "meta-llama/Llama-4-Scout-17B-16E-Instruct",
      groups: [{ kind: "full" }, ...times(3, { kind: "chunked", window: 8192 })],
      layers: 12,
      page: 65536,
    },
    { model: "microsoft/Phi-mini-MoE-instruct", groups: [{ kind: "sliding", window: 2047 }], layers: 32, page: 65536 },
    { model: "deepseek-ai/DeepSeek-V3", groups: [{ kind: "full" }], layers: 61, page: 18432 },
    { model: "deepseek-ai/DeepSeek-V3.2", groups: [{ kind: "full" }], layers: 61, page: 16 * (656 + 132) },
  ])("$model: pages of $page bytes, $layers layers each", ({ model, groups, layers, page }) => {
    expect(layoutOf(model)).toEqual({ groups, blockSize: 16, bytesPerBlock: layers * page, roughly: [] });
  });

  it("without the hybrid manager all layers hold KV as full ones do", () => {
    expect(layoutOf("openai/gpt-oss-20b", { hybrid: false })).toMatchObject({
      groups: [{ kind: "full" }],
      bytesPerBlock: 24 * 32768,
    });
    expect(layoutOf("meta-llama/Llama-4-Scout-17B-16E-Instruct", { hybrid: false })).toMatchObject({
      groups: [{ kind: "full" }],
      bytesPerBlock: 48 * 65536,
    });
  });

  it.each([
    { name: "over tensor ranks", more: { parallelism: { tp: 4, pp: 1 } }, bytes: 32 * 16384 },
    { name: "few heads are replicated", more: { parallelism: { tp: 16, pp: 1 } }, bytes: 32 * 8192 },
    { name: "over pipeline stages", more: { parallelism: { tp: 1, pp: 3 } }, bytes: 11 * 65536 },
    { name: "of one byte", more: { kvElementBytes: 1 }, bytes: 32 * 32768 },
    { name: "with a draft model's layers", more: { draftBytesPerToken: 4096 }, bytes: 33 * 65536 },
  ])("$name: $bytes", ({ more, bytes }) => {
    expect(layoutOf("meta-llama/Llama-3.1-8B-Instruct", more).bytesPerBlock).toBe(bytes);
  });

  it("a checkpoint's own word on its KV counts", () => {
    expect(layoutOf("nvidia/Llama-3.1-70B-Instruct-FP8").bytesPerBlock).toBe(80 * 32768);
  });

  it("a linear layer's state lengthens the blocks: 528 tokens on 4 GPUs, as vLLM reports them", () => {
    expect(layoutOf("Qwen/Qwen3.5-35B-A3B", { parallelism: { tp: 4, pp: 1 } })).toEqual({
      groups: [{ kind: "full" }, ...times(3, { kind: "linear", window: 1 })],
      blockSize: 528,
      bytesPerBlock: 10 * 528 * 1024,
      roughly: [],
    });
  });

  it("says so where layers of unlike width share a pool", () => {
    expect(layoutOf("google/gemma-4-26B-A4B").roughly).toEqual([expect.stringMatching(/narrower KV are counted as/)]);
  });
});

describe("blocks that one request needs", () => {
  it.each([
    { name: "full", groups: [{}], length: 1000, blocks: 63 },
    { name: "a window holds no more than the request", groups: [{ window: 4096 }], length: 1000, blocks: 63 },
    { name: "a window and one step", groups: [{ window: 128 }], length: 100_000, blocks: 137 },
    { name: "groups add up", groups: [{}, { window: 128 }], length: 100_000, blocks: 6250 + 137 },
  ])("$name: $blocks", ({ groups, length, blocks }) => {
    expect(blocksForLength(groups, 16, 2048, length)).toBe(blocks);
  });
});
