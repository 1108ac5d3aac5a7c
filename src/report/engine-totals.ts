import type { EngineState } from "../model/engine-state.ts";
import { Histogram } from "../model/metric-family.ts";
import { invariant } from "../sim/invariant.ts";

/** Counters of several engines together, those of ended pods too. */
export class EngineTotals {
  generationTokens = 0;
  promptTokens = 0;
  preemptions = 0;
  prefixQueries = 0;
  prefixHits = 0;
  /** undefined before the first engine. */
  interToken: Histogram | undefined;

  /** Adds all that an engine has counted since its start. */
  add({ counters, histograms }: EngineState): void {
    this.generationTokens += counters.generationTokens;
    this.promptTokens += counters.promptTokens;
    this.preemptions += counters.preemptions;
    this.prefixQueries += counters.prefixQueries;
    this.prefixHits += counters.prefixHits;
    this.#addInterToken(histograms.interTokenFine ?? histograms.interTokenLatency, 1);
  }

  /** @returns what came on top of `before` */
  since(before: EngineTotals): EngineTotals {
    const rest = new EngineTotals();
    rest.generationTokens = this.generationTokens - before.generationTokens;
    rest.promptTokens = this.promptTokens - before.promptTokens;
    rest.preemptions = this.preemptions - before.preemptions;
    rest.prefixQueries = this.prefixQueries - before.prefixQueries;
    rest.prefixHits = this.prefixHits - before.prefixHits;
    if (this.interToken !== undefined) rest.#addInterToken(this.interToken, 1);
    if (before.interToken !== undefined) rest.#addInterToken(before.interToken, -1);
    return rest;
  }

  /** The same and `states` on top; changes nothing. */
  with(states: readonly EngineState[]): EngineTotals {
    const all = this.since(new EngineTotals());
    for (const state of states) all.add(state);
    return all;
  }

  #addInterToken(histogram: Histogram, sign: 1 | -1): void {
    this.interToken ??= new Histogram(histogram.bounds);
    const { bounds, counts } = this.interToken;
    invariant(bounds.length === histogram.bounds.length, "engines share the bounds of their histograms");
    for (let i = 0; i < counts.length; i += 1) {
      counts[i] = (counts[i] as number) + sign * (histogram.counts[i] as number);
    }
    this.interToken.sum += sign * histogram.sum;
  }
}
