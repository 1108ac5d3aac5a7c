import * as z from "zod";
import { effectiveLoad } from "../effective-load.ts";
import { leastOf, routingPolicy } from "../policy.ts";

/** The least effective load: waiting, running and in flight; ties uniformly at random (BLIS, inference-sim@f90a1e3a). */
export const leastLoaded = routingPolicy({
  name: "least-loaded",
  summary: "the replica with the least waiting, running and in-flight requests; ties at random",
  params: () => z.object({}),
  create: (_params, { rng }) => ({
    readsSignals: true,
    pick: (_request, endpoints) => leastOf(endpoints, rng, effectiveLoad),
  }),
});
