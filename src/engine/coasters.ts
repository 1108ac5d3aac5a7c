import type { Batch } from "../model/batch.ts";
import { Agenda } from "../sim/agenda.ts";
import { type SimTime, START } from "../sim/time.ts";
import { EndOrder } from "./end-order.ts";
import type { Sequence } from "./sequence.ts";

/**
 * The running sequences that get exactly one token in every step, and so need not be touched in any: a coaster's figures
 * follow from the number of steps since it joined. Steps are numbered in the order of their scheduling.
 *
 * Invariants: each coaster takes part in every step scheduled while it coasts, each of which samples a token; a gap
 * between two of its tokens is as long as the step; `context` is the sum of their computed tokens; `#residues` counts
 * them by (steps scheduled - computed tokens) modulo the block size, which never changes, so that it tells how many need
 * a block in the next step. Joining costs as much as there are others that end later, a step O(1).
 */
export class Coasters {
  /** Number of the step scheduled last, and of the one finished last, with its end. */
  scheduled = 0;
  finished = 0;
  lastEnd: SimTime = START;
  /** Gaps of all steps finished so far in sum, microseconds; asked for in `blis` mode only. */
  gaps = 0;
  context = 0;
  /** The same with each cut to the window; 0 without one. */
  inWindow = 0;
  /** Both as they were for the step scheduled last. */
  lastContext = 0;
  lastInWindow = 0;
  /** How many see all of their context still. */
  growing = 0;
  /** None has a higher rank. */
  highestRank = 0;
  /** How many of them use each LoRA adapter. */
  readonly adapters = new Map<string, number>();
  /** How many they are. */
  count = 0;
  /** By seat. */
  readonly #seats: (Sequence | undefined)[] = [undefined];
  readonly #conversations = new Map<string, Sequence>();
  /** Twice over, so that those of successive steps stand in a row. */
  readonly #residues: Int32Array;
  /**
   * Blocks that they need together for so many of the next steps: those who look ask again and again, a little further each
   * time.
   */
  #reckoned = 0;
  #reckonedBlocks = 0;
  /** The members by the same residue; only where windows slide. */
  readonly #classes: readonly Set<Sequence>[];
  readonly #blockSize: number;
  readonly #blocksEach: number;
  readonly #window: number;
  /** By the step scheduled last when its context fills the window, with the step scheduled last when it joined. */
  readonly #fillings = new Agenda<{ readonly sequence: Sequence; readonly since: number }>(START);
  /** By the step that brings the last token. */
  readonly #ends = new EndOrder();
  /** By the step in which they take no part, though it is scheduled before the last token is out; also those that have left. */
  readonly #halts = new Agenda<Sequence>(START);

  /**
   * @param blocksEach blocks that one needs at a time, one per group of layers
   * @param window tokens that the narrowest layers look back; 0: all layers look back on everything
   */
  constructor(blockSize: number, blocksEach: number, window: number) {
    this.#residues = new Int32Array(2 * blockSize);
    this.#classes = window === 0 ? [] : Array.from({ length: blockSize }, () => new Set());
    this.#blockSize = blockSize;
    this.#blocksEach = blocksEach;
    this.#window = window;
  }

  /** In no order. */
  get members(): Sequence[] {
    return this.#seats.filter((sequence) => sequence !== undefined);
  }

  /** Number of the next step with which one ends; Infinity if there is none. */
  get nextEnd(): number {
    return this.#ends.next;
  }

  /** Number of the next step that one can't take part in, or an earlier one; Infinity if there is none. */
  get nextHalt(): number {
    return this.#halts.next;
  }

  /** Number of the last step that is like the one before in how many contexts grow within the window. */
  get nextFilling(): number {
    return this.#fillings.next;
  }

  /** Tokens computed for a coaster, those under way included. */
  computed({ computed, since }: Sequence): number {
    return computed + this.scheduled - since;
  }

  /** Those whose computed tokens are, before the next step, one of `offsets` beyond a full block; in order of rank. */
  at(offsets: readonly number[]): readonly Sequence[] {
    const found: Sequence[] = [];
    for (const offset of offsets) {
      const members = this.#classes[this.#residueOf(this.scheduled, offset)] as Set<Sequence>;
      for (const sequence of members) found.push(sequence);
    }
    return found.sort((a, b) => a.rank - b.rank);
  }

