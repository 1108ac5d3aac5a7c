import * as z from "zod";
import { routingPolicy } from "../policy.ts";

/** Request n goes to endpoint n mod k of the k routable ones, as BLIS's `round-robin` and production-stack's `roundrobin`. */
export const roundRobin = routingPolicy({
  name: "round-robin",
  summary: "each routable replica in turn",
  params: () => z.object({}),
  create: () => {
    let routed = 0;
    return {
      readsSignals: false,
      pick(_request, endpoints) {
        const picked = routed % endpoints.length;
        routed += 1;
        return picked;
      },
    };
  },
});
