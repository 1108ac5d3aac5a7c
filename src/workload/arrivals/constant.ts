import * as z from "zod";
import { arrivalProcess } from "../arrival.ts";

/** Even gaps, from a random phase. */
export const constant = arrivalProcess({
  name: "constant",
  summary: "even gaps, as a load generator paces them",
  params: () => z.object({}),
  create: (_params, { rng }) => ({
    first: () => rng.next(),
    gap: () => 1,
  }),
});
