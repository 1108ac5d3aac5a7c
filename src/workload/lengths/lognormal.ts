import * as z from "zod";
import { logNormal } from "../../sim/draw.ts";
import { clampLength, lengthDistribution, spreadLength } from "../length.ts";

/**
 * Skewed with a long tail, as lengths of real prompts are. Mean and deviation are those of the tokens, not of their
 * logarithm: sigma^2 = ln(1 + (deviation / mean)^2), mu = ln(mean) - sigma^2 / 2.
 */
export const lognormal = lengthDistribution({
  name: "lognormal",
  summary: "log-normal with the given mean and deviation of the tokens, clamped to [min, max]",
  params: () => z.object(spreadLength),
  create: ({ mean, deviation, min, max }, { rng }) => {
    const variance = Math.log1p((deviation / mean) ** 2);
    const mu = Math.log(mean) - variance / 2;
    const sigma = Math.sqrt(variance);
    return { draw: () => clampLength(logNormal(rng, mu, sigma), min, max) };
  },
});
