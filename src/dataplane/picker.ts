import * as z from "zod";
import { kindOf } from "../model/plugin.ts";
import type { Ask } from "./ask.ts";
import type { PluginContext } from "./knowledge.ts";

/** Takes one of the candidates that are left. */
export interface Picker {
  /** @param scores by position @returns a candidate's position; there is at least one */
  pick(ask: Ask, scores: Float64Array): number;
}

export const picker = kindOf<PluginContext, Picker>();

/** All pickers of EPP take these; endpoints after the first are a fallback list for the proxy, which is not modelled. */
export const pickerParams = z.object({
  maxNumOfEndpoints: z.int().default(1).meta({ description: "Endpoints named to the proxy; the first one counts." }),
});
