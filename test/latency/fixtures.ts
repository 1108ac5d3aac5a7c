import { Batch } from "../../src/model/batch.ts";
import { findModel } from "../../src/model/catalogue/index.ts";
import type { Hardware } from "../../src/model/hardware.ts";
import type { ModelShape } from "../../src/model/model-shape.ts";

const gpu = (
  bf16Tflops: number,
  fp8Tflops: number,
  memoryBandwidthTBs: number,
  prefill: number,
  decode: number,
): Hardware => ({
  id: "test",
  aliases: [],
  vendor: "nvidia",
  bf16Tflops,
  ...(fp8Tflops === 0 ? {} : { fp8Tflops }),
  memoryBandwidthTBs,
  memoryGiB: 80,
  mfu: { prefill, decode, assumed: false },
  source: "BLIS's figures",
});

/** The GPUs as BLIS has them; its fp8 figure for L40S is the sparse one. */
export const blisGpus: Readonly<Record<string, Hardware>> = {
  H100: gpu(989.5, 1979, 3.35, 0.45, 0.3),
  "A100-80": gpu(312, 0, 2.039, 0.38, 0.18),
  L40S: gpu(362.05, 1466, 0.864, 0.32, 0.08),
};

export const shapeOf = (id: string): ModelShape => {
  const match = findModel(id);
  if (match === undefined) throw new Error(`not in the catalogue: ${id}`);
  return match.shape;
};

export interface BatchSaid {
  /** [new tokens, whole prompt, tokens computed before] */
  readonly prefill?: readonly (readonly [number, number, number?])[];
  /** [count, context] */
  readonly decodes?: readonly (readonly [number, number])[];
}

export const batchOf = ({ prefill = [], decodes = [] }: BatchSaid): Batch => {
  const batch = new Batch();
  for (const [tokens, prompt, start = 0] of prefill) batch.addPrefill(start, tokens, prompt);
  for (const [count, context] of decodes) batch.addDecodes(count, count * context);
  return batch;
};
