import * as z from "zod";
import { stateless, usageLimit } from "../usage-limit.ts";

/**
 * Lower bands are blocked sooner: their ceilings fall from `maxCeiling` to `minCeiling`, in even steps (`rank`) or by how far
 * their priorities lie apart (`value`). A single band has `maxCeiling`.
 * Source: llm-d-router (August 2026), flowcontrol/usagelimits/priorityholdback.
 */
export const priorityHoldbackPolicy = usageLimit({
  name: "priority-holdback-policy",
  summary: "lower bands are blocked at a lower saturation, down to `minCeiling`",
  params: () =>
    z.object({
      shape: z.enum(["linear"]).default("linear").meta({ description: "How ceilings fall; there is no other." }),
      domain: z
        .enum(["rank", "value"])
        .default("rank")
        .meta({ description: "In even steps from band to band, or by the distance of their priorities." }),
      minCeiling: z.number().min(0).lt(1).meta({ description: "Ceiling of the lowest band; less than `maxCeiling`." }),
      maxCeiling: z.number().positive().max(1).default(1).meta({ description: "Ceiling of the highest band." }),
    }),
  create: ({ domain, minCeiling, maxCeiling }) =>
    stateless((_saturation, priorities, ceilings) => {
      const last = priorities.length - 1;
      const [most, least] = [priorities[0] as number, priorities[last] as number];
      for (let i = 0; i <= last; i += 1) {
        const priority = priorities[i] as number;
        if (last === 0) ceilings[i] = maxCeiling;
        else if (domain === "rank") ceilings[i] = maxCeiling - (i * (maxCeiling - minCeiling)) / last;
        else ceilings[i] = minCeiling + ((priority - least) / (most - least)) * (maxCeiling - minCeiling);
      }
    }),
});
