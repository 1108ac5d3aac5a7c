import * as z from "zod";
import { rateShape } from "../shape.ts";

export const constant = rateShape({
  name: "constant",
  summary: "the clients' own rates throughout",
  params: () => z.object({}),
  create: () => ({ factor: () => 1, peak: () => 1, breaks: [], smoothFor: Number.POSITIVE_INFINITY }),
});
