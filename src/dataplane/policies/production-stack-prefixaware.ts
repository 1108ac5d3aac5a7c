import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { leastOf, routingPolicy } from "../policy.ts";
import { SentIndex } from "../sent-index.ts";

/** 128 characters at 4 per token. */
const CHUNK_TOKENS = 32;

/**
 * One at random of the endpoints that were sent the longest beginning of the prompt, in chunks of 128 characters; nothing
 * is ever forgotten of an endpoint that is there (vLLM production-stack, main of 2026, `prefixaware`).
 */
export const productionStackPrefixAware = routingPolicy({
  name: "production-stack-prefixaware",
  summary: "whoever was sent the longest beginning of the prompt (vLLM production-stack prefixaware)",
  params: () => z.object({}),
  create: (_params, { rng }) => {
    const sent = new SentIndex(CHUNK_TOKENS, Number.POSITIVE_INFINITY);
    return {
      readsSignals: false,
      cached: sent,
      pick(request, endpoints) {
        sent.look(request, endpoints);
        const picked = leastOf(endpoints, rng, (_endpoint, index) => -(sent.matched[index] as number));
        sent.send((endpoints[picked] as Endpoint).name);
        return picked;
      },
      left: (name) => sent.left(name),
    };
  },
});
