import * as z from "zod";
import { scorer } from "../scorer.ts";

/** 128 requests of 32 768 tokens. */
const DEFAULT_THRESHOLD = 4_194_304;

/** 1 - min(t, T) / T, t = tokens in flight and those that this request would add; T of 0 or less means the default (llm-d-router v0.9). */
export const tokenLoad = scorer({
  name: "token-load-scorer",
  summary: "prefer the fewest tokens in flight, by the gateway's own count",
  params: () =>
    z.object({
      queueThresholdTokens: z.int().default(DEFAULT_THRESHOLD).meta({ description: "Tokens that score 0." }),
      inFlightLoadProducerName: z.string().optional().meta({ description: "Producer of the counts." }),
    }),
  create: ({ queueThresholdTokens, inFlightLoadProducerName }, { knowledge }) => {
    const full = queueThresholdTokens > 0 ? queueThresholdTokens : DEFAULT_THRESHOLD;
    const load = knowledge.load(inFlightLoadProducerName);
    return {
      blind: true,
      score({ endpoints, kept, count }, into) {
        for (let k = 0; k < count; k += 1) {
          const at = kept[k] as number;
          const { inFlightTokens } = endpoints[at] as (typeof endpoints)[number];
          const tokens = inFlightTokens + load.uncachedAt(at);
          into[at] = tokens <= 0 ? 1 : 1 - Math.min(tokens, full) / full;
        }
      },
    };
  },
});
