import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { latencyModels } from "../../src/latency/models/index.ts";
import { affineTerms, trainedPhysics } from "../../src/latency/models/trained-physics.ts";
import { Batch } from "../../src/model/batch.ts";
import { lineMicros } from "../../src/model/decode-line.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { type BatchSaid, batchOf, blisGpus, shapeOf } from "./fixtures.ts";

interface Setup {
  readonly model: string;
  readonly gpu: string;
  readonly tp?: number;
  readonly dp?: number;
  readonly mode?: "vllm" | "blis";
  readonly moeDispatch?: "all-gather" | "all-to-all";
  readonly coefficients?: number[];
}

const contextOf = ({ model, gpu, tp = 1, dp = 1, mode = "blis" }: Setup) => ({
  shape: shapeOf(model),
  hardware: blisGpus[gpu] as NonNullable<(typeof blisGpus)[string]>,
  parallelism: { tp, pp: 1, dp, expertParallel: false },
  mode,
});
const paramsOf = ({ moeDispatch = "all-gather", coefficients }: Setup) =>
  trainedPhysics.params.parse({ moeDispatch, ...(coefficients === undefined ? {} : { coefficients }) });
const modelOf = (setup: Setup) => trainedPhysics.create(paramsOf(setup), contextOf(setup));

const llama8 = "meta-llama/Llama-3.1-8B-Instruct";
const llama70 = "meta-llama/Llama-3.1-70B-Instruct";
const llama7 = "meta-llama/Llama-2-7b-hf";
const mixtral = "mistralai/Mixtral-8x7B-v0.1";
const scout = "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic";
const tens = (count: number, from: number, by: number): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, i) => [1, from + by * i] as const);

const examples: readonly (Setup & { id: string; batch: BatchSaid; step: number })[] = [
  { id: "E1", model: llama8, gpu: "H100", batch: { prefill: [[512, 512]] }, step: 7965 },
  { id: "E2", model: llama8, gpu: "H100", batch: { decodes: [[32, 1000]] }, step: 9412 },
  {
    id: "E3",
    model: llama8,
    gpu: "H100",
    batch: {
      prefill: [
        [2000, 6000],
        [40, 4040],
      ],
      decodes: tens(8, 100, 800),
    },
    step: 14162,
  },
  { id: "E4", model: "Qwen/Qwen3-14B", gpu: "H100", batch: { decodes: [[64, 2048]] }, step: 24927 },
  { id: "E5", model: "Qwen/Qwen3-14B", gpu: "H100", tp: 2, batch: { decodes: [[64, 2048]] }, step: 13321 },
  { id: "E6", model: "Qwen/Qwen3-14B", gpu: "H100", tp: 2, batch: { prefill: [[2048, 2048]] }, step: 11720 },
  {
    id: "E7",
    model: mixtral,
    gpu: "H100",
    tp: 2,
    batch: { prefill: [[1024, 1024]], decodes: tens(100, 500, 10) },
    step: 26463,
  },
  { id: "E8", model: mixtral, gpu: "H100", tp: 2, batch: { decodes: [[16, 1024]] }, step: 20738 },
  { id: "E9", model: llama70, gpu: "H100", tp: 4, batch: { decodes: [[128, 1500]] }, step: 26440 },
  { id: "E10", model: llama70, gpu: "H100", tp: 4, batch: { prefill: [[8192, 16384]] }, step: 83859 },
  { id: "E11", model: llama8, gpu: "A100-80", batch: { prefill: [[1024, 1024]], decodes: [[20, 700]] }, step: 19699 },
  { id: "E12", model: llama8, gpu: "L40S", batch: { prefill: [[1024, 1024]], decodes: [[20, 700]] }, step: 33752 },
  {
    id: "E15",
    model: "Qwen/Qwen3-30B-A3B",
    gpu: "H100",
    tp: 2,
    dp: 4,
    batch: { prefill: [[3000, 3000]], decodes: [[200, 2000]] },
    step: 7575,
  },
  {
    id: "E16",
    model: "Qwen/Qwen3-30B-A3B",
    gpu: "H100",
    tp: 2,
    dp: 4,
    moeDispatch: "all-to-all",
    batch: { prefill: [[3000, 3000]], decodes: [[200, 2000]] },
    step: 8008,
  },
  {
    id: "E17",
    model: scout,
    gpu: "H100",
    tp: 2,
    batch: { prefill: [[1000, 1000]], decodes: [[50, 3000]] },
    step: 34915,
  },
  {
    id: "E19",
    model: "Qwen/Qwen3-14B",
    gpu: "A100-80",
    tp: 2,
    batch: {
      prefill: [
        [512, 512],
        [512, 4608],
      ],
      decodes: [[24, 1500]],
    },
    step: 20660,
  },
];

