import type { PrefixKeys } from "../model/prefix-keys.ts";
import { invariant } from "../sim/invariant.ts";
import { BlockRun, type KeptBlocks, Strand } from "./block-run.ts";

export interface PoolOptions {
  /** Usable blocks. */
  readonly size: number;
  /** Groups of layers; equal keys of different groups are different blocks. */
  readonly groups: number;
  /**
   * `both`: of two blocks with one key both are remembered and the older one is found (vLLM).
   * `newest`: only the newer one, and evicting either forgets the key (BLIS, difference D7).
   */
  readonly duplicates: "both" | "newest";
  /** Blocks that are freed without a key are used up first (newer vLLM, D6), or stand in line like all others. */
  readonly keylessFirst: boolean;
  /** Hears of blocks `from` to `to` of a strand of the first group that can be found from now on, or no longer. */
  readonly events?: (kind: "stored" | "removed", strand: number, from: number, to: number) => void;
}

/**
 * KV blocks without identity: how many are free, which keys can be found, and in which order free blocks are used up.
 * A free block with a key still serves hits; taking it forgets the key, which is the eviction
 * (vllm/v1/core/block_pool.py). A sequence's own blocks come and go as runs, and so do those of a shared prefix that come and
 * go together, so that they cost O(1) together.
 *
 * Invariants: `free` is the sum of the list's counts; a run is in the list of its owner exactly if it is in this list, one
 * of a strand exactly if nobody holds it; a run is used up from its end, since a sequence's last block is freed first.
 */
