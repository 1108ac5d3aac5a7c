import * as z from "zod";
import { kindOf } from "../model/plugin.ts";
import type { Ask } from "./ask.ts";
import type { PluginContext } from "./knowledge.ts";
import type { Lead } from "./lead.ts";

/** Takes one of the candidates that are left. */
export interface Picker {
  /**
   * @param scores by position
   * @param lead whose score is the highest, where that is known without a look at all
   * @returns a candidate's position; there is at least one
   */
  pick(ask: Ask, scores: Float64Array, lead?: Lead): number;
}

export const picker = kindOf<PluginContext, Picker>();

/** All pickers of EPP take these; endpoints after the first are a fallback list for the proxy, which is not modelled. */
export const pickerParams = () =>
  z.object({
    maxNumOfEndpoints: z.int().default(1).meta({ description: "Endpoints named to the proxy; the first one counts." }),
  });
