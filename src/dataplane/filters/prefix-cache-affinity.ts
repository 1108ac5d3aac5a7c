import * as z from "zod";
import type { Ask } from "../ask.ts";
import { filter, keepAll, keepWhere } from "../filter.ts";

/**
 * Those that hold at least `affinityThreshold` of the prompt, if there are any; all, where the best of them would answer
 * later than the best of the others by more than `maxTTFTPenaltyMs`, and with `explorationProbability`. An endpoint's
 * TTFT is its tokens in flight over `peakPrefillThroughput`, or the predictor's (llm-d-router v0.9). Chance is drawn only
 * where exploring is possible at all.
 */
export const prefixCacheAffinity = filter({
  name: "prefix-cache-affinity-filter",
  summary: "keep endpoints that hold most of the prompt, unless they are too busy",
  params: () =>
    z.object({
      affinityThreshold: z.number().max(1).default(0.8).meta({ description: "Share of the prompt; 0: keep all." }),
      explorationProbability: z.number().min(0).max(1).default(0).meta({ description: "How often all are kept." }),
      maxTTFTPenaltyMs: z.number().min(0).default(18_000).meta({ description: "Most milliseconds lost; 0: any." }),
      ttftSource: z
        .enum(["prefillThroughput", "latencyPredictor"])
        .default("prefillThroughput")
        .meta({ description: "How an endpoint's TTFT is estimated." }),
      peakPrefillThroughput: z.number().min(0).default(15_928).meta({ description: "Tokens per second." }),
      prefixMatchInfoProducerName: z.string().optional().meta({ description: "Producer of the matches." }),
      latencyPredictionInfoProducerName: z.string().optional().meta({ description: "Producer of the predictions." }),
      inFlightLoadProducerName: z.string().optional().meta({ description: "Producer of the counts." }),
    }),
  create: (params, { rng, knowledge }) => {
    const { affinityThreshold: threshold, explorationProbability, maxTTFTPenaltyMs: penalty } = params;
    const prefix = knowledge.prefix(params.prefixMatchInfoProducerName);
    const forecast =
      params.ttftSource === "latencyPredictor"
        ? knowledge.latency(params.latencyPredictionInfoProducerName)
        : undefined;
    const isSticky = (at: number): boolean =>
      prefix.total > 0 && (prefix.matched[at] as number) / prefix.total >= threshold;
    const ttftMs = ({ endpoints }: Ask, at: number): number => {
      if (forecast !== undefined) return forecast.known ? (forecast.ttftMs[at] as number) : Number.MAX_VALUE;
      return ((endpoints[at] as (typeof endpoints)[number]).inFlightTokens / params.peakPrefillThroughput) * 1000;
    };
    const best = (ask: Ask, sticky: boolean): number => {
      let least = Number.MAX_VALUE;
      for (let k = 0; k < ask.count; k += 1) {
        const at = ask.kept[k] as number;
        if (isSticky(at) === sticky) least = Math.min(least, ttftMs(ask, at));
      }
      return least;
    };
    return {
      blind: true,
      keep(ask, into) {
        if (ask.count <= 1 || threshold <= 0) return keepAll(ask, into);
        if (explorationProbability > 0 && rng.next() < explorationProbability) return keepAll(ask, into);
        const sticky = keepWhere(ask, into, (_endpoint, at) => isSticky(at));
        if (sticky === 0) return keepAll(ask, into);
        const tooBusy = penalty > 0 && sticky < ask.count && best(ask, true) - best(ask, false) > penalty;
        return tooBusy ? keepAll(ask, into) : sticky;
      },
    };
  },
});
