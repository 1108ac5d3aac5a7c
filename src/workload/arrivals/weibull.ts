import * as z from "zod";
import { exponential, gamma as gammaDraw } from "../../sim/draw.ts";
import { lnGamma } from "../../sim/ln-gamma.ts";
import type { Rng } from "../../sim/rng.ts";
import { type ArrivalProcess, arrivalProcess } from "../arrival.ts";

/**
 * Weibull gaps of mean 1, of the shape that gives the coefficient of variation: Gamma(1 + 2/k) / Gamma(1 + 1/k)^2 - 1 = cv^2,
 * solved by bisection over k in [0.1, 100] as BLIS does (`sim/workload/arrival.go` @f90a1e3a), but to the last digit.
 */
export const weibull = arrivalProcess({
  name: "weibull",
  summary: "Weibull gaps: a heavier tail than gamma above cv 1",
  params: () =>
    z.object({
      cv: z.number().min(0.01).max(20).meta({ description: "Coefficient of variation of the gaps; 1 is Poisson." }),
    }),
  create: ({ cv }, { rng }) => weibullGaps(weibullShape(Math.min(cv, CV_MAX)), rng),
});

/** Beyond it no shape in [0.1, 100] fits; BLIS refuses more than 10.4 too. */
export const CV_MAX = 10.4;

/** @param k shape */
export const weibullGaps = (k: number, rng: Rng): ArrivalProcess => {
  const scale = Math.exp(-lnGamma(1 + 1 / k));
  return {
    // A uniform share of a length-biased gap; the k-th power of a length-biased Weibull is a gamma of shape 1 + 1/k.
    first: () => rng.next() * scale * gammaDraw(rng, 1 + 1 / k, 1) ** (1 / k),
    gap: () => scale * exponential(rng, 1) ** (1 / k),
  };
};

const cvOf = (k: number): number => Math.sqrt(Math.max(0, Math.expm1(lnGamma(1 + 2 / k) - 2 * lnGamma(1 + 1 / k))));

export const weibullShape = (cv: number): number => {
  let [low, high] = [0.1, 200];
  for (let round = 0; round < 60; round += 1) {
    const middle = (low + high) / 2;
    if (cvOf(middle) > cv) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
};
