import * as z from "zod";
import { filter, keepWhere } from "../filter.ts";

/**
 * The concurrency detector listed in a profile: those whose load in flight is below the limit x (1 + headroom), rounded
 * down. Nobody may be left, which sheds the request (llm-d-router v0.9).
 */
export const concurrencyDetector = filter({
  name: "concurrency-detector",
  summary: "keep endpoints whose requests or tokens in flight are below a limit",
  params: () =>
    z.object({
      maxConcurrency: z.int().min(1).default(100).meta({ description: "Requests in flight per endpoint." }),
      maxTokenConcurrency: z.int().min(1).default(1_000_000).meta({ description: "Tokens in flight per endpoint." }),
      concurrencyMode: z
        .enum(["requests", "tokens", "hybrid"])
        .default("requests")
        .meta({ description: "Which of the two counts; hybrid: both." }),
      headroom: z.number().min(0).default(0).meta({ description: "How far above the limits still counts." }),
      inFlightLoadProducerName: z.string().optional().meta({ description: "Producer of the counts." }),
    }),
  create: ({ maxConcurrency, maxTokenConcurrency, concurrencyMode, headroom }) => {
    const requests = concurrencyMode === "tokens" ? Infinity : Math.trunc(maxConcurrency * (1 + headroom));
    const tokens = concurrencyMode === "requests" ? Infinity : Math.trunc(maxTokenConcurrency * (1 + headroom));
    return {
      blind: true,
      keep: (ask, into) =>
        keepWhere(ask, into, ({ inFlight, inFlightTokens }) => inFlight < requests && inFlightTokens < tokens),
    };
  },
});
