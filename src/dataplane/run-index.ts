import type { PrefixKeys } from "../model/prefix-keys.ts";
import { ById } from "../sim/by-id.ts";
import type { Holders } from "./holders.ts";

/** Neighbouring blocks that one endpoint is believed to hold: some of a strand (model/prefix-keys.ts), or nameless ones. */
export class HeldRun {
  /** Neighbours in a list by recency. */
  older: HeldRun = this;
  newer: HeldRun = this;
  readonly slot: number;
  /** undefined: nobody asks for these. */
  readonly strand: number | undefined;
  from: number;
  to: number;

  constructor(slot: number, strand: number | undefined, from: number, to: number) {
    this.slot = slot;
    this.strand = strand;
    this.from = from;
    this.to = to;
  }
}

/** Who is believed to hold which blocks, in runs: the matches of all endpoints come from one look at each strand of a prompt. */
export class RunIndex {
  readonly #strands = new ById<HeldRun[]>();
  /** How many slots `counts` must have room for. */
  slots = 0;

  /** Whether nobody holds anything. */
  get isEmpty(): boolean {
    return this.#strands.size === 0;
  }

  add(strand: number, run: HeldRun): void {
    const runs = this.#strands.get(strand);
    if (runs === undefined) this.#strands.set(strand, [run]);
    else runs.push(run);
    if (run.slot >= this.slots) this.slots = run.slot + 1;
  }

  remove(strand: number, run: HeldRun): void {
    const runs = this.#strands.get(strand) as HeldRun[];
    const last = runs.pop() as HeldRun;
    if (last !== run) runs[runs.indexOf(run)] = last;
    if (runs.length === 0) this.#strands.delete(strand);
  }

  /** An endpoint holds these blocks, perhaps already. @returns how many it didn't hold */
  hold(slot: number, strand: number, from: number, to: number): number {
    const runs = this.#strands.get(strand) ?? NO_RUNS;
    let known: HeldRun | undefined;
    let fresh = to - from;
    for (let place = runs.length - 1; place >= 0; place -= 1) {
      const run = runs[place] as HeldRun;
      if (run.slot !== slot || run.to < from || run.from > to) continue;
      fresh -= Math.min(run.to, to) - Math.max(run.from, from);
      if (known === undefined) known = run;
      else {
        known.from = Math.min(known.from, run.from);
        known.to = Math.max(known.to, run.to);
        runs.splice(place, 1);
      }
    }
    if (known === undefined) this.add(strand, new HeldRun(slot, strand, from, to));
    else {
      known.from = Math.min(known.from, from);
      known.to = Math.max(known.to, to);
    }
    return fresh;
  }

  /** It holds none of these blocks any more. @returns how many it held */
  drop(slot: number, strand: number, from: number, to: number): number {
    const runs = this.#strands.get(strand) ?? NO_RUNS;
    let dropped = 0;
    for (let place = runs.length - 1; place >= 0; place -= 1) {
      const run = runs[place] as HeldRun;
      if (run.slot !== slot || run.to <= from || run.from >= to) continue;
      dropped += Math.min(run.to, to) - Math.max(run.from, from);
      if (run.from < from && run.to > to) runs.push(new HeldRun(slot, strand, to, run.to));
      if (run.from < from) run.to = from;
      else if (run.to > to) run.from = to;
      else runs.splice(place, 1);
    }
    if (runs.length === 0) this.#strands.delete(strand);
    return dropped;
  }

  /** It holds nothing any more. */
  clear(slot: number): void {
    for (const strand of this.#strands.ids()) this.drop(slot, strand, 0, Number.POSITIVE_INFINITY);
  }

  /** Whether anybody holds a block of this strand. */
  has(strand: number): boolean {
    return this.#strands.has(strand);
  }

  /**
   * Counts the blocks held up to the first that nobody holds, whether or not one in between is missing.
   *
   * @param limit leading blocks to look up @param positions by slot; -1: it doesn't count @param into where nobody holds anything yet
   */
  countHeld(keys: PrefixKeys, limit: number, positions: Int32Array, into: Holders): void {
    for (let at = 0; at < limit; ) {
      const stop = Math.min(limit, keys.strandEnd(at));
      const runs = this.#strands.get(keys.strandOf(at));
      if (runs === undefined) return;
      const end = coveredTo(runs, at, stop);
      for (const { slot, from, to } of runs) {
        const held = (to < end ? to : end) - (from > at ? from : at);
        const position = positions[slot] as number;
        if (held > 0 && position >= 0) into.add(position, held);
      }
      if (end < stop) return;
      at = stop;
    }
  }

  /** Counts, per slot, the leading blocks held without a gap. */
  countLeading(keys: PrefixKeys, limit: number, counts: Int32Array): void {
    counts.fill(0, 0, this.slots);
    for (let at = 0; at < limit; ) {
      const stop = Math.min(limit, keys.strandEnd(at));
      const runs = this.#strands.get(keys.strandOf(at));
      if (runs === undefined || !lead(runs, at, stop, counts)) return;
      at = stop;
    }
  }
}

const NO_RUNS: HeldRun[] = [];

/** The first block from `from` on that nobody holds, at most `stop`. */
const coveredTo = (runs: readonly HeldRun[], from: number, stop: number): number => {
  let end = from;
  // Runs stand in no order, so that one may go on where a later one ends.
  for (let before = -1; end !== before && end < stop; ) {
    before = end;
    for (const run of runs) if (run.from <= end && run.to > end) end = run.to;
  }
  return Math.min(end, stop);
};

/** Counts on from `from` to `to` for those who hold all before. @returns whether anybody holds all of these too */
const lead = (runs: readonly HeldRun[], from: number, to: number, counts: Int32Array): boolean => {
  let isLed = false;
  for (let grows = true; grows; ) {
    grows = false;
    for (const run of runs) {
      const count = counts[run.slot] as number;
      if (count < from || count >= to || run.from > count || run.to <= count) continue;
      counts[run.slot] = Math.min(run.to, to);
      if (run.to >= to) isLed = true;
      grows = true;
    }
  }
  return isLed;
};
