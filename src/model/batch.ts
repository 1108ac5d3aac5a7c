/**
 * What one engine step computes, as additive integers: step time depends on nothing else about the batch
 * (design notes, "Fast and exact"). All are whole and stay below 2^53.
 */
export class Batch {
  /** B: requests given tokens. */
  requests = 0;
  /** P: new prompt tokens. */
  prefillTokens = 0;
  /** A2: sum of n(2 in + n) over prefills; in = whole prompt. */
  prefillReach = 0;
  /** S: sum of tokens already computed, over prefills. */
  prefillStart = 0;
  /** Q: sum of n(2 s + n - 1) over prefills; s = tokens already computed. */
  prefillPairs = 0;
  /** Tokens beyond `prefillKnee` of their prompt: x. */
  lateTokens = 0;
  /** Sum of x(2b + x); b = position where the late part of a chunk begins. */
  latePairs = 0;
  /** Sum of x(2 in + n) over the chunks with a late part. */
  lateReach = 0;
  /** Requests among them that prefill. */
  prefills = 0;
  /** Like `prefillPairs`, where each token looks back at most `window` tokens. */
  prefillWindowPairs = 0;
  /** D: requests that decode. */
  decodes = 0;
  /** Their tokens: one each, and the drafts of speculative decoding. */
  decodeTokens = 0;
  /** C: sum of their contexts before the step. */
  decodeContext = 0;
  /** The same with each context cut to the window; 0 without one. */
  decodeWindow = 0;
  /** Distinct LoRA adapters. */
  adapters = 0;
  /** Tokens of images and the like that are encoded. */
  encoderTokens = 0;

  /** Tokens that sliding-window layers look back; 0: there are none. */
  readonly window: number;

  /** Position of a prompt from which prefill is charged at the measured utilisation (design notes 2.5). */
  static readonly prefillKnee = 1024;

  constructor(window = 0) {
    this.window = window;
  }

  clear(): void {
    this.requests = this.prefillTokens = this.prefillReach = this.prefillStart = this.prefillPairs = 0;
    this.lateTokens = this.latePairs = this.lateReach = this.decodes = this.decodeTokens = this.decodeContext = 0;
    this.prefills = this.prefillWindowPairs = this.decodeWindow = this.adapters = this.encoderTokens = 0;
  }

  /** Becomes `times` such batches; the same adapters serve all. */
  assignTimes(one: Batch, times: number): void {
    this.requests = one.requests * times;
    this.prefillTokens = one.prefillTokens * times;
    this.prefillReach = one.prefillReach * times;
    this.prefillStart = one.prefillStart * times;
    this.prefillPairs = one.prefillPairs * times;
    this.lateTokens = one.lateTokens * times;
    this.latePairs = one.latePairs * times;
    this.lateReach = one.lateReach * times;
    this.prefills = one.prefills * times;
    this.prefillWindowPairs = one.prefillWindowPairs * times;
    this.decodes = one.decodes * times;
    this.decodeTokens = one.decodeTokens * times;
    this.decodeContext = one.decodeContext * times;
    this.decodeWindow = one.decodeWindow * times;
    this.adapters = one.adapters;
    this.encoderTokens = one.encoderTokens * times;
  }

  /** @param start tokens computed before; @param tokens new in this step; @param prompt length of the whole prompt */
  addPrefill(start: number, tokens: number, prompt: number): void {
    this.requests += 1;
    this.prefills += 1;
    this.prefillTokens += tokens;
    this.prefillReach += tokens * (2 * prompt + tokens);
    this.prefillStart += start;
    this.prefillPairs += tokens * (2 * start + tokens - 1);
    if (this.window > 0) this.prefillWindowPairs += windowPairs(start, tokens, this.window);
    const late = Math.max(0, start + tokens - Batch.prefillKnee) - Math.max(0, start - Batch.prefillKnee);
    if (late === 0) return;
    const begin = start + tokens - late;
    this.lateTokens += late;
    this.latePairs += late * (2 * begin + late);
    this.lateReach += late * (2 * prompt + tokens);
  }

  /** `count` requests decode one token each, with `context` tokens before the step in sum, `inWindow` of them in sight. */
  addDecodes(count: number, context: number, inWindow = 0): void {
    this.requests += count;
    this.decodes += count;
    this.decodeTokens += count;
    this.decodeContext += context;
    this.decodeWindow += inWindow;
  }

  /** One request decodes `tokens` tokens, all but the first of them drafts, after `context` tokens. */
  addDecode(tokens: number, context: number): void {
    this.addDecodes(1, context, Math.min(context, this.window));
    this.decodeTokens += tokens - 1;
  }
}

/** Twice the sum over new tokens of those before that each one sees: of token i (from `start`), min(i, window - 1). */
const windowPairs = (start: number, tokens: number, window: number): number => {
  const sees = window - 1;
  // The first ones still see all before them.
  const growing = Math.max(0, Math.min(tokens, sees - start));
  return growing * (2 * start + growing - 1) + 2 * (tokens - growing) * sees;
};
