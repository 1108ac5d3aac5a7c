import type { Batch } from "../model/batch.ts";
import { Agenda } from "../sim/agenda.ts";
import { type SimTime, START } from "../sim/time.ts";
import type { Sequence } from "./sequence.ts";

/**
 * The running sequences that get exactly one token in every step, and so need not be touched in any: a coaster's figures
 * follow from the number of steps since it joined. Steps are numbered in the order of their scheduling.
 *
 * Invariants: each coaster takes part in every step scheduled while it coasts, each of which samples a token; a gap
 * between two of its tokens is as long as the step; `context` is the sum of their computed tokens; `#residues` counts
 * them by (computed tokens - steps scheduled) modulo the block size, which never changes, so that it tells how many need
 * a block in the next step. Joining, leaving and a step cost O(log n), O(log n) and O(1).
 */
export class Coasters {
  /** Number of the step scheduled last, and of the one finished last, with its end. */
  scheduled = 0;
  finished = 0;
  lastEnd: SimTime = START;
  /** Gaps of all steps finished so far in sum, microseconds. */
  gaps = 0;
  context = 0;
  /** None has a higher rank. */
  highestRank = 0;
  readonly #members = new Set<Sequence>();
  readonly #residues: Int32Array;
  /** By the step that brings the last token, then by rank; also those that have left since. */
  #ends = new Agenda<Sequence>(START);
  /** By the step for which the context has no room, though it is scheduled before the last token is out. */
  #halts = new Agenda<Sequence>(START);

  constructor(blockSize: number) {
    this.#residues = new Int32Array(blockSize);
  }

  get count(): number {
    return this.#members.size;
  }

  get members(): Iterable<Sequence> {
    return this.#members;
  }

  /** Number of the next step with which one ends, or an earlier one; Infinity if there is none. */
  get nextEnd(): number {
    return this.#ends.next ?? Number.POSITIVE_INFINITY;
  }

  /** Number of the next step that one can't take part in, or an earlier one; Infinity if there is none. */
  get nextHalt(): number {
    return this.#halts.next ?? Number.POSITIVE_INFINITY;
  }

  /** @param halts whether the step after the one that ends it finds no room in the context, and is scheduled before */
  join(sequence: Sequence, halts: boolean): void {
    sequence.coasting = true;
    sequence.since = this.scheduled;
    sequence.endsWith = this.scheduled + sequence.limit - sequence.outputs - sequence.placeholders;
    sequence.gapsBefore = this.gaps;
    this.#members.add(sequence);
    this.context += sequence.computed;
    this.#count(sequence, 1);
    this.highestRank = Math.max(this.highestRank, sequence.rank);
    this.#ends.at(sequence.endsWith as SimTime, sequence.rank, sequence);
    if (halts) this.#halts.at((sequence.endsWith + 1) as SimTime, sequence.rank, sequence);
  }

  /** Brings a coaster's figures up to date, all but its blocks, and lets it go. */
  leave(sequence: Sequence): void {
    this.#members.delete(sequence);
    this.#count(sequence, -1);
    sequence.coasting = false;
    const steps = this.scheduled - sequence.since;
    const tokens = Math.max(0, this.finished - sequence.since);
    sequence.computed += steps;
    sequence.outputs += tokens;
    sequence.known += tokens;
    sequence.placeholders += steps - tokens;
    if (tokens > 0) {
      sequence.lastToken = this.lastEnd;
      sequence.gapSum += this.gaps - sequence.gapsBefore;
    }
    this.context -= sequence.computed;
    if (this.#members.size > 0) return;
    this.highestRank = 0;
    this.#ends = new Agenda(START);
    this.#halts = new Agenda(START);
  }

  /** Takes the next one that ends with `step` or before, in order of rank. */
  popEnding(step: number): Sequence | undefined {
    while (this.nextEnd <= step) {
      const sequence = this.#ends.pop() as Sequence;
      if (sequence.coasting && sequence.endsWith <= step) return sequence;
    }
    return undefined;
  }

  /** Takes the next one that can't take part in `step`. */
  popHalting(step: number): Sequence | undefined {
    while (this.nextHalt <= step) {
      const sequence = this.#halts.pop() as Sequence;
      if (sequence.coasting && sequence.endsWith < step) return sequence;
    }
    return undefined;
  }

  /** Blocks that all need together for the step that is scheduled after `more` others. */
  blocksFor(more = 0): number {
    return this.#residues[this.#residueOf(-this.scheduled - more)] as number;
  }

  /** Schedules the next step. */
  schedule(batch: Batch): void {
    batch.addDecodes(this.count, this.context);
    this.pass();
  }

  /** The same where nobody asks for the batch. */
  pass(): void {
    this.scheduled += 1;
    this.context += this.count;
  }

  #count({ computed, since }: Sequence, change: number): void {
    const residue = this.#residueOf(computed - since);
    this.#residues[residue] = (this.#residues[residue] as number) + change;
  }

  #residueOf(value: number): number {
    const { length } = this.#residues;
    return ((value % length) + length) % length;
  }
}
