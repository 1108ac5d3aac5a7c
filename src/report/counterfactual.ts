import type { ConsideredEndpoint, Decision, TrueState } from "../model/decision.ts";

export interface Counterfactual {
  /** The other endpoint with the least predicted time to first token, the first of several; dropped ones are among them. */
  readonly bestOther: string | undefined;
  readonly bestOtherTtftSeconds: number | undefined;
  /** Of the one picked. */
  readonly chosenTtftSeconds: number | undefined;
  /** How much sooner the best other would have been; 0 if it would not, or there is nothing to compare. */
  readonly regretSeconds: number;
}

/**
 * Time to first token by what was true in a replica when the request was sent there: the step under way ends, then all prompt
 * tokens ahead of it and its own that are not cached are computed, at the pace of steps that are full.
 * What comes later (arrivals, ends, preemptions, a cache that is short of blocks) is not foreseen. The twin's own measure.
 */
export const predictedTtftSeconds = (truth: TrueState, promptTokens: number): number => {
  const own = Math.max(1, promptTokens - truth.cachedTokens);
  const steps = (truth.promptTokensAhead + own) / Math.max(1, truth.tokensPerStep);
  return truth.stepLeftSeconds + steps * truth.stepSeconds;
};

export const counterfactual = ({ request, endpoints, chosen }: Decision): Counterfactual => {
  const predicted = ({ truth }: ConsideredEndpoint): number => predictedTtftSeconds(truth, request.promptTokens);
  const own = endpoints.find(({ name }) => name === chosen);
  let best: { readonly name: string; readonly seconds: number } | undefined;
  for (const endpoint of endpoints) {
    if (endpoint === own) continue;
    const seconds = predicted(endpoint);
    if (best === undefined || seconds < best.seconds) best = { name: endpoint.name, seconds };
  }
  const chosenTtftSeconds = own === undefined ? undefined : predicted(own);
  const regret = best === undefined || chosenTtftSeconds === undefined ? 0 : chosenTtftSeconds - best.seconds;
  return {
    bestOther: best?.name,
    bestOtherTtftSeconds: best?.seconds,
    chosenTtftSeconds,
    regretSeconds: Math.max(0, regret),
  };
};
