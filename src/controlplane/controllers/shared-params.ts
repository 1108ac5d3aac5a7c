import * as z from "zod";

// Parameters that controllers have in common: one schema each, as the CRD needs it, with a default of each controller's own.

export const kvCacheThreshold = z
  .number()
  .min(0.001)
  .max(1)
  .meta({ description: "Share of the KV cache that counts as capacity." });

export const scaleUpThreshold = z
  .number()
  .min(0.001)
  .max(1)
  .meta({ description: "Share of the capacity above which more is wanted." });

export const scaleDownBoundary = z
  .number()
  .min(0.001)
  .max(1)
  .meta({ description: "Share of the capacity below which less is wanted; less than scaleUpThreshold." });

export const gpus = z
  .record(z.string().min(1).max(64), z.int().min(0).max(1_000_000))
  .optional()
  .meta({ maxProperties: 32, description: "GPUs of the cluster by accelerator. Left out: as many as are asked for." });
