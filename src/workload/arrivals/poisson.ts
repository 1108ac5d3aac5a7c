import * as z from "zod";
import { exponential } from "../../sim/draw.ts";
import { arrivalProcess } from "../arrival.ts";

/** Exponential gaps: users who know nothing of each other. Memoryless, so the first gap is like any other. */
export const poisson = arrivalProcess({
  name: "poisson",
  summary: "independent arrivals: exponential gaps",
  params: () => z.object({}),
  create: (_params, { rng }) => ({
    first: () => exponential(rng, 1),
    gap: () => exponential(rng, 1),
  }),
});
