import * as z from "zod";
import { handler } from "../handler.ts";
import { decodeFirst, prefillFirst } from "../stages.ts";

/** EPP takes these in any case, with dashes, underscores or neither. */
const ORDERS: Readonly<Record<string, "decode-first" | "prefill-first">> = {
  "": "decode-first",
  decode: "decode-first",
  decodefirst: "decode-first",
  prefill: "prefill-first",
  prefillfirst: "prefill-first",
};

const orderOf = (text: string) => ORDERS[text.replace(/[-_]/g, "").toLowerCase()];

const name = (what: string) => z.string().min(1).optional().meta({ description: what });

/**
 * A decode profile, and a prefill profile where its decider says so after decode was picked; where no prefill endpoint
 * survives, the request runs on decode alone. `prefill-first` turns them round and always runs prefill. The old flat
 * parameters are taken too, as there (llm-d-router v0.9). Encode stages are not modelled: a request runs without.
 */
export const disaggProfile = handler({
  name: "disagg-profile-handler",
  summary: "a decode endpoint, and a prefill endpoint where it is worth it",
  params: () =>
    z.object({
      stageOrder: z
        .string()
        .refine((order) => orderOf(order) !== undefined, { error: "must be decode-first or prefill-first" })
        .default("decode-first")
        .meta({ description: "Which stage is picked first: decode-first or prefill-first." }),
      profiles: z
        .strictObject({
          decode: name("Profile of the decode stage."),
          prefill: name("Profile of the prefill stage."),
          encode: name("Profile of the encode stage."),
        })
        .default({})
        .meta({ description: "Names of the profiles; left out: decode, prefill, encode." }),
      deciders: z
        .strictObject({
          prefill: name("Decides on prefill; left out: never."),
          encode: name("Decides on encode; left out: never."),
        })
        .default({})
        .meta({ description: "Who decides whether a stage runs." }),
      decodeProfile: name("Old spelling of profiles.decode."),
      prefillProfile: name("Old spelling of profiles.prefill."),
      encodeProfile: name("Old spelling of profiles.encode."),
      prefillDeciderPluginName: name("Old spelling of deciders.prefill."),
      encodeDeciderPluginName: name("Old spelling of deciders.encode."),
      deciderPluginName: name("Older spelling of deciders.prefill."),
    }),
  create: (said, { decider }) => {
    const decode = said.profiles.decode ?? said.decodeProfile ?? "decode";
    const prefill = said.profiles.prefill ?? said.prefillProfile ?? "prefill";
    if (orderOf(said.stageOrder) === "prefill-first")
      return { place: (profiles) => prefillFirst(profiles, decode, prefill) };
    const decides = said.deciders.prefill ?? said.prefillDeciderPluginName ?? said.deciderPluginName;
    const by = decides === undefined ? undefined : decider(decides);
    return { place: (profiles) => decodeFirst(profiles, decode, prefill, by) };
  },
});
