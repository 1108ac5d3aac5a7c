import { type EngineHistograms, noCounts } from "../model/engine-state.ts";
import type { Finished } from "../model/fact.ts";
import { Histogram } from "../model/metric-family.ts";
import { START } from "../sim/time.ts";
import { GapTally, ITL_BOUNDS } from "./gap-tally.ts";
import type { Sequence } from "./sequence.ts";

// Bounds of vllm/v1/metrics/loggers.py (May 2026), in seconds or tokens.
const TTFT = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const REQUEST = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];
const STEP = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];

/** Ended requests that are kept until somebody looks, and what is kept of each. */
const ROWS = 32;
const WIDTH = 8;

/** Its bucket of `tokens`, a whole number: sought in every step, and its bounds are powers of two. */
const stepBucketOf = (tokens: number): number =>
  tokens <= 1 ? 0 : Math.min(STEP.length, Math.max(1, 30 - Math.clz32(tokens - 1)));

/** 1, 2, 5, 10, 20, 50 ... up to the largest not above `most` (vLLM build_1_2_5_buckets). */
export const oneTwoFive = (most: number): readonly number[] => {
  const bounds: number[] = [];
  for (let decade = 1; ; decade *= 10) {
    for (const mantissa of [1, 2, 5]) {
      if (mantissa * decade > most) return bounds;
      bounds.push(mantissa * decade);
    }
  }
};

/** What vLLM's front end counts of one engine: vllm/v1/metrics/stats.py and loggers.py. */
export class EngineMetrics {
  readonly counters = noCounts();
  readonly #histograms: EngineHistograms;
  readonly #gaps = new GapTally();
  /**
   * Requests that have ended and aren't in the histograms yet, each in a row: end-to-end, queue, inference, prefill and
   * decode time in microseconds, prompt, cached and output tokens. Many at once they cost less: what counts them stays in
   * the processor's instruction cache.
   */
  readonly #rows = new Float64Array(ROWS * WIDTH);
  #ended = 0;
  /** Of the step being applied: prompt tokens computed for those with a first token, and outputs. */
  #iterationTokens = 0;

