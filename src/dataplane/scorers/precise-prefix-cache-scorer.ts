import * as z from "zod";
import { preciseParams } from "../precise-params.ts";
import { scorer } from "../scorer.ts";
import { prefixCache } from "./prefix-cache.ts";

/**
 * The old spelling of `precise-prefix-cache-producer` with a `prefix-cache-scorer` that reads it (llm-d-router v0.9):
 * the scheduler makes a producer with the scorer's parameters, unless there is one.
 */
export const precisePrefixCacheScorer = scorer({
  name: "precise-prefix-cache-scorer",
  summary: "prefer endpoints that hold most of the prompt, by their KV events",
  params: () =>
    z.object({
      ...preciseParams,
      prefixMatchInfoProducerName: z
        .string()
        .default("precise-prefix-cache-producer")
        .meta({ description: "Producer of the matches; not a parameter of EPP's." }),
    }),
  create: ({ prefixMatchInfoProducerName }, context) =>
    prefixCache.create({ prefixMatchInfoProducerName, matchLengthWeight: 0, matchLengthScaleTokens: 8192 }, context),
});