  /** @param halts whether it takes no part in the step after the one that ends it, though that is scheduled before */
  join(sequence: Sequence, halts: boolean): void {
    sequence.coasting = true;
    sequence.since = this.scheduled;
    sequence.endsWith = this.scheduled + sequence.limit - sequence.outputs - sequence.placeholders;
    sequence.gapsBefore = this.gaps;
    sequence.seat = this.#ends.add(sequence.endsWith, sequence.rank);
    this.#seats[sequence.seat] = sequence;
    this.count += 1;
    this.#enlist(sequence);
    this.context += sequence.computed;
    if (this.#window > 0) this.#see(sequence);
    this.#count(sequence, 1);
    this.highestRank = Math.max(this.highestRank, sequence.rank);
    if (halts) this.#halts.at((sequence.endsWith + 1) as SimTime, sequence.rank, sequence);
  }

  /** Brings a coaster's figures up to date, all but its blocks, and lets it go. */
  leave(sequence: Sequence): void {
    this.#ends.remove(sequence.endsWith, sequence.seat);
    this.#seats[sequence.seat] = undefined;
    this.count -= 1;
    this.#delist(sequence);
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
    if (this.#window > 0) this.#unsee(sequence);
    if (this.count > 0) return;
    this.highestRank = 0;
    this.#halts.clear();
    this.#fillings.clear();
  }

  /** The one of highest rank. Costs O(n): asked for only where blocks run short. */
  get last(): Sequence | undefined {
    let last: Sequence | undefined;
    for (const sequence of this.members) if (last === undefined || sequence.rank > last.rank) last = sequence;
    return last;
  }

  /** The LoRA adapters that they use. */
  get adapterNames(): ReadonlySet<string> {
    return this.adapters.size === 0 ? NONE : new Set(this.adapters.keys());
  }

  /** Whether it is one of those that need a block for the next step. */
  needsBlock({ computed, since }: Sequence): boolean {
    return this.#residueOf(since, computed) === this.scheduled % this.#blockSize;
  }

  /** The one of a conversation, of which at most one coasts. */
  ofConversation(conversation: string): Sequence | undefined {
    return this.#conversations.get(conversation);
  }

  /** The next one that ends with `step` or before, in order of rank. */
  ending(step: number): Sequence | undefined {
    return this.nextEnd <= step ? this.#seats[this.#ends.seat] : undefined;
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
    return this.#blocksEach * (this.#residues[(this.scheduled + more) % this.#blockSize] as number);
  }

  /** Blocks that all need together for the next `steps` steps. */
  blocksOver(steps: number): number {
    if (steps < this.#reckoned) this.#forget();
    const residues = this.#residues;
    const round = this.#blockSize;
    let left = steps - this.#reckoned;
    let blocks = this.#reckonedBlocks;
    if (left >= round) {
      const rounds = Math.floor(left / round);
      blocks += rounds * this.count;
      left -= rounds * round;
    }
    let at = (this.scheduled + this.#reckoned) % round;
    for (const end = at + left; at < end; at += 1) blocks += residues[at] as number;
    this.#reckoned = steps;
    this.#reckonedBlocks = blocks;
    return blocks * this.#blocksEach;
  }

  /** How many of the next `most` steps can be scheduled with `blocks` blocks. */
  stepsWith(blocks: number, most: number): number {
    const round = this.#blockSize;
    const perRound = this.#blocksEach * this.count;
    // As a rule there are plenty, which takes no division to see.
    if (perRound * (most + round) <= blocks * round) return most;
    const rounds = Math.floor(blocks / perRound);
    let left = blocks - rounds * perRound;
    for (let steps = rounds * round; steps < most; steps += 1) {
      left -= this.blocksFor(steps);
      if (left < 0) return steps;
    }
    return most;
  }

  /** Schedules the next step. */
  schedule(batch: Batch): void {
    batch.addDecodes(this.count, this.context, this.inWindow);
    this.pass();
  }

  /** The same where nobody asks for the batch. */
  pass(): void {
    this.#forget();
    this.lastContext = this.context;
    this.lastInWindow = this.inWindow;
    this.scheduled += 1;
    this.context += this.count;
    if (this.#window > 0) this.#passWindow();
  }

  #see(sequence: Sequence): void {
    const { computed, since } = sequence;
    this.inWindow += Math.min(computed, this.#window);
    if (computed >= this.#window) return;
    this.growing += 1;
    this.#fillings.at((this.scheduled + this.#window - computed) as SimTime, 0, { sequence, since });
  }

  #unsee({ computed }: Sequence): void {
    this.inWindow -= Math.min(computed, this.#window);
    if (computed < this.#window) this.growing -= 1;
  }

  #passWindow(): void {
    this.inWindow += this.growing;
    while (this.nextFilling <= this.scheduled) {
      const { sequence, since } = this.#fillings.pop() as { sequence: Sequence; since: number };
      if (sequence.coasting && sequence.since === since) this.growing -= 1;
    }
  }

  /** The same for `steps` steps; only where no window slides. */
  passAll(steps: number): void {
    this.#forget();
    this.scheduled += steps;
    this.lastContext = this.context + (steps - 1) * this.count;
    this.context += steps * this.count;
  }

  #enlist(sequence: Sequence): void {
    const { adapter, conversation } = sequence.request;
    if (adapter !== undefined) this.adapters.set(adapter, (this.adapters.get(adapter) ?? 0) + 1);
    if (conversation !== undefined) this.#conversations.set(conversation, sequence);
  }

  #delist({ request: { adapter, conversation } }: Sequence): void {
    if (conversation !== undefined) this.#conversations.delete(conversation);
    if (adapter === undefined) return;
    const left = (this.adapters.get(adapter) as number) - 1;
    if (left > 0) this.adapters.set(adapter, left);
    else this.adapters.delete(adapter);
  }

  #count(sequence: Sequence, change: 1 | -1): void {
    this.#forget();
    const residues = this.#residues;
    const residue = this.#residueOf(sequence.since, sequence.computed);
    const again = residue + this.#blockSize;
    residues[residue] = (residues[residue] as number) + change;
    residues[again] = (residues[again] as number) + change;
    if (change > 0) this.#classes[residue]?.add(sequence);
    else this.#classes[residue]?.delete(sequence);
  }

  #forget(): void {
    this.#reckoned = 0;
    this.#reckonedBlocks = 0;
  }

  /** Of `value` - `less`, both at least 0. */
  #residueOf(value: number, less: number): number {
    const round = this.#blockSize;
    const residue = (value % round) - (less % round);
    return residue < 0 ? residue + round : residue;
  }
}

const NONE: ReadonlySet<string> = new Set();
