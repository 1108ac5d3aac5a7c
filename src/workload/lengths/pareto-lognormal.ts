import * as z from "zod";
import { logNormal } from "../../sim/draw.ts";
import { clampLength, lengthDistribution, lengthMax, lengthMin, tokenCount } from "../length.ts";

/**
 * A log-normal body with a Pareto tail mixed in, as ServeGen found production's prompts (arXiv 2505.09999) and BLIS has it
 * (`pareto_lognormal`, `sim/workload/distribution.go` @f90a1e3a).
 */
export const paretoLognormal = lengthDistribution({
  name: "pareto-lognormal",
  summary: "with probability `tailShare` Pareto, else log-normal; clamped to [min, max]",
  params: () =>
    z.object({
      tailShare: z.number().min(0).max(1).meta({ description: "Probability of a draw from the Pareto tail." }),
      alpha: z.number().min(0.01).max(100).meta({ description: "Shape of the tail: the smaller, the heavier." }),
      tailFrom: tokenCount.meta({ description: "Shortest length of the tail, in tokens." }),
      mu: z.number().min(-20).max(20).meta({ description: "Mean of the body's logarithm." }),
      sigma: z.number().min(0).max(20).meta({ description: "Standard deviation of the body's logarithm." }),
      min: lengthMin,
      max: lengthMax,
    }),
  create: ({ tailShare, alpha, tailFrom, mu, sigma, min, max }, { rng }) => ({
    draw: () => {
      const inTail = rng.next() < tailShare;
      const tokens = inTail ? tailFrom / (1 - rng.next()) ** (1 / alpha) : logNormal(rng, mu, sigma);
      return clampLength(tokens, min, max);
    },
  }),
});
