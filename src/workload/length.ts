import * as z from "zod";
import { kindOf } from "../model/plugin.ts";
import type { Rng } from "../sim/rng.ts";

/** Draws token counts. */
export interface LengthDistribution {
  /** @returns a whole number of tokens, at least 1 */
  draw(): number;
}

export const lengthDistribution = kindOf<{ readonly rng: Rng }, LengthDistribution>();

/** Most tokens that one drawn length may have. */
export const LENGTH_MAX = 1_000_000;

/** A count of tokens as specs say it. */
export const tokenCount = z.int().min(1).max(LENGTH_MAX);

/** Parameters that several distributions have. Shared, since the CRD has one field for all choices that name it. */
export const lengthMean = z.number().min(1).max(LENGTH_MAX).meta({ description: "Mean in tokens, before clamping." });
export const lengthMin = tokenCount.default(1).meta({ description: "Shorter draws become this many tokens." });
export const lengthMax = tokenCount.default(LENGTH_MAX).meta({ description: "Longer draws become this many tokens." });
export const spreadLength = {
  mean: lengthMean,
  deviation: z.number().min(0).max(LENGTH_MAX).meta({ description: "Standard deviation in tokens, before clamping." }),
  min: lengthMin,
  max: lengthMax,
};

/** Rounds to whole tokens, then clamps. */
export const clampLength = (tokens: number, min: number, max: number): number =>
  Math.min(max, Math.max(min, Math.round(tokens)));
