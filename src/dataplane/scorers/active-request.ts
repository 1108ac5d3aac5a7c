import * as z from "zod";
import { scorer } from "../scorer.ts";
import { standingScorer } from "../standing.ts";

/**
 * 1 up to `idleThreshold` requests in flight, else (max c - c) / max c x `maxBusyScore` (llm-d-router v0.9). A negative
 * threshold and a score outside [0, 1] mean the defaults, as there; `requestTimeout` is ignored there too.
 */
export const activeRequest = scorer({
  name: "active-request-scorer",
  summary: "prefer the fewest requests in flight, by the gateway's own count",
  params: () =>
    z.object({
      idleThreshold: z.int().default(0).meta({ description: "Up to so many requests in flight count as idle." }),
      maxBusyScore: z.number().default(1).meta({ description: "Score of the least busy of those that are not idle." }),
      requestTimeout: z.string().optional().meta({ description: "Ignored." }),
      inFlightLoadProducerName: z.string().optional().meta({ description: "Producer of the counts." }),
    }),
  create: (params) => {
    const idle = Math.max(params.idleThreshold, 0);
    const busy = params.maxBusyScore >= 0 && params.maxBusyScore <= 1 ? params.maxBusyScore : 1;
    const scoreOf = (inFlight: number, _least: number, most: number): number =>
      inFlight <= idle ? 1 : ((most - inFlight) / most) * busy;
    return { ...standingScorer(["inFlight"], ({ inFlight }) => inFlight, scoreOf), blind: true };
  },
});
