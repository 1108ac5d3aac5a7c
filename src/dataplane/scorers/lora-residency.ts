import * as z from "zod";
import { alike, minMax } from "../columns.ts";
import { scorer } from "../scorer.ts";

/**
 * 1 where the adapter is resident and 0 where not, if that tells the candidates apart; else, and without an adapter, 1
 * for all (BLIS, inference-sim@f90a1e3a). Resident is what runs, as last scraped: an idle adapter in a slot is not seen.
 */
export const loraResidency = scorer({
  name: "lora-affinity",
  summary: "prefer endpoints where the adapter is resident (BLIS)",
  params: () => z.object({}),
  create: () => ({
    score(ask, into) {
      const { request, endpoints, kept, count } = ask;
      const { adapter } = request;
      if (adapter === undefined) return alike(ask, into, 1);
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        into[at] = (endpoints[at] as (typeof endpoints)[number]).lora?.running.includes(adapter) === true ? 1 : 0;
      }
      minMax(ask, into);
    },
  }),
});
