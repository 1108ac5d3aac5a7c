import { kindOf } from "../model/plugin.ts";
import type { Ask, Hooks } from "./ask.ts";
import type { PluginContext } from "./knowledge.ts";

/** Says how well each candidate suits a request. Changes nothing that it is given but its own column. */
export interface Scorer extends Hooks {
  /** Writes a score for each candidate; the profile clamps it to [0, 1]. */
  score(ask: Ask, into: Float64Array): void;
}

export const scorer = kindOf<PluginContext, Scorer>();
