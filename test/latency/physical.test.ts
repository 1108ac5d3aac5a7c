import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { CORRECTIONS, correctionsOf, priorLogs } from "../../src/latency/corrections.ts";
import type { LatencyContext } from "../../src/latency/latency-model.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import { physical } from "../../src/latency/models/physical.ts";
import { physicalTerms, stepMicros } from "../../src/latency/physical-terms.ts";
import { workOf } from "../../src/latency/work.ts";
import { Batch } from "../../src/model/batch.ts";
import { catalogueGpus } from "../../src/model/catalogue/hardware.ts";
import { findGpu } from "../../src/model/catalogue/index.ts";
import { catalogueModels } from "../../src/model/catalogue/models.ts";
import { lineMicros } from "../../src/model/decode-line.ts";
import type { Hardware } from "../../src/model/hardware.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { batchOf, shapeOf } from "./fixtures.ts";

const gpu = (name: string): Hardware => {
  const found = findGpu(name);
  if (!found.found) throw new Error(found.message);
  return found.hardware;
};

interface Setup {
  readonly model: string;
  readonly gpu?: string;
  readonly tp?: number;
  readonly dp?: number;
  readonly asyncScheduling?: boolean;
}

const contextOf = ({ model, gpu: name = "H100", tp = 1, dp = 1, asyncScheduling = true }: Setup): LatencyContext => ({
  shape: shapeOf(model),
  hardware: gpu(name),
  parallelism: { tp, pp: 1, dp, expertParallel: false },
  mode: "vllm",
  asyncScheduling,
});

const made = (setup: Setup) => latencyModels.create(latencyModels.schema.parse({ name: "physical" }), contextOf(setup));
const decodes = (count: number, context: number): Batch => batchOf({ decodes: [[count, context]] });

const anyBatch = (rng: Rng): Batch => {
  const batch = new Batch();
  for (let i = rng.below(4); i > 0; i -= 1) {
    const tokens = 1 + rng.below(4000);
    const start = rng.below(20_000);
    batch.addPrefill(start, tokens, start + tokens + rng.below(1000));
  }
  const count = rng.below(300);
  if (count > 0 || batch.requests === 0) batch.addDecodes(count + 1, (count + 1) * (1 + rng.below(30_000)));
  return batch;
};

/** Bytes and FLOPs that no GPU can do without, counted here from the parameters themselves; dense models. */
const leastMicros = (batch: Batch, { shape, hardware, parallelism: { tp } }: LatencyContext): number => {
  const kvHeads = Math.max(1, shape.kvHeads / tp);
  const attention = 2 * shape.hidden * shape.headDim * (shape.heads / tp + kvHeads);
  const linear = shape.layers * (attention + (3 * shape.hidden * shape.intermediate) / tp);
  const kv = 2 * kvHeads * shape.headDim * shape.dtypeBytes * shape.layers;
  const bytes = linear * shape.weightBytes + kv * batch.decodeContext;
  const flops =
    2 * linear * (batch.prefillTokens + batch.decodes) +
    4 * (shape.heads / tp) * shape.headDim * shape.layers * (batch.prefillPairs / 2);
  const tflops = Math.max(hardware.bf16Tflops, hardware.fp8Tflops ?? 0, hardware.fp4Tflops ?? 0);
  const fastest = shape.weightBytes < shape.dtypeBytes ? tflops : hardware.bf16Tflops;
  return Math.max(bytes / (hardware.memoryBandwidthTBs * 1e6), flops / (fastest * 1e6));
};

