/**
 * Figures of open models and of GPUs, each with its source, and how a name written by somebody else is matched to them.
 * Nothing is guessed silently: a match says by which rule it came about, a miss says why.
 */
export { findGpu, type GpuFound, type GpuMissing, gpuIds, nearestGpus } from "./gpu-lookup.ts";
export { shapeOfConfig } from "./hugging-face.ts";
export { findModel, type ModelMatch, type ModelRule, nearestModels } from "./model-lookup.ts";
