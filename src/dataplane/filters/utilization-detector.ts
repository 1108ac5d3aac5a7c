import * as z from "zod";
import { durationOf, durationText } from "../../model/duration.ts";
import { filter, keepAll, keepWhere } from "../filter.ts";

/**
 * The utilisation detector listed in a profile: those below both thresholds x (1 + headroom) whose metrics are no older
 * than the staleness threshold; all where that would be none (llm-d-router v0.9).
 */
export const utilizationDetector = filter({
  name: "utilization-detector",
  summary: "keep endpoints that are not saturated by queue or KV cache",
  params: () =>
    z.object({
      queueDepthThreshold: z.int().min(1).default(5).meta({ description: "Waiting requests." }),
      kvCacheUtilThreshold: z.number().gt(0).max(1).default(0.8).meta({ description: "Used share of the KV cache." }),
      metricsStalenessThreshold: durationText
        .default("200ms")
        .meta({ description: "Older metrics are worth nothing." }),
      headroom: z.number().min(0).default(0).meta({ description: "How far above the thresholds still counts." }),
    }),
  create: ({ queueDepthThreshold, kvCacheUtilThreshold, metricsStalenessThreshold, headroom }) => {
    const [queue, kv] = [queueDepthThreshold * (1 + headroom), kvCacheUtilThreshold * (1 + headroom)];
    const oldest = durationOf(metricsStalenessThreshold);
    return {
      keep(ask, into) {
        const stay = keepWhere(
          ask,
          into,
          ({ scrapedAt, waiting, kvUsage }) =>
            scrapedAt !== undefined && ask.now - scrapedAt <= oldest && waiting < queue && kvUsage < kv,
        );
        return stay === 0 ? keepAll(ask, into) : stay;
      },
    };
  },
});
