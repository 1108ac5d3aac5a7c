import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { HashRing } from "../hash-ring.ts";
import { routingPolicy } from "../policy.ts";
import { RequestRates } from "../request-rates.ts";

/**
 * The endpoint that a ring of hashes gives the session; without session the first that never got a request, else the
 * first of lowest request rate over 60 s (vLLM production-stack, main of 2026, `session`). The ring's hash is ours.
 */
export const productionStackSession = routingPolicy({
  name: "production-stack-session",
  summary: "sessions by consistent hashing, other requests to the lowest rate (vLLM production-stack session)",
  params: () => z.object({}),
  create: () => {
    const ring = new HashRing();
    const rates = new RequestRates();
    return {
      readsSignals: false,
      pick({ session }, endpoints, now) {
        const picked = session === undefined ? rates.lowest(endpoints, now) : ring.find(session, endpoints);
        rates.count((endpoints[picked] as Endpoint).name, now);
        return picked;
      },
      left: (name) => rates.forget(name),
    };
  },
});
