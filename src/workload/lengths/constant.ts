import * as z from "zod";
import { lengthDistribution, tokenCount } from "../length.ts";

export const constant = lengthDistribution({
  name: "constant",
  summary: "always the same length",
  params: () => z.object({ tokens: tokenCount.meta({ description: "The length in tokens." }) }),
  create: ({ tokens }) => ({ draw: () => tokens }),
});
