import * as z from "zod";
import { filter, keepAll, keepWhere } from "../filter.ts";

/**
 * Those that would meet both targets, if there are any; with `epsilonExploreNeg` the others. All without predictions
 * (llm-d-router v0.9). Chance is drawn only where there are both.
 */
export const sloHeadroomTier = filter({
  name: "slo-headroom-tier-filter",
  summary: "keep endpoints that would meet the request's latency targets",
  params: () =>
    z.object({
      epsilonExploreNeg: z.number().min(0).max(1).default(0.01).meta({ description: "How often the others are kept." }),
      latencyPredictionInfoProducerName: z.string().optional().meta({ description: "Producer of the predictions." }),
    }),
  create: ({ epsilonExploreNeg, latencyPredictionInfoProducerName }, { rng, knowledge }) => {
    const forecast = knowledge.latency(latencyPredictionInfoProducerName);
    const meets = (at: number): boolean =>
      (forecast.ttftHeadroomMs[at] as number) >= 0 && (forecast.tpotHeadroomMs[at] as number) >= 0;
    return {
      blind: true,
      keep(ask, into) {
        if (ask.count <= 1 || !forecast.known) return keepAll(ask, into);
        const good = keepWhere(ask, into, (_endpoint, at) => meets(at));
        if (good === 0) return keepAll(ask, into);
        if (good === ask.count || rng.next() >= epsilonExploreNeg) return good;
        return keepWhere(ask, into, (_endpoint, at) => !meets(at));
      },
    };
  },
});
