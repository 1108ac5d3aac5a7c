import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { Ask, Hooks } from "./ask.ts";
import type { Signal } from "./changes.ts";
import type { Holders } from "./holders.ts";
import type { PluginContext } from "./knowledge.ts";

/** Says how well each candidate suits a request. Changes nothing that it is given but its own column. */
export interface Scorer extends Hooks {
  /** Writes a score for each candidate; the profile clamps it to [0, 1]. */
  score(ask: Ask, into: Float64Array): void;
  /** Where the request has no say: how to make the same scores; they are kept as long as nothing else is believed. */
  readonly standing?: Standing;
  /** Where all but a few score 0: who they are, and how to make their scores, which are the same. */
  readonly sparse?: Sparse;
}

/** Scores that follow from what is believed of the endpoints, whatever the request. */
export interface Standing {
  /** The signals that values follow from. */
  readonly of: readonly Signal[];
  /** What counts of an endpoint. */
  valueOf(endpoint: Endpoint): number;
  /** A candidate's score, the candidates' values being between `least` and `most`; left out: its value. */
  scoreOf?(value: number, least: number, most: number): number;
}

/** Scores that are 0 but for those who hold something of the prompt. */
export interface Sparse {
  readonly of: Holders;
  scoreOf(position: number): number;
}

export const scorer = kindOf<PluginContext, Scorer>();
