import { Batch } from "../model/batch.ts";
import { prefixKeys } from "../model/prefix-keys.ts";
import type { RequestHead } from "../model/request.ts";
import type { SimTime } from "../sim/time.ts";
import type { EngineConfig, EngineTiming } from "./engine.ts";
import type { Rank } from "./rank.ts";
import type { Sequence } from "./sequence.ts";

/** What a request would meet in an engine now: the truth inside, which a gateway can't know. */
export interface Outlook {
  /** Prompt tokens of requests that wait or run which are yet to be computed. */
  readonly promptTokensAhead: number;
  /** Of its own prompt, found in the cache; at least one is always computed. */
  readonly cachedTokens: number;
  /** Until the step under way ends; 0 without one. */
  readonly stepLeftMicros: number;
  /** Prompt tokens that a step takes beside the requests that generate, and how long such a step takes. */
  readonly tokensPerStep: number;
  readonly stepMicros: number;
}

/** An engine that can be asked, by whoever explains decisions. */
export interface Foreseeable {
  /** What a request would meet if it came now. @throws if a step ended after `now` */
  outlook(request: RequestHead, now: SimTime): Outlook;
}

interface Parts {
  readonly rank: Rank;
  readonly sequences: readonly Sequence[];
  readonly config: EngineConfig;
  readonly timing: EngineTiming;
  /** The step under way. */
  readonly step: { readonly end: SimTime; readonly batch: Batch } | undefined;
}

export const outlookOf = (
  { rank, sequences, config, timing, step }: Parts,
  request: RequestHead,
  now: SimTime,
): Outlook => {
  const promptTokensAhead = sequences.reduce((sum, { state, request: { promptTokens }, computed }) => {
    return state === "gone" ? sum : sum + Math.max(0, promptTokens - computed);
  }, 0);
  const decodes = step?.batch.decodes ?? 0;
  const tokensPerStep = Math.max(1, config.maxNumBatchedTokens - decodes);
  const batch = new Batch(step?.batch.window);
  batch.addPrefill(0, tokensPerStep, Math.max(tokensPerStep, request.promptTokens));
  if (step !== undefined) batch.addDecodes(decodes, step.batch.decodeContext, step.batch.decodeWindow);
  return {
    promptTokensAhead,
    cachedTokens: rank.scheduler.cache.cachedTokens(prefixKeys(request, config.blockSize), request.promptTokens),
    stepLeftMicros: step === undefined ? 0 : Math.max(0, step.end - now),
    tokensPerStep,
    stepMicros: Math.max(1, timing.step(batch)),
  };
};
