import * as z from "zod";
import { scorer } from "../scorer.ts";

/** 1 - KV-cache usage as last scraped (llm-d-router v0.9). */
export const kvCacheUtilization = scorer({
  name: "kv-cache-utilization-scorer",
  summary: "prefer free KV cache, as last scraped",
  params: z.object({}),
  create: () => ({
    score({ endpoints, kept, count }, into) {
      for (let k = 0; k < count; k += 1) {
        const at = kept[k] as number;
        into[at] = 1 - (endpoints[at] as (typeof endpoints)[number]).kvUsage;
      }
    },
  }),
});
