import * as z from "zod";

/**
 * Shared by all latency models, so that the CRD has one schema for the name: three lengths in microseconds.
 * What the three mean is the model's business; each states it.
 */
export const overheads = (byDefault: readonly number[]) =>
  z
    .array(z.number().min(0).max(1e9))
    .length(3)
    .default([...byDefault])
    .meta({ description: "Three lengths in microseconds beside the steps: alpha0, alpha1, alpha2 in BLIS." });
