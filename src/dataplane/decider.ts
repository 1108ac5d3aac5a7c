import { kindOf } from "../model/plugin.ts";
import type { Ask } from "./ask.ts";
import type { PluginContext } from "./knowledge.ts";

/** Says whether a stage of its own (prefill, encode) is worth it for a request. */
export interface Decider {
  /** @param decode position of the decode endpoint, which has been picked already */
  disaggregate(ask: Ask, decode: number): boolean;
}

export const decider = kindOf<PluginContext, Decider>();
