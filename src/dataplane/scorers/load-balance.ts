import * as z from "zod";
import { effectiveLoad } from "../effective-load.ts";
import { scorer } from "../scorer.ts";

/** 1 / (1 + effective load) (BLIS, inference-sim@f90a1e3a). */
export const loadBalance = scorer({
  name: "load-balance",
  summary: "prefer the least effective load: waiting, running and in flight (BLIS)",
  params: z.object({}),
  create: () => ({
    score({ endpoints, kept, count }, into) {
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        into[at] = 1 / (1 + effectiveLoad(endpoints[at] as (typeof endpoints)[number]));
      }
    },
  }),
});
