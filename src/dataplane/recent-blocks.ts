import type { PrefixKeys } from "../model/prefix-keys.ts";
import { ById } from "../sim/by-id.ts";
import { HeldRun, type RunIndex } from "./run-index.ts";

/**
 * What a router believes one endpoint to hold: its most recently sent blocks, up to a capacity, also in the index of all
 * endpoints. Of blocks sent together the first is the least recent. Blocks without a name (nobody else's) take their room too.
 */
export class RecentBlocks {
  readonly #index: RunIndex;
  readonly #slot: number;
  readonly #capacity: number;
  /** By strand; no block is in two. */
  #named = new ById<HeldRun[]>();
  /** Ring: its newer is the least recent. */
  readonly #ring = new HeldRun(0, undefined, 0, 0);
  #size = 0;
  /** A run that was joined with its neighbour, to be used again. */
  #spare: HeldRun | undefined;

  constructor(index: RunIndex, slot: number, capacity: number) {
    this.#index = index;
    this.#slot = slot;
    this.#capacity = capacity;
  }

  /** Blocks, at most the capacity. */
  get size(): number {
    return this.#size;
  }

  /** The first `named` blocks of a prompt of `total`; nobody will ask for the others. */
  send(keys: PrefixKeys, named: number, total: number): void {
    for (let from = 0; from < named; ) {
      const to = Math.min(named, keys.strandEnd(from));
      this.#touch(keys.strandOf(from), from, to);
      from = to;
    }
    if (total > named) this.#sendNameless(total - named);
    this.#evict();
  }

  clear(): void {
    for (const strand of this.#named.ids()) {
      for (const run of this.#named.get(strand) ?? []) this.#index.remove(strand, run);
    }
    this.#named = new ById();
    this.#ring.older = this.#ring.newer = this.#ring;
    this.#size = 0;
  }

  #touch(strand: number, from: number, to: number): void {
    const runs = this.#named.get(strand);
    const only = runs?.length === 1 ? (runs[0] as HeldRun) : undefined;
    if (only?.from === from && only.to === to) {
      this.#takeOut(only);
      return insert(only, this.#ring);
    }
    for (const run of [...(runs ?? [])]) this.#cut(strand, run, from, to);
    this.#add(strand, from, to, this.#ring);
    this.#size += to - from;
  }

  /** Takes blocks `from` to `to` out of a run; what is left keeps its place. */
  #cut(strand: number, run: HeldRun, from: number, to: number): void {
    if (run.to <= from || to <= run.from) return;
    this.#size -= Math.min(run.to, to) - Math.max(run.from, from);
    if (run.to > to) this.#add(strand, to, run.to, run.newer);
    if (run.from < from) run.to = from;
    else this.#remove(strand, run);
  }

  /** @param newer whom it stands before in the list */
  #add(strand: number, from: number, to: number, newer: HeldRun): void {
    const run = new HeldRun(this.#slot, strand, from, to);
    const runs = this.#named.get(strand);
    if (runs === undefined) this.#named.set(strand, [run]);
    else runs.push(run);
    this.#index.add(strand, run);
    insert(run, newer);
  }

  #remove(strand: number, run: HeldRun): void {
    this.#takeOut(run);
    this.#index.remove(strand, run);
    const runs = this.#named.get(strand) as HeldRun[];
    if (runs.length === 1) this.#named.delete(strand);
    else runs.splice(runs.indexOf(run), 1);
  }

  #sendNameless(blocks: number): void {
    this.#size += blocks;
    const newest = this.#ring.older;
    if (this.#isNameless(newest)) {
      newest.to += blocks;
      return;
    }
    const run = this.#spare ?? new HeldRun(this.#slot, undefined, 0, 0);
    this.#spare = undefined;
    run.from = 0;
    run.to = blocks;
    insert(run, this.#ring);
  }

  #isNameless(run: HeldRun): boolean {
    return run.strand === undefined && run !== this.#ring;
  }

  /** Takes it out of the list. Nameless blocks that become neighbours by it are one run from then on. */
  #takeOut(run: HeldRun): void {
    const { older, newer } = run;
    unlink(run);
    if (!this.#isNameless(older) || !this.#isNameless(newer)) return;
    newer.to += older.to - older.from;
    unlink(older);
    this.#spare = older;
  }

  #evict(): void {
    for (let over = this.#size - this.#capacity; over > 0; over = this.#size - this.#capacity) {
      const oldest = this.#ring.newer;
      const blocks = oldest.to - oldest.from;
      this.#size -= Math.min(over, blocks);
      if (blocks > over) {
        oldest.from += over;
        return;
      }
      if (oldest.strand === undefined) unlink(oldest);
      else this.#remove(oldest.strand, oldest);
    }
  }
}

const insert = (run: HeldRun, newer: HeldRun): void => {
  run.newer = newer;
  run.older = newer.older;
  newer.older.newer = run;
  newer.older = run;
};

const unlink = ({ older, newer }: HeldRun): void => {
  older.newer = newer;
  newer.older = older;
};
