import * as z from "zod";
import { stateless, usageLimit } from "../usage-limit.ts";

/**
 * Ceilings fall in even steps from 1 for the highest band to `threshold` for the lowest. Source: BLIS,
 * sim/cluster/gateway_queue.go `DequeueGated` (--flow-control's usage limit threshold; 1 blocks no band before another).
 */
export const interpolated = usageLimit({
  name: "interpolated",
  summary: "ceilings fall evenly from 1 to `threshold`, as BLIS's usage limit threshold",
  params: () =>
    z.object({
      threshold: z.number().positive().max(1).default(1).meta({ description: "Ceiling of the lowest band." }),
    }),
  create: ({ threshold }) =>
    stateless((_saturation, priorities, ceilings) => {
      const last = priorities.length - 1;
      for (let i = 0; i <= last; i += 1) ceilings[i] = last === 0 ? 1 : 1 - (i * (1 - threshold)) / last;
    }),
});
