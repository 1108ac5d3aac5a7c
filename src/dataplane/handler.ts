import { kindOf } from "../model/plugin.ts";
import type { Ask, Placed } from "./ask.ts";
import type { Decider } from "./decider.ts";

/** The profiles of a scheduler, to be run in whatever order a handler likes. */
export interface Profiles {
  readonly ask: Ask;
  readonly names: readonly string[];
  /** @param peer position of the endpoint of another stage; -1: none @returns position of the pick; -1: nobody survived */
  run(profile: string, peer?: number): number;
  /** What a handler decided, as it tells it. @param prefill -1: none @returns the same object each time */
  placed(primary: number, prefill: number): Placed;
}

/** Picks which profiles run, and makes one decision of theirs. */
export interface ProfileHandler {
  /** @returns undefined where no endpoint survives */
  place(profiles: Profiles): Placed | undefined;
}

export interface HandlerContext {
  /** @throws where no decider has that name; `schedulingProblems` has said so before */
  decider(name: string): Decider;
}

export const handler = kindOf<HandlerContext, ProfileHandler>();
