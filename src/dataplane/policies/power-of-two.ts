import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { effectiveLoad } from "../effective-load.ts";
import { routingPolicy } from "../policy.ts";

/**
 * Of two replicas drawn at random, the one with less effective load; the first drawn where they are equal (Mitzenmacher,
 * "The Power of Two Choices", 2001).
 */
export const powerOfTwo = routingPolicy({
  name: "power-of-two",
  summary: "of two replicas at random, the one with less waiting, running and in-flight requests",
  params: () => z.object({}),
  create: (_params, { rng }) => ({
    readsSignals: true,
    pick(_request, endpoints) {
      if (endpoints.length === 1) return 0;
      const first = rng.below(endpoints.length);
      const other = rng.below(endpoints.length - 1);
      const second = other < first ? other : other + 1;
      return effectiveLoad(endpoints[second] as Endpoint) < effectiveLoad(endpoints[first] as Endpoint)
        ? second
        : first;
    },
  }),
});
