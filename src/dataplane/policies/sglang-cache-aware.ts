import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { routingPolicy } from "../policy.ts";
import { SentIndex } from "../sent-index.ts";

const BLOCK_TOKENS = 16;
/** 2^26 characters at 4 per token. */
const TREE_BLOCKS = 2 ** 26 / 4 / BLOCK_TOKENS;

/**
 * The first endpoint that was sent the longest beginning of the prompt, if that is more than `cacheThreshold` of it, else
 * the first with fewest requests in flight; the latter always, while the most exceeds the fewest by more than
 * `balanceAbsThreshold` and by a factor of `balanceRelThreshold` (sgl-model-gateway 0.3, `cache_aware`). Its tree of
 * characters is blocks of 16 tokens here, and forgets one by one, not at intervals.
 */
export const sglangCacheAware = routingPolicy({
  name: "sglang-cache-aware",
  summary: "whoever was sent most of the prompt, or the least busy while loads differ (SGLang cache_aware)",
  params: () =>
    z.object({
      cacheThreshold: z.number().min(0).max(1).default(0.3).meta({ description: "Share of the prompt worth it." }),
      balanceAbsThreshold: z
        .int()
        .min(0)
        .max(1_000_000_000)
        .default(64)
        .meta({ description: "Difference of requests in flight from which on loads differ." }),
      balanceRelThreshold: z
        .number()
        .min(0)
        .max(1_000_000)
        .default(1.5)
        .meta({ description: "Factor between them, likewise." }),
    }),
  create: ({ cacheThreshold, balanceAbsThreshold, balanceRelThreshold }) => {
    const sent = new SentIndex(BLOCK_TOKENS, TREE_BLOCKS);
    return {
      readsSignals: false,
      cached: sent,
      pick(request, endpoints) {
        sent.look(request, endpoints);
        let [idlest, busiest, best] = [0, 0, 0];
        const inFlight = (at: number): number => (endpoints[at] as Endpoint).inFlight;
        for (let at = 1; at < endpoints.length; at += 1) {
          if (inFlight(at) < inFlight(idlest)) idlest = at;
          if (inFlight(at) > inFlight(busiest)) busiest = at;
          if ((sent.matched[at] as number) > (sent.matched[best] as number)) best = at;
        }
        const [least, most] = [inFlight(idlest), inFlight(busiest)];
        const differ = most - least > balanceAbsThreshold && most > least * balanceRelThreshold;
        const share = ((sent.matched[best] as number) * BLOCK_TOKENS) / request.promptTokens;
        const picked = !differ && share > cacheThreshold ? best : idlest;
        sent.send((endpoints[picked] as Endpoint).name);
        return picked;
      },
      left: (name) => sent.left(name),
    };
  },
});
