import * as z from "zod";
import { byName, list } from "./json-document.ts";

/*
 * One line of `servetwin run --decisions`: a decision, in units that its names tell, for `docs/schemas/`. `null`: there was none.
 */

const believed = z
  .object({
    ageUs: z.int().nullable().meta({ description: "Of the scrape; null before the first." }),
    waiting: z.number(),
    running: z.number(),
    kvUsageRatio: z.number(),
    inFlight: z.number().meta({ description: "Sent there by this picker itself, and not over." }),
    cachedTokens: z.number().nullable().meta({
      description:
        "Of this request's prompt, by its precise prefix index, else by its approximate one; null: it has none.",
    }),
  })
  .meta({ description: "What the picker went by." });

const truth = z
  .object({
    waiting: z.number(),
    running: z.number(),
    kvUsageRatio: z.number(),
    promptTokensAhead: z.number().meta({ description: "Of requests that it holds, still to be computed." }),
    cachedTokens: z.number().meta({ description: "Of this request's prompt." }),
    stepLeftSeconds: z.number(),
    tokensPerStep: z.number(),
    stepSeconds: z.number(),
  })
  .meta({ description: "What was the case inside the replica at that moment, as no picker can know it." });

const endpoint = z.object({
  name: z.string(),
  droppedBy: z.string().nullable().meta({ description: "The filter; null: it was scored." }),
  scores: byName(z.number()).meta({ description: "By scorer, before weights." }),
  total: z.number().meta({ description: "What the picker compared." }),
  predictedTtftSeconds: z.number().meta({ description: "By what was true; docs/report.md has the formula." }),
  believed,
  truth,
});

export const decisionDocument = z.object({
  atUs: z.int().meta({ description: "Since the start." }),
  requestId: z.int(),
  promptTokens: z.int(),
  sloClass: z.string().nullable(),
  tenant: z.string().nullable(),
  picker: z
    .string()
    .nullable()
    .meta({ description: "Who decided: the endpoint picker's pod, or `router-N` of several; null: the one gateway." }),
  profile: z.string(),
  chosen: z.string().nullable(),
  chosenTtftSeconds: z.number().nullable(),
  bestOther: z.string().nullable(),
  bestOtherTtftSeconds: z.number().nullable(),
  regretSeconds: z.number(),
  endpoints: list(endpoint),
});
export type DecisionLine = z.output<typeof decisionDocument>;
