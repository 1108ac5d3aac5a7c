import * as z from "zod";
import { clampLength, lengthDistribution, lengthMax, lengthMin } from "../length.ts";

/** A real number of [min, max], rounded: inference-perf's `uniform` (`utils/numeric/distribution` @7de5ef2e). */
export const uniform = lengthDistribution({
  name: "uniform",
  summary: "any length from min to max, all equally often",
  params: () => z.object({ min: lengthMin, max: lengthMax }),
  create: ({ min, max }, { rng }) => ({ draw: () => clampLength(min + rng.next() * (max - min), min, max) }),
});
