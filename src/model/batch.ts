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
  /** D: requests decoding one token. */
  decodes = 0;
  /** C: sum of their contexts before the step. */
  decodeContext = 0;
  /** Requests that prefill. */
  prefills = 0;
  /** Tokens of decoding requests; one each without speculation. */
  decodeTokens = 0;
  /** Sum of min(context, sliding window) over decodes; 0 where the model has no window. */
  decodeWindow = 0;
  /** As `prefillPairs`, with attention cut to the sliding window; 0 where the model has no window. */
  prefillWindowPairs = 0;
  /** Distinct LoRA adapters. */
  adapters = 0;
  /** Multimodal tokens that an encoder computes. */
  encoderTokens = 0;

  /** Position of a prompt from which prefill is charged at the measured utilisation (design notes 2.5). */
  static readonly prefillKnee = 1024;

  clear(): void {
    this.requests = this.prefillTokens = this.prefillReach = this.prefillStart = this.prefillPairs = 0;
    this.lateTokens = this.latePairs = this.lateReach = this.decodes = this.decodeContext = 0;
    this.prefills = this.decodeTokens = this.decodeWindow = this.prefillWindowPairs = 0;
    this.adapters = this.encoderTokens = 0;
  }

  /** @param start tokens computed before; @param tokens new in this step; @param prompt length of the whole prompt */
  addPrefill(start: number, tokens: number, prompt: number): void {
    this.requests += 1;
    this.prefills += 1;
    this.prefillTokens += tokens;
    this.prefillReach += tokens * (2 * prompt + tokens);
    this.prefillStart += start;
    this.prefillPairs += tokens * (2 * start + tokens - 1);
    const late = Math.max(0, start + tokens - Batch.prefillKnee) - Math.max(0, start - Batch.prefillKnee);
    if (late === 0) return;
    const begin = start + tokens - late;
    this.lateTokens += late;
    this.latePairs += late * (2 * begin + late);
    this.lateReach += late * (2 * prompt + tokens);
  }

  /** `count` requests decode one token each, with `context` tokens before the step in sum. */
  addDecodes(count: number, context: number): void {
    this.requests += count;
    this.decodes += count;
    this.decodeTokens += count;
    this.decodeContext += context;
  }
}
