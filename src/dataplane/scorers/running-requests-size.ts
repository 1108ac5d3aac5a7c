import * as z from "zod";
import { invertMinMax } from "../columns.ts";
import { scorer } from "../scorer.ts";

/** (max r - r) / (max r - min r) over the candidates, r = running requests as last scraped; 1 where all are equal (llm-d-router v0.9). */
export const runningRequestsSize = scorer({
  name: "running-requests-size-scorer",
  summary: "prefer the fewest running requests, as last scraped",
  params: z.object({}),
  create: () => ({
    score(ask, into) {
      const { endpoints, kept, count } = ask;
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        into[at] = (endpoints[at] as (typeof endpoints)[number]).running;
      }
      invertMinMax(ask, into);
    },
  }),
});
