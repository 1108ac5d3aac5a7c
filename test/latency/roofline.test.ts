import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { roofline } from "../../src/latency/models/roofline.ts";
import { Batch } from "../../src/model/batch.ts";
import { type BatchSaid, batchOf, blisGpus, shapeOf } from "./fixtures.ts";

const modelOf = (model: string, gpu: string, tp: number, overheads?: number[]) =>
  roofline.create(roofline.params.parse(overheads === undefined ? {} : { overheads }), {
    shape: shapeOf(model),
    hardware: blisGpus[gpu] as NonNullable<(typeof blisGpus)[string]>,
    parallelism: { tp, pp: 1, dp: 1, expertParallel: false },
    mode: "blis",
  });

const llama8 = "meta-llama/Llama-3.1-8B-Instruct";
const mixtral = "mistralai/Mixtral-8x7B-v0.1";
const scout = "RedHatAI/Llama-4-Scout-17B-16E-Instruct-FP8-dynamic";
/** A chunk is [new tokens, whole prompt, tokens computed before]; the whole prompt plays no part in the roofline. */
const examples: readonly { id: string; model: string; gpu: string; tp: number; batch: BatchSaid; step: number }[] = [
  { id: "R1", model: llama8, gpu: "H100", tp: 1, batch: { prefill: [[512, 512]] }, step: 11884 },
  { id: "R2", model: llama8, gpu: "H100", tp: 1, batch: { decodes: [[32, 1000]] }, step: 4300 },
  {
    id: "R3",
    model: "Qwen/Qwen3-14B",
    gpu: "H100",
    tp: 2,
    batch: { prefill: [[1024, 2048, 1024]], decodes: [[16, 2048]] },
    step: 24211,
  },
  { id: "R4", model: mixtral, gpu: "H100", tp: 2, batch: { decodes: [[4, 1024]] }, step: 6615 },
  { id: "R5", model: mixtral, gpu: "H100", tp: 2, batch: { decodes: [[64, 1024]] }, step: 10661 },
  { id: "R6", model: llama8, gpu: "A100-80", tp: 1, batch: { prefill: [[2048, 2048]] }, step: 185568 },
  { id: "R7", model: llama8, gpu: "L40S", tp: 1, batch: { prefill: [[256, 256]], decodes: [[20, 700]] }, step: 29988 },
  {
    id: "R8",
    model: scout,
    gpu: "H100",
    tp: 2,
    batch: { prefill: [[1000, 1000]], decodes: [[50, 3000]] },
    step: 11340,
  },
  {
    id: "R9",
    model: "meta-llama/Llama-3.1-70B-Instruct",
    gpu: "H100",
    tp: 4,
    batch: { decodes: [[128, 1500]] },
    step: 12122,
  },
];

describe("roofline", () => {
  it.each(examples)("$id $model on $gpu takes $step us", ({ model, gpu, tp, batch, step }) => {
    expect(modelOf(model, gpu, tp).step(batchOf(batch))).toBe(step);
  });

  it("an empty batch takes 1 us", () => {
    expect(modelOf(llama8, "H100", 1).step(new Batch())).toBe(1);
  });

  it("has no overheads by default, and takes them per prompt token where given", () => {
    const plain = modelOf(llama8, "H100", 1);
    expect([plain.toQueue(1000), plain.perToken, plain.atFinish]).toEqual([0, 0, 0]);
    const slow = modelOf(llama8, "H100", 1, [100.5, 0.25, 7.9]);
    expect([slow.toQueue(1000), slow.perToken, slow.atFinish]).toEqual([350, 7, 0]);
  });
});

const vectorsFile = new URL("../../../shared/design/engine-vectors.json", import.meta.url);
describe.skipIf(!existsSync(vectorsFile))("roofline against ../shared/design/engine-vectors.json", () => {
  const vectors = existsSync(vectorsFile) ? JSON.parse(readFileSync(vectorsFile, "utf8")).roofline : [];
  it("has the vectors", () => expect(vectors).toHaveLength(9));
  it.each(vectors as Record<string, never>[])("$id", (vector) => {
    const { model, gpu, tp, prefill, decodeContexts, stepUs } = vector as never as {
      model: string;
      gpu: string;
      tp: number;
      prefill: { progress: number; newTokens: number }[];
      decodeContexts: [number, number][];
      stepUs: number;
    };
    const chunks = prefill.map((p) => [p.newTokens, p.progress + p.newTokens, p.progress] as const);
    expect(modelOf(model, gpu, tp).step(batchOf({ prefill: chunks, decodes: decodeContexts }))).toBe(stepUs);
  });
});
