import * as z from "zod";
import { normal as normalDraw } from "../../sim/draw.ts";
import { clampLength, lengthDistribution, spreadLength } from "../length.ts";

/** Rounded and clamped, as BLIS's `gaussian` and inference-perf's `normal`: clamping moves the mean where it bites. */
export const normal = lengthDistribution({
  name: "normal",
  summary: "normal, clamped to [min, max]",
  params: () => z.object(spreadLength),
  create: ({ mean, deviation, min, max }, { rng }) => ({
    draw: () => clampLength(normalDraw(rng, mean, deviation), min, max),
  }),
});
