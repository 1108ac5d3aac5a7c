/**
 * Neighbouring blocks that are alike, in a link of the list of free blocks, oldest first: blocks without a key, a sequence's
 * own that are free but keep what they held, or some of a strand, free or held by the same sequences. They are used up from
 * their end.
 */
export class BlockRun {
  next: BlockRun = this;
  previous: BlockRun = this;
  /** Of which strand these are `from` to `from + count`; undefined: nobody looks for them. */
  readonly strand: Strand | undefined;
  /** Among whose kept blocks these are `from` to `from + count`; undefined: nobody's. */
  owner: KeptBlocks | undefined;
  from: number;
  count: number;
  /** Holders of blocks of a strand; they are in the list only without any. */
  holders = 0;
  /** Whether these are the ones that are found by their keys; others may have the same. */
  found = false;
  /** What was cut off their end while they had holders, who hold it too. */
  rest: BlockRun | undefined;

  constructor(count: number, from = 0, strand?: Strand) {
    this.count = count;
    this.from = from;
    this.strand = strand;
  }

  get end(): number {
    return this.from + this.count;
  }
}

/** A sequence's own blocks that are free but keep what they held: the newest last. Nobody else looks for them. */
export class KeptBlocks {
  readonly runs: BlockRun[] = [];
  /** Indices that can't be found although a block is there, since one with the same key was evicted (BLIS, D7). */
  readonly forgotten = new Set<number>();
}

/** The blocks there are of one strand of keys (model/prefix-keys.ts) in one group of layers. */
export class Strand {
  readonly key: number;
  readonly group: number;
  /** Those that are found, in order; none overlap. */
  found: BlockRun[] = NONE;
  /** Those with keys that others are found by, the oldest first; few strands have any. */
  doubles: readonly BlockRun[] = NONE;
  /** What came after it in a chain when that was last sought. */
  follower: Strand | undefined;

  constructor(key: number, group: number) {
    this.key = key;
    this.group = group;
  }

  /** Whether none of its blocks is there any more. */
  get isEmpty(): boolean {
    return this.found.length === 0 && this.doubles.length === 0;
  }

  /** @returns the end of the blocks that are found from `from` on without a gap, at most `most`; `from`: there are none */
  reach(from: number, most: number): number {
    let at = from;
    for (const run of this.found) {
      if (run.from > at) break;
      if (run.end > at) at = run.end;
      if (at >= most) return most;
    }
    return at;
  }

  /** Of those found from `from` to `to`, how many nobody holds. */
  freeAmong(from: number, to: number): number {
    let free = 0;
    for (const run of this.found) {
      if (run.holders === 0) free += Math.max(0, Math.min(to, run.end) - Math.max(from, run.from));
    }
    return free;
  }

  /** Where the next found block begins from `from` on, at most `most`. */
  nextFound(from: number, most: number): number {
    for (const run of this.found) if (run.end > from) return Math.min(most, Math.max(from, run.from));
    return most;
  }

  /** These are found from now on. */
  addFound(run: BlockRun): void {
    run.found = true;
    // Most have one, and an array that is made with it is small.
    if (this.found.length === 0) {
      this.found = [run];
      return;
    }
    let place = this.found.length;
    while (place > 0 && (this.found[place - 1] as BlockRun).from > run.from) place -= 1;
    this.found.splice(place, 0, run);
  }

  addDouble(run: BlockRun): void {
    run.found = false;
    this.doubles = [...this.doubles, run];
  }

  /** A part of one of them was cut off. */
  addBeside(run: BlockRun, part: BlockRun): void {
    if (run.found) this.addFound(part);
    else this.doubles = this.doubles.flatMap((one) => (one === run ? [run, part] : [one]));
  }

  remove(run: BlockRun): void {
    if (run.found) this.found.splice(this.found.indexOf(run), 1);
    else this.doubles = this.doubles.filter((one) => one !== run);
  }

  /** The oldest of the doubles of block `index`. */
  doubleOf(index: number): BlockRun | undefined {
    return this.doubles.find((run) => run.from <= index && index < run.end);
  }
}

/** Never written to. */
const NONE: BlockRun[] = [];
