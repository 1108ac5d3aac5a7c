import type { Sequence } from "../../src/engine/sequence.ts";
import { Batch } from "../../src/model/batch.ts";
import { type SimTime, START } from "../../src/sim/time.ts";

/** One forward pass: who takes part, and who gets a token from it. Reused, so that steps cost no garbage. */
export class Step {
  readonly batch = new Batch();
  /** The first `size` count; what stands behind them is of an earlier step. */
  readonly members: Sequence[] = [];
  /** Per member: whether all its known tokens are computed by this step, so that it brings the next one. */
  readonly samples: boolean[] = [];
  size = 0;
  /** Members that this step took from the queue. */
  admitted: Sequence[] = [];
  start: SimTime = START;
  end: SimTime = START;

  clear(): void {
    this.batch.clear();
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
    this.members[this.size] = sequence;
    this.samples[this.size] = samples;
    this.size += 1;
  }
}
