import * as z from "zod";
import type { Endpoint } from "../../model/endpoint.ts";
import { admission } from "../admission.ts";

/**
 * While the fullest endpoint has more than `threshold` requests, whoever's priority is below `minPriority` is refused. With the
 * threshold of 0 that is whenever there is any work. Source: BLIS, sim/admission.go `TierShedAdmission`; its effective load is
 * waiting + running + in flight, and its flags' defaults.
 */
export const tierShed = admission({
  name: "tier-shed",
  summary: "refuse low priorities while any endpoint is loaded, as BLIS's `tier-shed`",
  params: () =>
    z.object({
      threshold: z
        .int()
        .nonnegative()
        .default(0)
        .meta({ description: "Load of the fullest endpoint above which is shed." }),
      minPriority: z.int().default(3).meta({ description: "Least priority that still gets in." }),
    }),
  create: ({ threshold, minPriority }) => ({
    readsSignals: true,
    refusal({ head, priority }, endpoints) {
      const load = fullest(endpoints);
      if (load <= threshold || priority >= minPriority) return undefined;
      return `tier-shed: class ${head.sloClass ?? "standard"}, priority ${priority} below ${minPriority} at load ${load}`;
    },
  }),
});

const fullest = (endpoints: readonly Endpoint[]): number => {
  let most = 0;
  for (const { waiting, running, inFlight } of endpoints) most = Math.max(most, waiting + running + inFlight);
  return most;
};
