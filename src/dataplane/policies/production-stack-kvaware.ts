import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { FedIndex } from "../fed-index.ts";
import { HashRing } from "../hash-ring.ts";
import { kvBlockTokens, routingPolicy } from "../policy.ts";
import { RequestRates } from "../request-rates.ts";

/**
 * The first endpoint whose cache holds most of the prompt, unless it lacks more than a threshold of it: then as
 * `production-stack-session` (vLLM production-stack, main of 2026, `kvaware`, default threshold 2000 tokens). LMCache's
 * controller is the engines' KV events here.
 */
export const productionStackKvAware = routingPolicy({
  name: "production-stack-kvaware",
  summary: "whoever's cache holds most of the prompt, else by session or rate (vLLM production-stack kvaware)",
  params: () =>
    z.object({
      kvAwareThreshold: z
        .int()
        .min(0)
        .max(1_000_000_000)
        .default(2000)
        .meta({ description: "Most prompt tokens that may be missing." }),
      kvBlockTokens: kvBlockTokens(),
    }),
  create: ({ kvAwareThreshold, kvBlockTokens }) => {
    const ring = new HashRing();
    const rates = new RequestRates();
    const index = new FedIndex(kvBlockTokens);
    return {
      readsSignals: false,
      cached: index,
      pick(request, endpoints, now) {
        index.look(request, endpoints);
        let best = 0;
        for (let at = 1; at < endpoints.length; at += 1) {
          if ((index.matched[at] as number) > (index.matched[best] as number)) best = at;
        }
        const tokens = (index.matched[best] as number) * kvBlockTokens;
        const hit = tokens > 0 && tokens >= Math.max(request.promptTokens - kvAwareThreshold, 0);
        const { session } = request;
        const other = () => (session === undefined ? rates.lowest(endpoints, now) : ring.find(session, endpoints));
        const picked = hit ? best : other();
        rates.count((endpoints[picked] as Endpoint).name, now);
        return picked;
      },
      left(name) {
        rates.forget(name);
        index.left(name);
      },
      observeKv: (event) => index.observe(event),
    };
  },
});