export class BlockPool {
  readonly size: number;
  readonly #options: PoolOptions;
  /** Ring: its next is the oldest free run. */
  readonly #ring = new BlockRun(0);
  /** By group: blocks that others may find, by strand. */
  readonly #strands: readonly Map<number, Strand>[];
  #free: number;
  readonly #newest: boolean;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.size = options.size;
    this.#free = 0;
    this.#newest = options.duplicates === "newest";
    this.#strands = Array.from({ length: options.groups }, () => new Map());
    this.giveBack(options.size);
  }

  get free(): number {
    return this.#free;
  }

  /** @returns the end of the chain of blocks that are found from `from` on, at most `most`; `from`: there is none */
  reach(group: number, keys: PrefixKeys, from: number, most: number): number {
    let strand: Strand | undefined;
    for (let at = from; at < most; ) {
      const stop = Math.min(most, keys.strandEnd(at));
      strand = this.#strandOf(group, keys, at, strand);
      const reached = strand?.reach(at, stop) ?? at;
      if (reached < stop) return reached;
      at = stop;
    }
    return most;
  }

  /** How many of the blocks `from` to `to`, all of which are found, nobody holds. */
  freeAmong(group: number, keys: PrefixKeys, from: number, to: number): number {
    let free = 0;
    let strand: Strand | undefined;
    for (let at = from; at < to; ) {
      const stop = Math.min(to, keys.strandEnd(at));
      strand = this.#strandOf(group, keys, at, strand);
      free += strand?.freeAmong(at, stop) ?? 0;
      at = stop;
    }
    return free;
  }

  /** Takes the `count` oldest free blocks and forgets what they held. */
  take(count: number): void {
    invariant(count <= this.#free, "blocks are taken only where so many are free");
    this.#free -= count;
    for (let left = count; left > 0; ) {
      const run = this.#ring.next;
      const used = Math.min(run.count, left);
      left -= used;
      // All else apart: callers hold a copy of this, which V8 makes anew for each kind of end that it hasn't met before.
      if (used < run.count && run.strand === undefined && !this.#newest) run.count -= used;
      else this.#useUp(run, used);
    }
  }

  /** Takes the last `count` blocks of a free run. */
  #useUp(run: BlockRun, count: number): void {
    if (run.owner !== undefined && this.#newest) forget(run, run.count - count);
    if (count < run.count) {
      run.count -= count;
      if (run.strand !== undefined) this.#forget(run, run.strand, run.end + count);
      return;
    }
    unlink(run);
    if (run.strand !== undefined) this.#forgetAll(run, run.strand);
    if (run.owner !== undefined) run.owner.runs.splice(run.owner.runs.indexOf(run), 1);
  }

  /** One holder more, of blocks `from` to `to`, all of which are found; they are added to what it holds. */
  claim(group: number, keys: PrefixKeys, from: number, to: number, held: BlockRun[]): void {
    let strand: Strand | undefined;
    for (let at = from; at < to; ) {
      const stop = Math.min(to, keys.strandEnd(at));
      strand = this.#strandOf(group, keys, at, strand) as Strand;
      const { found } = strand;
      for (let place = 0; at < stop; place += 1) {
        const run = found[place] as BlockRun;
        if (run.end <= at) continue;
        // What is cut off is the next one.
        if (run.from < at) this.#cutOff(run, at);
        else {
          if (run.end > stop) this.#cutOff(run, stop);
          this.#holdOn(run);
          held.push(run);
          at = run.end;
        }
      }
    }
  }

  /**
   * One holder less, of all that it holds before block `to`, the last first; what nobody holds is free.
   *
   * @param held up to block `end` @returns what it still holds
   */
  release(held: readonly BlockRun[], to: number, end: number): BlockRun[] {
    const runs = heldRuns(held, end);
    const left: BlockRun[] = [];
    for (let place = runs.length - 1; place >= 0; place -= 1) {
      const run = runs[place] as BlockRun;
      if (run.from >= to) left.unshift(run);
      else {
        if (run.end > to) left.unshift(this.#cutOff(run, to));
        this.#letGo(run);
      }
    }
    return left;
  }

  #holdOn(run: BlockRun): void {
    if (run.holders === 0) {
      unlink(run);
      this.#free -= run.count;
    }
    run.holders += 1;
  }

  #letGo(run: BlockRun): void {
    run.holders -= 1;
    invariant(run.holders >= 0, "a block is released as often as it was taken");
    if (run.holders > 0) return;
    run.rest = undefined;
    const { previous: newest } = this.#ring;
    if (run.found && newest.found && newest.strand === run.strand && newest.from === run.end) this.#absorb(run, newest);
    this.#append(run);
  }

  /** The newest free run goes on where one ends that becomes free now. */
  #absorb(run: BlockRun, newest: BlockRun): void {
    unlink(newest);
    this.#free -= newest.count;
    run.strand?.remove(newest);
    run.count += newest.count;
  }

  /** `count` blocks without a key become free. */
  giveBack(count: number): void {
    this.#giveBackNameless(count, this.#options.keylessFirst);
  }

  /** `count` blocks with keys that nobody will look for become free. */
  giveBackUnsought(count: number): void {
    this.#giveBackNameless(count, false);
  }

  #giveBackNameless(count: number, asOldest: boolean): void {
    if (count === 0) return;
    const { next: first, previous: last } = this.#ring;
    const neighbour = asOldest ? first : last;
    if (neighbour !== this.#ring && neighbour.strand === undefined && neighbour.owner === undefined) {
      neighbour.count += count;
      this.#free += count;
      return;
    }
    const run = new BlockRun(count);
    this.#insert(run, asOldest ? first : this.#ring);
  }

  /** A sequence's blocks `from` to `from + count` become free; it may still claim them. */
  giveBackOwn(owner: KeptBlocks, from: number, count: number): void {
    if (count === 0) return;
    const run = new BlockRun(count, from);
    run.owner = owner;
    owner.runs.push(run);
    this.#append(run);
  }

  /** @returns the end of the unbroken chain of own blocks that begins at `from`, at most `most`; `from`: there is none */
  chainEnd(owner: KeptBlocks, from: number, most: number): number {
    let at = from;
    while (at < most) {
      const run = this.#runAt(owner, at);
      if (run === undefined) break;
      at = Math.min(most, this.#endOf(owner, run, at));
    }
    return at;
  }

  /** Takes back a sequence's own blocks `from` to `to`, all of which can be found. */
  claimOwn(owner: KeptBlocks, from: number, to: number): void {
    for (let at = from; at < to; ) {
      const run = this.#runAt(owner, at) as BlockRun;
      const end = Math.min(to, this.#endOf(owner, run, at));
      this.#cut(owner, run, at, end);
      at = end;
    }
  }

  /** The run with block `at` that is found: of duplicates the oldest, or the newest. */
  #runAt({ runs, forgotten }: KeptBlocks, at: number): BlockRun | undefined {
    if (forgotten.has(at)) return undefined;
    const holds = (run: BlockRun): boolean => run.from <= at && at < run.from + run.count;
    return this.#newest ? runs.findLast(holds) : runs.find(holds);
  }

  /** Where `run` ends, or one that is found before it begins, or what is there is forgotten. */
  #endOf({ runs, forgotten }: KeptBlocks, run: BlockRun, at: number): number {
    let end = run.from + run.count;
    const place = runs.indexOf(run);
    const first = this.#newest ? runs.slice(place + 1) : runs.slice(0, place);
    for (const { from } of first) if (from > at) end = Math.min(end, from);
    for (const index of forgotten) if (index > at) end = Math.min(end, index);
    return end;
  }

  /** Blocks `from` to `to`, which one sequence holds, get their keys; they are added to what it holds. */
  name(group: number, keys: PrefixKeys, from: number, to: number, held: BlockRun[]): void {
    let before: Strand | undefined;
    for (let at = from; at < to; ) {
      const stop = Math.min(to, keys.strandEnd(at));
      const strand = this.#strandOf(group, keys, at, before) ?? this.#newStrand(group, keys, at);
      before = strand;
      while (at < stop) {
        const gap = strand.nextFound(at, stop);
        if (gap > at) this.#nameFound(strand, at, gap, held);
        const double = strand.reach(gap, stop);
        if (double > gap) this.#nameAgain(strand, gap, double, held);
        at = double;
      }
    }
  }

  /** Blocks whose keys nobody is found by. */
  #nameFound(strand: Strand, from: number, to: number, held: BlockRun[]): void {
    this.#tell("stored", strand, from, to);
    const last = held.at(-1);
    if (last?.strand === strand && last.end === from && last.found && last.holders === 1) {
      last.rest = undefined;
      last.count += to - from;
    } else held.push(this.#newRun(strand, from, to, true));
  }

  /** Blocks whose keys others are found by. */
  #nameAgain(strand: Strand, from: number, to: number, held: BlockRun[]): void {
    if (this.#newest) this.#lose(strand, from, to);
    held.push(this.#newRun(strand, from, to, this.#newest));
  }

  #newRun(strand: Strand, from: number, to: number, found: boolean): BlockRun {
    const run = new BlockRun(to - from, from, strand);
    run.holders = 1;
    if (found) strand.addFound(run);
    else strand.addDouble(run);
    return run;
  }

  #cut({ runs }: KeptBlocks, run: BlockRun, from: number, to: number): void {
    this.#free -= to - from;
    const end = run.from + run.count;
    if (to < end && from > run.from) {
      const upper = new BlockRun(end - to, to);
      upper.owner = run.owner;
      runs.splice(runs.indexOf(run), 0, upper);
      this.#free -= upper.count;
      this.#insert(upper, run);
      run.count = from - run.from;
    } else if (to < end) {
      run.from = to;
      run.count = end - to;
    } else if (from > run.from) run.count = from - run.from;
    else {
      unlink(run);
      runs.splice(runs.indexOf(run), 1);
    }
  }

  /** A run of a strand ends at `at` from now on. @returns the rest, which has the same holders */
  #cutOff(run: BlockRun, at: number): BlockRun {
    const strand = run.strand as Strand;
    const rest = new BlockRun(run.end - at, at, strand);
    rest.found = run.found;
    rest.holders = run.holders;
    run.count = at - run.from;
    strand.addBeside(run, rest);
    if (run.holders === 0) {
      this.#free -= rest.count;
      this.#insert(rest, run);
    } else {
      rest.rest = run.rest;
      run.rest = rest;
    }
    return rest;
  }

  #forgetAll(run: BlockRun, strand: Strand): void {
    const { end } = run;
    strand.remove(run);
    run.count = 0;
    this.#forget(run, strand, end);
    if (strand.isEmpty) this.#strands[strand.group]?.delete(strand.key);
  }

  /** The blocks that a run had from its end to `end` are evicted, the last first. */
  #forget(run: BlockRun, strand: Strand, end: number): void {
    if (this.#newest) {
      if (!run.found) this.#lose(strand, run.end, end);
      this.#tell("removed", strand, run.end, end);
    } else if (run.found && strand.doubles.length === 0) this.#tell("removed", strand, run.end, end);
    else if (run.found) this.#replace(strand, run.end, end);
  }

  /** Doubles are found from now on in place of blocks `from` to `to`, where there are any. */
  #replace(strand: Strand, from: number, to: number): void {
    for (let at = to - 1; at >= from; at -= 1) {
      const double = strand.doubleOf(at);
      if (double === undefined) this.#tell("removed", strand, at, at + 1);
      else this.#find(strand, double, at);
    }
  }

  /** One block of a double is found from now on. */
  #find(strand: Strand, double: BlockRun, at: number): void {
    if (double.end > at + 1) this.#cutOff(double, at + 1);
    const run = double.from < at ? this.#cutOff(double, at) : double;
    strand.remove(run);
    strand.addFound(run);
  }

  /** Nothing is found of blocks `from` to `to` any more. */
  #lose(strand: Strand, from: number, to: number): void {
    for (const run of [...strand.found]) {
      if (run.end <= from || run.from >= to) continue;
      const lost = run.from < from ? this.#cutOff(run, from) : run;
      if (lost.end > to) this.#cutOff(lost, to);
      strand.remove(lost);
      strand.addDouble(lost);
    }
  }

  /** @param before the strand that ends there: the same chains are sought over and over, so what followed is remembered */
  #strandOf(group: number, keys: PrefixKeys, index: number, before?: Strand): Strand | undefined {
    const key = keys.strandOf(index);
    const last = before?.follower;
    if (last?.key === key && !last.isEmpty) return last;
    const strand = (this.#strands[group] as Map<number, Strand>).get(key);
    if (before !== undefined) before.follower = strand;
    return strand;
  }

  #newStrand(group: number, keys: PrefixKeys, index: number): Strand {
    const strand = new Strand(keys.strandOf(index), group);
    this.#strands[group]?.set(strand.key, strand);
    return strand;
  }

  #tell(kind: "stored" | "removed", strand: Strand, from: number, to: number): void {
    if (strand.group === 0) this.#options.events?.(kind, strand.key, from, to);
  }

  #append(run: BlockRun): void {
    this.#insert(run, this.#ring);
  }

  #insert(run: BlockRun, after: BlockRun): void {
    run.next = after;
    run.previous = after.previous;
    after.previous.next = run;
    after.previous = run;
    this.#free += run.count;
  }
}

/** What a sequence holds up to block `end`, with all that was cut off meanwhile. */
const heldRuns = (held: readonly BlockRun[], end: number): readonly BlockRun[] => {
  if (held.length === 1 && held[0]?.rest === undefined) return held;
  const runs: BlockRun[] = [];
  for (let place = 0; place < held.length; place += 1) {
    const stop = place + 1 < held.length ? (held[place + 1] as BlockRun).from : end;
    for (let run = held[place]; run !== undefined && run.from < stop; run = run.rest) runs.push(run);
  }
  return runs;
};

const unlink = (run: BlockRun): void => {
  run.previous.next = run.next;
  run.next.previous = run.previous;
};

/** The blocks of a run from its `left`th on are evicted, and with them whatever has the same key. */
const forget = ({ owner, from, count }: BlockRun, left: number): void => {
  for (let at = from + left; at < from + count; at += 1) owner?.forgotten.add(at);
};
