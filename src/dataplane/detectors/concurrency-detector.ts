import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { NEVER } from "../../sim/time.ts";
import { detector } from "../detector.ts";

/**
 * What the gateway itself has in flight, over what the pool may have: requests, tokens, or the mean over the endpoints of the
 * fuller of both. Needs no scrape.
 *
 * Source: llm-d-router (August 2026), pkg/epp/framework/plugins/flowcontrol/saturationdetector/concurrency. `headroom` is that
 * of the filter of the same type, and the producer's name says whose counts they are: here there is one count. BLIS's
 * `concurrency` is `requests` with a `maxConcurrency` of 64.
 */
export const concurrencyDetector = detector({
  name: "concurrency-detector",
  summary: "requests or tokens that the gateway has in flight, over what the pool may have",
  params: () =>
    z.object({
      maxConcurrency: z
        .int()
        .positive()
        .default(100)
        .meta({ description: "Requests in flight at which a pod is full." }),
      concurrencyMode: z
        .enum(["requests", "tokens", "hybrid"])
        .default("requests")
        .meta({ description: "What is counted; `hybrid`: per pod whichever is fuller." }),
      maxTokenConcurrency: z
        .int()
        .positive()
        .default(1_000_000)
        .meta({ description: "Tokens in flight at which a pod is full." }),
      headroom: z
        .number()
        .nonnegative()
        .default(0)
        .meta({ description: "Burst above the thresholds that the filter allows." }),
      inFlightLoadProducerName: z.string().optional().meta({ description: "Whose counts; there is one here." }),
    }),
  create: ({ maxConcurrency, maxTokenConcurrency, concurrencyMode }) => {
    const fuller = (endpoint: Endpoint): number =>
      Math.max(endpoint.inFlight / maxConcurrency, endpoint.inFlightTokens / maxTokenConcurrency);
    const ofMode = {
      requests: (all: readonly Endpoint[]) => sum(all, (e) => e.inFlight) / (all.length * maxConcurrency),
      tokens: (all: readonly Endpoint[]) => sum(all, (e) => e.inFlightTokens) / (all.length * maxTokenConcurrency),
      hybrid: (all: readonly Endpoint[]) => sum(all, fuller) / all.length,
    }[concurrencyMode];
    return {
      readsSignals: false,
      saturation: (endpoints) => (endpoints.length === 0 ? 1 : ofMode(endpoints)),
      changesAt: () => NEVER,
      stale: () => 0,
    };
  },
});

const sum = (endpoints: readonly Endpoint[], of: (endpoint: Endpoint) => number): number => {
  let total = 0;
  for (const endpoint of endpoints) total += of(endpoint);
  return total;
};