describe("trained physics", () => {
  it.each(examples)("$id $model on $gpu takes $step us", (example) => {
    expect(modelOf(example).step(batchOf(example.batch))).toBe(example.step);
  });

  it("an empty batch takes 1 us", () => {
    expect(modelOf({ model: llama8, gpu: "H100" }).step(new Batch())).toBe(1);
  });

  it.each([undefined, [0.15, 0, 1.36, 0.75, 32.1, 4.42, 126, 482, 0]])(
    "has a line for decodes where no maximum bends it (coefficients %s)",
    (coefficients) =>
      forAllSeeds(200, (rng) => {
        const model = modelOf({ model: mixtral, gpu: "H100", tp: 2, ...(coefficients && { coefficients }) });
        const [count, context] = [1 + rng.below(600), rng.below(1e7)];
        const line = model.decodeLine?.(count);
        expect(line === undefined).toBe(coefficients !== undefined);
        const batch = new Batch();
        batch.addDecodes(count, context);
        if (line !== undefined) expect(lineMicros(line, context)).toBe(model.step(batch));
      }),
  );

  it("truncates the overheads of the request", () => {
    const model = modelOf({ model: llama8, gpu: "H100" });
    expect([model.toQueue(100), model.atFinish, model.perToken]).toEqual([15563, 777, 45]);
  });

  it.each([
    // From the printed parts of E1 and E2: KV write is 20 us against 7431 us of compute; 5677.33 + 1294.42 us.
    {
      name: "8 coefficients: prefill is the larger of compute and KV write",
      count: 8,
      batch: { prefill: [[512, 512]] } as BatchSaid,
      step: 7965,
    },
    {
      name: "9 coefficients: decode counts compute, not KV (b2a = 0)",
      count: 9,
      batch: { decodes: [[32, 1000]] } as BatchSaid,
      step: 6971,
    },
  ])("$name", ({ count, batch, step }) => {
    const coefficients = paramsOf({ model: llama8, gpu: "H100" }).coefficients.slice(0, count);
    expect(modelOf({ model: llama8, gpu: "H100", coefficients }).step(batchOf(batch))).toBe(step);
  });

  it("with fewer than 10 coefficients the slower of decode compute and KV traffic counts", () => {
    const coefficients = [0, 1, 0, 0, 0, 0, 0];
    const model = modelOf({ model: llama8, gpu: "H100", coefficients });
    // Basis times of E2: compute 468.37 us, KV 1253.28 us; with a context of 1, 451.95 and 2.50 us.
    expect(model.step(batchOf({ decodes: [[32, 1000]] }))).toBe(1253);
    expect(model.step(batchOf({ decodes: [[32, 1]] }))).toBe(451);
  });

  describe("in vllm mode", () => {
    it.each([
      { model: llama7, prefill: [[1024, 1024]], ms: 8.6 },
      { model: llama7, prefill: [[2048, 2048]], ms: 30.6 },
      { model: llama7, prefill: [[4096, 4096]], ms: 77.2 },
      { model: llama8, prefill: [[8192, 8192]], ms: 193 },
    ] as const)("a prefill of $prefill tokens of $model takes $ms ms", ({ model, prefill, ms }) => {
      const step = modelOf({ model, gpu: "H100", mode: "vllm" }).step(batchOf({ prefill }));
      expect(step / 1000).toBeCloseTo(ms, ms > 100 ? 0 : 1);
    });

    it("four chunks of 2048 take 213 ms together", () => {
      const model = modelOf({ model: llama8, gpu: "H100", mode: "vllm" });
      const chunks = [0, 2048, 4096, 6144].map((start) => model.step(batchOf({ prefill: [[2048, 8192, start]] })));
      expect(chunks.reduce((sum, step) => sum + step, 0) / 1000).toBeCloseTo(213, 0);
    });

    it("differs from blis only beyond position 1024", () => {
      const [vllm, blis] = (["vllm", "blis"] as const).map((mode) => modelOf({ model: llama8, gpu: "H100", mode }));
      const short = batchOf({ prefill: [[512, 1024, 512]], decodes: [[5, 9000]] });
      const long = batchOf({ prefill: [[512, 1025, 513]] });
      expect(vllm?.step(short)).toBe(blis?.step(short));
      expect(vllm?.step(long)).toBeGreaterThan(blis?.step(long) as number);
    });
  });

  it.each([
    { name: "too few", coefficients: [1, 2, 3, 4, 5, 6] },
    { name: "negative", coefficients: [-1, 0, 1, 1, 1, 1, 1] },
    { name: "not finite", coefficients: [Number.POSITIVE_INFINITY, 0, 1, 1, 1, 1, 1] },
  ])("refuses coefficients that are $name", ({ coefficients }) => {
    expect(latencyModels.schema.safeParse({ name: "trained-physics", coefficients }).success).toBe(false);
  });
});