  constructor(maxModelLen: number) {
    const lengths = oneTwoFive(maxModelLen);
    const of = (bounds: readonly number[]): Histogram => new Histogram(bounds);
    const generationTokens = of(lengths);
    this.#histograms = {
      timeToFirstToken: of(TTFT),
      interTokenLatency: this.#gaps.coarse,
      interTokenFine: this.#gaps.fine,
      timePerOutputToken: of(ITL_BOUNDS),
      e2eLatency: of(REQUEST),
      queueTime: of(REQUEST),
      inferenceTime: of(REQUEST),
      prefillTime: of(REQUEST),
      decodeTime: of(REQUEST),
      iterationTokens: of(STEP),
      promptTokens: of(lengths),
      generationTokens,
      prefillComputedTokens: of(lengths),
      // Of several outputs of a request the longest; each has one.
      maxGenerationTokens: generationTokens,
      paramsN: of([1, 2, 5, 10, 20]),
    };
  }

  /** The live ones, to be read before anything more is counted. */
  get histograms(): EngineHistograms {
    this.#gaps.flush();
    this.#settle();
    return this.#histograms;
  }

  /** @param seconds time to first token as the client sees it */
  firstToken({ request, cached }: Sequence, seconds: number): void {
    this.counters.promptTokens += request.promptTokens;
    this.counters.promptTokensCached += cached;
    this.#iterationTokens += request.promptTokens - cached;
    this.#histograms.timeToFirstToken.observe(seconds);
  }

  /** `count` requests had a gap of `length` microseconds between two tokens. */
  gap(length: number, count = 1): void {
    this.#gaps.add(length, count);
  }

  /** The same for steps with ends `from` to `to`. @param beyond added to the length of each, microseconds */
  gaps(ends: Float64Array, from: number, to: number, begin: number, beyond: number, count: number): void {
    this.#gaps.addRun(ends, from, to, begin, beyond, count);
  }

  /** A step has ended: `outputs` tokens came out of it. Steps without any don't show (vllm/v1/engine/async_llm.py). */
  stepped(outputs: number, length: number): void {
    this.counters.steps += 1;
    this.counters.generationTokens += outputs;
    this.counters.busyMicros += length;
    if (outputs > 0) this.#iterated(this.#iterationTokens + outputs, 1);
    this.#iterationTokens = 0;
  }

  /** `steps` steps of `length` microseconds in sum have ended, each of which only brought `outputs` running requests a token. */
  steppedOn(steps: number, outputs: number, length: number): void {
    this.counters.steps += steps;
    this.counters.generationTokens += steps * outputs;
    this.counters.busyMicros += length;
    if (outputs > 0) this.#iterated(outputs, steps);
  }

  #iterated(tokens: number, steps: number): void {
    this.#histograms.iterationTokens.add(stepBucketOf(tokens), tokens, steps);
  }

  /** `drafts` draft tokens of one request were verified in one step. */
  drafted(drafts: number, accepted: number): void {
    this.counters.drafts += 1;
    this.counters.draftTokens += drafts;
    this.counters.acceptedTokens += accepted;
  }

  /** Intervals inside the engine end with the step; the end-to-end time is the client's. */
  finished(sequence: Sequence, { request, outcome, end, outputTokens, cachedTokens }: Finished): void {
    const { arrived, queued, lastToken, scheduled = START, firstToken = START } = sequence;
    this.counters.success[outcome === "length" ? "length" : "stop"] += 1;
    const rows = this.#rows;
    const row = this.#ended * WIDTH;
    rows[row] = end - arrived;
    rows[row + 1] = scheduled - queued;
    rows[row + 2] = lastToken - scheduled;
    rows[row + 3] = firstToken - scheduled;
    rows[row + 4] = lastToken - firstToken;
    rows[row + 5] = request.promptTokens;
    rows[row + 6] = cachedTokens;
    rows[row + 7] = outputTokens;
    this.#ended += 1;
    if (this.#ended === ROWS) this.#settle();
  }

  /** Those that have ended go into the histograms. */
  #settle(): void {
    const histograms = this.#histograms;
    const rows = this.#rows;
    const upTo = this.#ended * WIDTH;
    for (let row = 0; row < upTo; row += WIDTH) {
      const e2e = (rows[row] as number) / 1e6;
      const inference = (rows[row + 2] as number) / 1e6;
      const decoding = (rows[row + 4] as number) / 1e6;
      const promptTokens = rows[row + 5] as number;
      const cachedTokens = rows[row + 6] as number;
      const outputTokens = rows[row + 7] as number;
      // What has the same bounds, and often about the same value, often has the same bucket.
      const near = histograms.e2eLatency.bucketOf(e2e);
      histograms.e2eLatency.add(near, e2e);
      histograms.queueTime.observe((rows[row + 1] as number) / 1e6);
      histograms.inferenceTime.add(histograms.inferenceTime.bucketOf(inference, near), inference);
      histograms.prefillTime.observe((rows[row + 3] as number) / 1e6);
      histograms.decodeTime.add(histograms.decodeTime.bucketOf(decoding, near), decoding);
      histograms.timePerOutputToken.observe(outputTokens > 1 ? decoding / (outputTokens - 1) : 0);
      const prompt = histograms.promptTokens.bucketOf(promptTokens);
      histograms.promptTokens.add(prompt, promptTokens);
      if (cachedTokens === 0) histograms.prefillComputedTokens.add(prompt, promptTokens);
      else histograms.prefillComputedTokens.observe(promptTokens - cachedTokens);
      histograms.generationTokens.observe(outputTokens);
      histograms.paramsN.add(0, 1);
    }
    this.#ended = 0;
  }

  /** Aborted requests count as such; their times are those of the client's patience, and vLLM observes none. */
  aborted(): void {
    this.counters.success.abort += 1;
  }

  /** The same for those that ended by an error. */
  failed(): void {
    this.counters.success.error += 1;
  }
}
