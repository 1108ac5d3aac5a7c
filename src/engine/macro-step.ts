import { Batch } from "../model/batch.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { Sequence } from "./sequence.ts";

/** One forward pass: how many coasters take part, and who else; who gets a token from it. Reused. */
export class MacroStep {
  readonly batch = new Batch();
  number = 0;
  /** Those that don't coast, in order of rank, and whether this step brings each its next token. */
  readonly members: Sequence[] = [];
  readonly samples: boolean[] = [];
  /** Coasters that take part and haven't left since. */
  coasters = 0;
  /** All that took part when it was scheduled. */
  size = 0;
  /** Members that this step took from the queue. */
  admitted: Sequence[] = [];
  start: SimTime = START;
  end: SimTime = START;

  clear(): void {
    this.batch.clear();
    this.number = 0;
    this.members.length = 0;
    this.samples.length = 0;
    this.coasters = 0;
    this.size = 0;
    if (this.admitted.length > 0) this.admitted = [];
  }

  /**
   * `sequence` computes its next `tokens` tokens, which count as computed from now on: they are under way.
   * None at all (a wholly cached prompt in `blis` mode) cost nothing, but still bring the first output.
   */
  add(sequence: Sequence, tokens: number): void {
    const start = sequence.computed;
    if (start >= sequence.prefillEnd) this.batch.addDecodes(tokens, start * tokens);
    else this.batch.addPrefill(start, tokens, sequence.prefillEnd);
    sequence.computed = start + tokens;
    const samples = sequence.computed === sequence.known + sequence.placeholders;
    if (samples) sequence.placeholders += 1;
    this.members.push(sequence);
    this.samples.push(samples);
    this.size += 1;
  }

  /** Becomes a step of `count` coasters with `context` computed tokens in sum, and nobody else. */
  coast(number: number, count: number, context: number): void {
    this.batch.clear();
    this.batch.addDecodes(count, context);
    this.number = number;
    this.coasters = this.size = count;
  }

  /** A coaster has left: it isn't one of those any more. */
  dropCoaster(sequence: Sequence): boolean {
    if (this.number <= sequence.since) return false;
    this.coasters -= 1;
    return true;
  }

  /** A coaster of this step becomes a member like others. */
  turn(sequence: Sequence): void {
    if (!this.dropCoaster(sequence)) return;
    let at = this.members.length;
    while (at > 0 && (this.members[at - 1] as Sequence).rank > sequence.rank) at -= 1;
    this.members.splice(at, 0, sequence);
    this.samples.splice(at, 0, true);
  }
}