const vectorsFile = new URL("../../../shared/design/engine-vectors.json", import.meta.url);
describe.skipIf(!existsSync(vectorsFile))("trained physics against ../shared/design/engine-vectors.json", () => {
  const vectors = existsSync(vectorsFile)
    ? JSON.parse(readFileSync(vectorsFile, "utf8"))
    : { trainedPhysics: [], affineCoefficients: [] };
  it("has the vectors", () => {
    expect([vectors.trainedPhysics.length, vectors.affineCoefficients.length]).toEqual([20, 17]);
  });

  it.each(vectors.trainedPhysics as Record<string, never>[])("$id", (vector) => {
    const { model, gpu, tp, dp, moeComm, prefill, decodeContexts, aggregates, stepUs } = vector as never as {
      model: string;
      gpu: string;
      tp: number;
      dp: number;
      moeComm: string;
      prefill: { newTokens: number; promptTokens: number }[];
      decodeContexts: [number, number][];
      aggregates: Record<string, number>;
      stepUs: number;
    };
    const batch = batchOf({ prefill: prefill.map((p) => [p.newTokens, p.promptTokens]), decodes: decodeContexts });
    expect({
      B: batch.requests,
      P: batch.prefillTokens,
      A2: batch.prefillReach,
      D: batch.decodes,
      C: batch.decodeContext,
    }).toEqual(aggregates);
    const moeDispatch = moeComm === "allToAll" ? "all-to-all" : "all-gather";
    expect(modelOf({ model, gpu, tp, dp, moeDispatch }).step(batch)).toBe(stepUs);
  });

  it.each(
    vectors.affineCoefficients as ({ model: string; gpu: string; tp: number; dp: number } & Record<string, number>)[],
  )("coefficients of $model on $gpu, tp $tp, dp $dp", ({ model, gpu, tp, dp, ...expected }) => {
    const terms = affineTerms(paramsOf({ model, gpu }), contextOf({ model, gpu, tp, dp })) as unknown as Record<
      string,
      number
    >;
    for (const [name, value] of Object.entries(expected)) {
      expect(Math.abs((terms[name] as number) - value) / value).toBeLessThan(1e-14);
    }
  });
});
