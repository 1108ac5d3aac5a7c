import * as z from "zod";
import { exponential as exponentialDraw } from "../../sim/draw.ts";
import { clampLength, lengthDistribution, lengthMax, lengthMean, lengthMin } from "../length.ts";

/** Rounded, then clamped, at least 1: as BLIS's `exponential` (`sim/workload/distribution.go` @f90a1e3a). */
export const exponential = lengthDistribution({
  name: "exponential",
  summary: "exponential with the given mean, clamped to [min, max]",
  params: () => z.object({ mean: lengthMean, min: lengthMin, max: lengthMax }),
  create: ({ mean, min, max }, { rng }) => ({ draw: () => clampLength(exponentialDraw(rng, mean), min, max) }),
});
