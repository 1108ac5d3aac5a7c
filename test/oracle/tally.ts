import { type EngineHistograms, noCounts } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import { fineSecondsBounds } from "../../src/model/fine-bounds.ts";
import { Histogram } from "../../src/model/metric-family.ts";
import type { Sequence } from "./sequence.ts";

// Bounds of vllm/v1/metrics/loggers.py (May 2026), in seconds or tokens.
const FIRST_TOKEN = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const BETWEEN_TOKENS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];
const REQUEST = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];
const STEP = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];

/** 1, 2, 5, 10, 20, 50 ... up to `most`. */
const lengthsUpTo = (most: number): readonly number[] => {
  const bounds: number[] = [];
  for (let decade = 1; decade <= most; decade *= 10) bounds.push(decade, 2 * decade, 5 * decade);
  return bounds.filter((bound) => bound <= most);
};

export const noObservations = (maxModelLen: number): Required<EngineHistograms> => {
  const lengths = lengthsUpTo(maxModelLen);
  const of = (bounds: readonly number[]): Histogram => new Histogram(bounds);
  return {
    timeToFirstToken: of(FIRST_TOKEN),
    interTokenLatency: of(BETWEEN_TOKENS),
    interTokenFine: of(fineSecondsBounds),
    timePerOutputToken: of(BETWEEN_TOKENS),
    e2eLatency: of(REQUEST),
    queueTime: of(REQUEST),
    inferenceTime: of(REQUEST),
    prefillTime: of(REQUEST),
    decodeTime: of(REQUEST),
    iterationTokens: of(STEP),
    promptTokens: of(lengths),
    generationTokens: of(lengths),
    prefillComputedTokens: of(lengths),
    maxGenerationTokens: of(lengths),
    paramsN: of([1, 2, 5, 10, 20]),
  };
};

/** What vLLM's front end counts of one rank: vllm/v1/metrics/stats.py and loggers.py (May 2026). */
export class Tally {
  readonly counters = noCounts();
  readonly histograms: Required<EngineHistograms>;
  /** Microseconds, so that the sum doesn't depend on the order of adding. */
  #gaps = 0;
  /** Prompt tokens computed for those whose first token this step brings. */
  #promptTokens = 0;

  constructor(maxModelLen: number) {
    this.histograms = noObservations(maxModelLen);
  }

  /** @param micros time to first token as the client sees it */
  firstToken({ request, cached }: Sequence, micros: number): void {
    this.counters.promptTokens += request.promptTokens;
    this.counters.promptTokensCached += cached;
    this.#promptTokens += request.promptTokens - cached;
    this.histograms.timeToFirstToken.observe(micros / 1e6);
  }

  gap(micros: number): void {
    const { interTokenLatency, interTokenFine } = this.histograms;
    this.#gaps += micros;
    for (const histogram of [interTokenLatency, interTokenFine]) {
      histogram.observe(micros / 1e6);
      histogram.sum = this.#gaps / 1e6;
    }
  }

  /** A step has ended, which brought `outputs` tokens. One that brought none doesn't show (vllm/v1/engine/async_llm.py). */
  stepped(outputs: number, busyMicros: number): void {
    this.counters.steps += 1;
    this.counters.generationTokens += outputs;
    this.counters.busyMicros += busyMicros;
    if (outputs > 0) this.histograms.iterationTokens.observe(this.#promptTokens + outputs);
    this.#promptTokens = 0;
  }

  /** Intervals inside the engine end with the step; the end-to-end time is the client's. */
  finished({ arrived, queued, scheduled, firstToken, lastToken }: Sequence, facts: Finished): void {
    const { histograms } = this;
    const { outputTokens, cachedTokens, request, outcome, end } = facts;
    const seconds = (from = 0, to = 0): number => (to - from) / 1e6;
    const decode = seconds(firstToken, lastToken);
    this.counters.success[outcome === "length" ? "length" : "stop"] += 1;
    histograms.e2eLatency.observe(seconds(arrived, end));
    histograms.queueTime.observe(seconds(queued, scheduled));
    histograms.inferenceTime.observe(seconds(scheduled, lastToken));
    histograms.prefillTime.observe(seconds(scheduled, firstToken));
    histograms.decodeTime.observe(decode);
    histograms.timePerOutputToken.observe(outputTokens > 1 ? decode / (outputTokens - 1) : 0);
    histograms.promptTokens.observe(request.promptTokens);
    histograms.generationTokens.observe(outputTokens);
    histograms.maxGenerationTokens.observe(outputTokens);
    histograms.prefillComputedTokens.observe(request.promptTokens - cachedTokens);
    histograms.paramsN.observe(1);
  }
}
