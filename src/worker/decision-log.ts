import type { ConsideredEndpoint, Decision, DecisionTap } from "../model/decision.ts";
import type { RequestHead } from "../model/request.ts";
import { counterfactual, predictedTtftSeconds } from "../report/counterfactual.ts";
import type { DecisionLine } from "../schema/decision-document.ts";
import { LineFile } from "./line-file.ts";

/** Writes the decisions about every Nth request of a run, a line of JSON each, as they are made. */
export class DecisionLog implements DecisionTap {
  readonly #file: LineFile;
  readonly #every: number;

  /** @param every N: of the requests whose number is a multiple of it. @throws UnwritableFileError */
  constructor(path: string, every: number) {
    this.#file = new LineFile(path);
    this.#every = every;
  }

  wants({ id }: RequestHead): boolean {
    return id % this.#every === 0;
  }

  tell(decision: Decision): void {
    this.#file.write(`${JSON.stringify(lineOf(decision))}\n`);
  }

  end(): void {
    this.#file.end();
  }

  discard(): void {
    this.#file.discard();
  }
}

const lineOf = (decision: Decision): DecisionLine => {
  const { at, request, picker, profile, chosen, endpoints } = decision;
  const { bestOther, bestOtherTtftSeconds, chosenTtftSeconds, regretSeconds } = counterfactual(decision);
  return {
    atUs: at,
    requestId: request.id,
    promptTokens: request.promptTokens,
    sloClass: request.sloClass ?? null,
    tenant: request.tenant ?? null,
    picker: picker ?? null,
    profile,
    chosen: chosen ?? null,
    chosenTtftSeconds: chosenTtftSeconds ?? null,
    bestOther: bestOther ?? null,
    bestOtherTtftSeconds: bestOtherTtftSeconds ?? null,
    regretSeconds,
    endpoints: endpoints.map((endpoint) => endpointLine(endpoint, decision)),
  };
};

const endpointLine = (
  { name, droppedBy, scores, total, believed, truth }: ConsideredEndpoint,
  { at, request }: Decision,
): DecisionLine["endpoints"][number] => ({
  name,
  droppedBy: droppedBy ?? null,
  scores,
  total,
  predictedTtftSeconds: predictedTtftSeconds(truth, request.promptTokens),
  believed: {
    ageUs: believed.scrapedAt === undefined ? null : at - believed.scrapedAt,
    waiting: believed.waiting,
    running: believed.running,
    kvUsageRatio: believed.kvUsage,
    inFlight: believed.inFlight,
    cachedTokens: believed.cachedTokens ?? null,
  },
  truth: {
    waiting: truth.waiting,
    running: truth.running,
    kvUsageRatio: truth.kvUsage,
    promptTokensAhead: truth.promptTokensAhead,
    cachedTokens: truth.cachedTokens,
    stepLeftSeconds: truth.stepLeftSeconds,
    tokensPerStep: truth.tokensPerStep,
    stepSeconds: truth.stepSeconds,
  },
});
