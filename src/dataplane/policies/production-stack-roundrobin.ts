import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { routingPolicy } from "../policy.ts";

/** Request n goes to the n-th endpoint in order of address, here of name (vLLM production-stack, main of 2026, `roundrobin`). */
export const productionStackRoundRobin = routingPolicy({
  name: "production-stack-roundrobin",
  summary: "each replica in turn, in order of name (vLLM production-stack roundrobin)",
  params: () => z.object({}),
  create: () => {
    let routed = 0;
    return {
      readsSignals: false,
      pick(_request, endpoints) {
        const order = endpoints.map((_, index) => index);
        order.sort((a, b) => ((endpoints[a] as Endpoint).name < (endpoints[b] as Endpoint).name ? -1 : 1));
        const picked = order[routed % order.length] as number;
        routed += 1;
        return picked;
      },
    };
  },
});
