import { Batch } from "../model/batch.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { Coasters } from "./coasters.ts";
import type { EngineTiming } from "./engine.ts";
import type { Sequence } from "./sequence.ts";

/** What a step computes for one that doesn't coast. */
export class Share {
  sequence: Sequence;
  tokens = 0;
  /** How many are computed with these. */
  end = 0;
  /** Whether the step brings its next token. */
  samples = false;
  /** Drafts among its tokens, and how often it had been preempted. */
  drafts = 0;
  preemptions = 0;

  constructor(sequence: Sequence) {
    this.sequence = sequence;
  }
}

/** One forward pass: how many coasters take part, and who else; who gets a token from it. Reused. */
export class MacroStep {
  readonly batch: Batch;
  number = 0;
  /** How many don't coast. */
  apart = 0;
  /** What each of them gets, in order of rank; used again, so that there may be more. */
  readonly shares: Share[] = [];
  /** Coasters that take part and haven't left since. */
  coasters = 0;
  /** All that took part when it was scheduled. */
  size = 0;
  /** LoRA adapters that it needs. */
  adapters: ReadonlySet<string> = NONE;
  /** Outputs that were taken before the step's end. */
  early = 0;
  start: SimTime = START;
  end: SimTime = START;

  constructor(window: number) {
    this.batch = new Batch(window);
  }

  clear(): void {
    this.batch.clear();
    this.number = 0;
    this.apart = 0;
    this.coasters = 0;
    this.size = 0;
    this.early = 0;
  }

  /**
   * `sequence` computes `tokens` tokens, which already count as computed: they are under way. None at all (a wholly
   * cached prompt in `blis` mode) cost nothing, but still bring the first output.
   * @param expected tokens after which it samples the next one
   */
  add(sequence: Sequence, tokens: number, expected: number): void {
    const start = sequence.computed - tokens;
    if (start >= sequence.prefillEnd) {
      if (tokens > 0) this.batch.addDecode(tokens, start);
    } else this.batch.addPrefill(start, tokens, sequence.prefillEnd);
    let share = this.shares[this.apart];
    if (share === undefined) this.shares.push((share = new Share(sequence)));
    else share.sequence = sequence;
    share.tokens = tokens;
    share.end = sequence.computed;
    share.samples = sequence.computed >= expected;
    share.drafts = start >= sequence.prefillEnd ? Math.max(0, sequence.computed - expected) : 0;
    share.preemptions = sequence.preemptions;
    if (share.samples) sequence.placeholders += 1;
    this.apart += 1;
    this.size += 1;
  }

  /** Becomes the step of coasters, and nobody else, that was scheduled last. */
  coast({ scheduled, count, lastContext, lastInWindow }: Coasters, adapters: ReadonlySet<string>): void {
    becomeDecodes(this.batch, count, lastContext, lastInWindow);
    this.batch.adapters = adapters.size;
    this.adapters = adapters;
    this.number = scheduled;
    this.coasters = this.size = count;
  }

  /** Whether a coaster takes part. */
  carries({ since }: Sequence): boolean {
    return this.number > since;
  }

  /** A coaster has left: it isn't one of those any more. */
  dropCoaster(sequence: Sequence): boolean {
    if (!this.carries(sequence)) return false;
    this.coasters -= 1;
    return true;
  }

  /** A coaster of this step becomes one like others. */
  turn(sequence: Sequence): void {
    if (!this.dropCoaster(sequence)) return;
    const [share = new Share(sequence)] = this.shares.splice(this.apart, 1);
    let at = this.apart;
    while (at > 0 && (this.shares[at - 1] as Share).sequence.rank > sequence.rank) at -= 1;
    share.sequence = sequence;
    share.tokens = 1;
    share.end = sequence.computed;
    share.samples = true;
    share.drafts = 0;
    share.preemptions = sequence.preemptions;
    this.shares.splice(at, 0, share);
    this.apart += 1;
  }
}

/** A batch of decodes only becomes another one; the rest of it is 0 as it was. */
export const becomeDecodes = (batch: Batch, count: number, context: number, inWindow: number): void => {
  batch.requests = batch.decodes = batch.decodeTokens = count;
  batch.decodeContext = context;
  batch.decodeWindow = inWindow;
};

/** Microseconds that the step of a batch takes without what adapters need. */
export const timeOf = (timing: EngineTiming, batch: Batch): number =>
  batch.requests === 0 && batch.encoderTokens === 0 ? 0 : Math.max(1, timing.step(batch));

const NONE: ReadonlySet<string> = new Set();
