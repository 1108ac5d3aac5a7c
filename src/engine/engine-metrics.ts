import { type EngineHistograms, noCounts } from "../model/engine-state.ts";
import type { Finished } from "../model/fact.ts";
import { Histogram } from "../model/metric-family.ts";
import { START } from "../sim/time.ts";
import { GapTally, ITL_BOUNDS, type Run } from "./gap-tally.ts";
import type { Sequence } from "./sequence.ts";

// Bounds of vllm/v1/metrics/loggers.py (May 2026), in seconds or tokens.
const TTFT = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560,
];
const REQUEST = [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];
const STEP = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384];

/** What is observed of a request that has ended, in the order of a row; and how many rows are kept at most. */
const COLUMNS = [
  "e2eLatency",
  "queueTime",
  "inferenceTime",
  "prefillTime",
  "decodeTime",
  "timePerOutputToken",
  "promptTokens",
  "prefillComputedTokens",
  "generationTokens",
] as const satisfies readonly (keyof EngineHistograms)[];
const WIDTH = COLUMNS.length;
const ROWS = 32;

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
  readonly #columns: readonly Histogram[];
  /** Of requests that have ended, what is still to be observed: it costs less of many at once. */
  readonly #rows = new Float64Array(ROWS * WIDTH);
  #ended = 0;
  /** Of the step being applied: prompt tokens computed for those with a first token, and outputs. */
  #iterationTokens = 0;

  constructor(maxModelLen: number) {
    const lengths = oneTwoFive(maxModelLen);
    const of = (bounds: readonly number[]): Histogram => new Histogram(bounds);
    const generationTokens = of(lengths);
    const histograms = {
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
    this.#columns = COLUMNS.map((name) => histograms[name]);
    this.#histograms = histograms;
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
  gaps(run: Run, from: number, to: number, begin: number, beyond: number, count: number): void {
    this.#gaps.addRun(run, from, to, begin, beyond, count);
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
    const { promptTokens } = request;
    const decoding = (lastToken - firstToken) / 1e6;
    const { success } = this.counters;
    // Two names, not one of two: V8 looks up what changes.
    if (outcome === "length") success.length += 1;
    else success.stop += 1;
    // In the order of COLUMNS.
    const rows = this.#rows;
    const row = this.#ended * WIDTH;
    rows[row] = (end - arrived) / 1e6;
    rows[row + 1] = (scheduled - queued) / 1e6;
    rows[row + 2] = (lastToken - scheduled) / 1e6;
    rows[row + 3] = (firstToken - scheduled) / 1e6;
    rows[row + 4] = decoding;
    rows[row + 5] = outputTokens > 1 ? decoding / (outputTokens - 1) : 0;
    rows[row + 6] = promptTokens;
    rows[row + 7] = promptTokens - cachedTokens;
    rows[row + 8] = outputTokens;
    this.#ended += 1;
    if (this.#ended === ROWS) this.#settle();
  }

  /** Those that have ended go into the histograms. */
  #settle(): void {
    const upTo = this.#ended * WIDTH;
    if (upTo === 0) return;
    for (let i = 0; i < WIDTH; i += 1) (this.#columns[i] as Histogram).observeColumn(this.#rows, i, upTo, WIDTH);
    this.#histograms.paramsN.add(0, 1, this.#ended);
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
