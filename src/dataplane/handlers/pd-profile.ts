import * as z from "zod";
import { handler } from "../handler.ts";
import { decodeFirst } from "../stages.ts";

/** The old spelling of `disagg-profile-handler`, with `prefix-based-pd-decider` unless another is named (llm-d-router v0.9). */
export const pdProfile = handler({
  name: "pd-profile-handler",
  summary: "old name of disagg-profile-handler",
  params: () =>
    z.object({
      decodeProfile: z.string().min(1).default("decode").meta({ description: "Profile of the decode stage." }),
      prefillProfile: z.string().min(1).default("prefill").meta({ description: "Profile of the prefill stage." }),
      deciderPluginName: z
        .string()
        .min(1)
        .default("prefix-based-pd-decider")
        .meta({ description: "Decides whether prefill runs." }),
      primaryPort: z.int().min(0).max(65_535).default(0).meta({ description: "Ignored." }),
      prefixPluginType: z.string().optional().meta({ description: "Ignored." }),
      prefixPluginName: z.string().optional().meta({ description: "Ignored." }),
      prefixMatchInfoProducerName: z.string().optional().meta({ description: "Ignored." }),
    }),
  create: ({ decodeProfile, prefillProfile, deciderPluginName }, context) => {
    const decider = context.decider(deciderPluginName);
    return { place: (profiles) => decodeFirst(profiles, decodeProfile, prefillProfile, decider) };
  },
});
