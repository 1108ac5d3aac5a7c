import * as z from "zod";
import { type Corrections, correctionsOf } from "../latency/corrections.ts";
import { fitted } from "../latency/fitted.ts";
import { physicalTerms, stepMicros } from "../latency/physical-terms.ts";
import { type Work, workOf } from "../latency/work.ts";
import { Batch } from "../model/batch.ts";
import { findGpu } from "../model/catalogue/gpu-lookup.ts";
import { findModel } from "../model/catalogue/model-lookup.ts";
import type { Hardware } from "../model/hardware.ts";
import type { ModelShape } from "../model/model-shape.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";

/** Files that `probe/gpu_probe.py` writes: times of transformer layers on one GPU, without a server around them. */

const Micros = z.object({ p10: z.number().positive(), p50: z.number().positive(), p90: z.number().positive() });
const Common = {
  model: z.string(),
  tp: z.int().positive(),
  precision: z.enum(["bf16", "fp8"]),
  requests: z.int().positive(),
  attention: z.enum(["torch-sdpa", "none"]),
  layers: z.int().positive(),
  microsPerLayer: Micros,
};
const ProbedRow = z.discriminatedUnion("step", [
  z.object({ ...Common, step: z.literal("decode"), contextTokens: z.int().positive() }),
  z.object({ ...Common, step: z.literal("prefill"), promptTokens: z.int().positive() }),
]);
export type ProbedRow = z.output<typeof ProbedRow>;

const ProbedFile = z.object({
  format: z.literal("servetwin-gpu-probe/1"),
  machine: z.looseObject({ device: z.enum(["cuda", "cpu"]), gpu: z.string().optional() }),
  rows: z.array(ProbedRow),
});

export interface ProbedStep {
  readonly row: ProbedRow;
  /** By the twin's `physical` model with the committed fit, which is of servers: its launches per layer are in it. */
  readonly predictedMicrosPerLayer: number;
  /** The data sheet's floor: what must be read or computed, at the GPU's peak. */
  readonly leastMicrosPerLayer: number;
}

export interface Probed {
  readonly hardware: Hardware;
  readonly steps: readonly ProbedStep[];
}

/**
 * Reads a probe's file and says of each row what the twin would.
 * @param gpu another name of the GPU, where the file's isn't known
 */
export const probedSteps = (json: unknown, file: string, gpu?: string): Result<Probed> => {
  const read = ProbedFile.safeParse(json);
  if (!read.success) {
    return bad(
      ...read.error.issues.map(
        ({ path, message }): Problem => ({
          severity: "error",
          file,
          field: path.join("."),
          message,
          fix: "give a file that probe/gpu_probe.py wrote",
          reason: "InvalidProbe",
        }),
      ),
    );
  }
  const { machine, rows } = read.data;
  const name = gpu ?? machine.gpu;
  const found = name === undefined ? undefined : findGpu(name);
  if (found?.found !== true) {
    return bad({
      severity: "error",
      file,
      field: "machine.gpu",
      message: found?.message ?? "the steps were timed without a GPU, only to try the probe",
      fix: name === undefined ? "time them on a GPU" : "say which GPU it is with --gpu",
      reason: "UnknownGpu",
    });
  }
  const warnings: Problem[] = [];
  const steps = rows.flatMap((row, i): ProbedStep[] => {
    const shape = shapeOf(row);
    if (shape !== undefined) return [stepOf(row, shape, found.hardware)];
    warnings.push({
      severity: "warning",
      file,
      field: `rows.${i}.model`,
      message: `${row.model} isn't in the catalogue; left out`,
      reason: "UnknownModel",
    });
    return [];
  });
  return good({ hardware: found.hardware, steps }, warnings);
};

const shapeOf = ({ model, precision }: ProbedRow): ModelShape | undefined => {
  const shape = findModel(model)?.shape;
  return shape === undefined || precision === "bf16" ? shape : { ...shape, weightBytes: 1, quantizedParts: "linear" };
};

const stepOf = (row: ProbedRow, shape: ModelShape, hardware: Hardware): ProbedStep => {
  const parallelism = { tp: row.tp, dp: 1, pp: 1, expertParallel: false };
  const batch = batchOf(row);
  /** What a model of twice the layers takes more, by layer: the output head and the host's work per step fall out. */
  const perLayer = (of: (shape: ModelShape) => number): number =>
    (of({ ...shape, layers: 2 * shape.layers }) - of(shape)) / shape.layers;
  return {
    row,
    predictedMicrosPerLayer: perLayer((sized) =>
      stepMicros(physicalTerms(ALONE, { shape: sized, hardware, parallelism, mode: "vllm" }), batch),
    ),
    leastMicrosPerLayer: perLayer((sized) => leastMicros(workOf(sized, hardware, parallelism), hardware, batch)),
  };
};

/** The committed fit, for one GPU's share by itself: the probe exchanges no messages. */
const ALONE: Corrections = { ...correctionsOf(fitted.corrections), perMessage: 0, messageTraffic: 0 };

const batchOf = (row: ProbedRow): Batch => {
  const batch = new Batch();
  if (row.step === "prefill") batch.addPrefill(0, row.promptTokens, row.promptTokens);
  else batch.addDecodes(row.requests, row.attention === "none" ? 0 : row.requests * row.contextTokens);
  // Pairs of a query and a key are what attention computes.
  if (row.attention === "none") batch.prefillPairs = 0;
  return batch;
};

/** All bytes at the peak of memory, or all FLOPs at the peak of arithmetic, whichever takes longer. */
const leastMicros = (work: Work, hardware: Hardware, batch: Batch): number => {
  const tokens = batch.prefillTokens + batch.decodes;
  const bytes = work.weightBytes + work.kvBytes * batch.decodeContext;
  const wide =
    work.wideFlops * tokens + (work.pairFlops * batch.prefillPairs) / 2 + work.decodePairFlops * batch.decodeContext;
  const arithmetic = wide / work.wideTflops + (work.narrowFlops * tokens) / work.narrowTflops;
  return Math.max(bytes / hardware.memoryBandwidthTBs, arithmetic) / 1e6;
};
