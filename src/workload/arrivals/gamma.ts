import * as z from "zod";
import { gamma as gammaDraw } from "../../sim/draw.ts";
import { arrivalProcess } from "../arrival.ts";

/**
 * Gamma gaps of mean 1: shape 1/cv^2, scale cv^2, as BLIS and vLLM's `--burstiness` (= shape) have them.
 * The first gap is a uniform share of a length-biased one, and a length-biased gamma is a gamma of shape + 1.
 */
export const gamma = arrivalProcess({
  name: "gamma",
  summary: "gamma gaps: burstier than Poisson above cv 1, more even below",
  params: () =>
    z.object({
      cv: z.number().min(0.01).max(20).meta({ description: "Coefficient of variation of the gaps; 1 is Poisson." }),
    }),
  create: ({ cv }, { rng }) => {
    const scale = cv * cv;
    return {
      first: () => rng.next() * gammaDraw(rng, 1 / scale + 1, scale),
      gap: () => gammaDraw(rng, 1 / scale, scale),
    };
  },
});
