import * as z from "zod";
import { decider } from "../decider.ts";

/**
 * Prompts of which the decode endpoint, already picked, lacks at least `nonCachedTokens`; 0: none. Prompts below
 * `promptTokens` never (llm-d-router v0.9). It goes by the approximate index, whatever the scorers go by.
 */
export const prefixBasedPd = decider({
  name: "prefix-based-pd-decider",
  summary: "prompts of which the decode endpoint lacks enough are computed by a prefill endpoint",
  params: () =>
    z.object({
      nonCachedTokens: z.int().min(0).default(0).meta({ description: "Fewest tokens worth it; 0: never." }),
      promptTokens: z.int().min(0).default(0).meta({ description: "Fewest tokens of the whole prompt." }),
    }),
  create: ({ nonCachedTokens, promptTokens }, { knowledge }) => {
    if (nonCachedTokens === 0) return { disaggregate: () => false };
    const prefix = knowledge.prefix();
    return {
      disaggregate({ request }, decode) {
        if (request.promptTokens < Math.max(promptTokens, nonCachedTokens)) return false;
        return request.promptTokens - (prefix.matched[decode] as number) * prefix.blockSize >= nonCachedTokens;
      },
    };
  },
});