describe("physical", () => {
  const dense = catalogueModels.filter(
    ({ shape }) => shape.moe === undefined && shape.mla === undefined && shape.slidingWindow === undefined,
  );

  it("has enough models and GPUs to hold its bound against", () => {
    expect(dense.length).toBeGreaterThan(20);
    expect(catalogueGpus.length).toBeGreaterThan(15);
  });

  it("never beats the peak of the GPU, whatever the corrections", () =>
    forAllSeeds(200, (rng) => {
      const { shape } = dense[rng.below(dense.length)] as (typeof dense)[number];
      const { hardware } = catalogueGpus[rng.below(catalogueGpus.length)] as (typeof catalogueGpus)[number];
      const tp = [1, 2, 4, 8].filter((size) => shape.heads % size === 0)[rng.below(3)] ?? 1;
      const context: LatencyContext = {
        shape,
        hardware,
        parallelism: { tp, pp: 1, dp: 1, expertParallel: false },
        mode: "vllm",
      };
      const corrections = priorLogs.map((value) => value - 8 * rng.next());
      const model = physical.create({ corrections, pace: 1 }, context);
      const batch = anyBatch(rng);
      expect(model.step(batch)).toBeGreaterThanOrEqual(Math.floor(leastMicros(batch, context)));
    }));

  it("times a batch alike, be it on a line or not, whatever came before", () =>
    forAllSeeds(100, (rng) => {
      const { shape } = catalogueModels[rng.below(catalogueModels.length)] as (typeof catalogueModels)[number];
      const { hardware } = catalogueGpus[rng.below(catalogueGpus.length)] as (typeof catalogueGpus)[number];
      const parallelism = { tp: 1, pp: 1, dp: 1, expertParallel: false };
      const context = { shape, hardware, parallelism, mode: "vllm" } as const;
      const terms = physicalTerms(correctionsOf(priorLogs), context);
      const pace = 0.5 + rng.next();
      const model = physical.create({ corrections: [...priorLogs], pace }, context);
      for (let i = 0; i < 20; i += 1) {
        const batch = rng.next() < 0.5 ? decodes(1 + rng.below(700), rng.below(1e6)) : anyBatch(rng);
        if (rng.next() < 0.2) batch.addDecode(1 + rng.below(4), rng.below(5000));
        expect(model.step(batch)).toBe(Math.max(1, Math.ceil(pace * stepMicros(terms, batch))));
        const count = 1 + rng.below(700);
        const line = model.decodeLine?.(count);
        expect(line === undefined).toBe(terms.window > 0 || count > 512);
        const inSum = rng.below(1e7);
        const many = new Batch();
        many.addDecodes(count, inSum);
        if (line !== undefined) expect(lineMicros(line, inSum)).toBe(model.step(many));
      }
    }));

  it("takes longer the more there is to do", () =>
    forAllSeeds(200, (rng) => {
      const { shape } = catalogueModels[rng.below(catalogueModels.length)] as (typeof catalogueModels)[number];
      const { hardware } = catalogueGpus[rng.below(catalogueGpus.length)] as (typeof catalogueGpus)[number];
      const parallelism = { tp: 1, pp: 1, dp: 1, expertParallel: false };
      const model = physical.create(
        { corrections: [...priorLogs], pace: 1 },
        { shape, hardware, parallelism, mode: "vllm" },
      );
      const [batch, more] = [anyBatch(rng), new Batch()];
      Object.assign(more, batch);
      if (rng.next() < 0.5) more.addDecodes(1, rng.below(30_000));
      else more.addPrefill(rng.below(1000), 1 + rng.below(100), 4000);
      expect(model.step(more)).toBeGreaterThanOrEqual(model.step(batch));
    }));

  it.each([
    { name: "more KV heads to read", less: "Qwen/Qwen3-14B", more: "meta-llama/Llama-2-13b-hf", batch: [64, 4000] },
    { name: "a dense model than one of experts", less: "Qwen/Qwen3-30B-A3B", more: "Qwen/Qwen3-32B", batch: [4, 500] },
  ] as const)("takes longer for $name", ({ less, more, batch: [count, context] }) => {
    expect(made({ model: more }).step(decodes(count, context))).toBeGreaterThan(
      made({ model: less }).step(decodes(count, context)),
    );
  });

  it("reads latent vectors, not heads, where attention is latent", () => {
    const context = contextOf({ model: "deepseek-ai/DeepSeek-V3", gpu: "B200", tp: 8 });
    const { kvBytes } = workOf(context.shape, context.hardware, context.parallelism);
    expect(kvBytes).toBe(61 * (512 + 64) * 2);
  });

  it("charges a windowed layer for its window only", () => {
    const model = made({ model: "openai/gpt-oss-120b" });
    const [near, far, farther] = [128, 4096, 8192].map((context) => model.step(decodes(64, context)));
    const halfRead = (far as number) - (near as number);
    const { kvBytes, windowKvBytes } = workOf(
      shapeOf("openai/gpt-oss-120b"),
      gpu("H100"),
      contextOf({ model: "openai/gpt-oss-120b" }).parallelism,
    );
    expect(windowKvBytes).toBe(kvBytes);
    // Beyond the window only full layers read on: as much for 4096 more tokens as for the first 3968.
    expect((farther as number) - (far as number)).toBeCloseTo((halfRead * 4096) / (4096 - 128), -1);
  });

  it("reads more experts the more tokens pick, and never more than there are", () => {
    const context = contextOf({ model: "mistralai/Mixtral-8x7B-v0.1", tp: 2 });
    const model = physical.create({ corrections: [...priorLogs], pace: 1 }, context);
    const times = [1, 2, 4, 8, 16, 32, 64].map((count) => model.step(decodes(count, 1)));
    const grown = times.slice(1).map((time, i) => time - (times[i] as number));
    expect(grown[0]).toBeGreaterThan(grown.at(-2) as number);
    expect(times.at(-1)).toBeLessThan(8 * (times[0] as number));
  });

  it("pads decode batches to the sizes that CUDA graphs were captured for", () => {
    const model = made({ model: "Qwen/Qwen3-14B" });
    const nine = model.step(decodes(9, 1));
    const ten = model.step(decodes(10, 1));
    // One request more inside one graph costs its own work at the host and the head, not a share of the layers.
    expect(ten - nine).toBeLessThan(40);
  });

  it("pays for messages between GPUs, more over PCIe than over NVLink", () => {
    const at = (name: string): number => made({ model: "Qwen/Qwen3-32B", gpu: name, tp: 2 }).step(decodes(8, 500));
    const [sxm, pcie] = [gpu("H100"), gpu("H100-PCIe")];
    const context = contextOf({ model: "Qwen/Qwen3-32B", tp: 2 });
    const slow = physical.create(
      { corrections: [...priorLogs], pace: 1 },
      { ...context, hardware: { ...sxm, gpuLinkGBs: pcie.gpuLinkGBs as number } },
    );
    expect(slow.step(decodes(8, 500))).toBeGreaterThan(at("H100"));
  });

  it("sends what exceeds vLLM's own all-reduce near the link's peak, whatever the smaller messages take", () => {
    const { shape, parallelism, hardware } = contextOf({ model: "Qwen/Qwen3-32B", tp: 8 });
    const at = CORRECTIONS.findIndex(({ name }) => name === "messageTraffic");
    /** What slower messages add to a step of so many tokens, microseconds. */
    const added = (tokens: number, gpuLinkGBs = hardware.gpuLinkGBs as number): number => {
      const [quick, tardy] = [Math.log(1), Math.log(3)].map((log) => {
        const corrections = priorLogs.map((value, i) => (i === at ? log : value));
        const context = { shape, parallelism, mode: "vllm" as const, hardware: { ...hardware, gpuLinkGBs } };
        return physical.create({ corrections, pace: 1 }, context).step(batchOf({ prefill: [[tokens, tokens]] }));
      });
      return (tardy as number) - (quick as number);
    };
    // 8 MiB are 819 tokens of 10 KiB.
    const most = added(820);
    expect(most).toBeGreaterThan(1000);
    expect(Math.abs(added(410) - most / 2)).toBeLessThan(0.01 * most);
    expect(Math.abs(added(8192) - most)).toBeLessThan(0.01 * most);
    expect(added(8192, 50)).toBeGreaterThan(9.9 * added(819, 50));
  });

  it("takes longer where the next step isn't scheduled ahead", () => {
    const [ahead, not] = [true, false].map((asyncScheduling) =>
      made({ model: "Qwen/Qwen3-14B", asyncScheduling }).step(decodes(8, 500)),
    );
    expect(not).toBeGreaterThan(ahead as number);
  });

  it("spends the front end's time before the queue and after the step, never in the engine", () => {
    const model = made({ model: "Qwen/Qwen3-14B" });
    expect(model.toQueue(1000)).toBeGreaterThan(model.toQueue(10));
    expect(model.perToken).toBeGreaterThan(0);
    expect(model.toQueue(100) + model.perToken).toBeLessThan(20_000);
  });

  it("says of each correction what it means, and so do the docs", () => {
    const docs = readFileSync(new URL("../../docs/fidelity.md", import.meta.url), "utf8");
    for (const { name } of CORRECTIONS) expect(docs).toContain(`\`${name}\``);
    expect(new Set(CORRECTIONS.map(({ name }) => name)).size).toBe(CORRECTIONS.length);
    for (const { meaning, prior, spread } of CORRECTIONS) {
      expect(meaning.length).toBeGreaterThan(5);
      expect(prior).toBeGreaterThan(0);
      expect(spread).toBeGreaterThan(0);
    }
  });
});
