import { Tally } from "./tally.ts";

/** Groups that a dimension keeps apart; requests of any others are one more group. */
export const MOST_GROUPS = 64;
export const OTHER = "other";

/**
 * Requests by one of their labels, the first 64 values that come. It costs nothing until a label is seen: until then all
 * requests are alike, and their tally so far becomes that of the unlabelled.
 */
export class Dimension {
  readonly #all: Tally;
  readonly #unlabelled: string;
  #groups: Map<string, Tally> | undefined;
  #overflowed = false;

  /** @param all tally of every request; asked before it counts the fact in question */
  constructor(all: Tally, unlabelled: string) {
    this.#all = all;
    this.#unlabelled = unlabelled;
  }

  /** The group to count a request in; undefined while no label was seen. */
  of(label: string | undefined): Tally | undefined {
    if (this.#groups === undefined) {
      if (label === undefined) return undefined;
      this.#groups = new Map();
      if (this.#all.arrived + this.#all.completedSince > 0) this.#begin(this.#unlabelled).merge(this.#all);
    }
    const name = label ?? this.#unlabelled;
    return this.#groups.get(name) ?? this.#begin(name);
  }

  /** Whether values beyond the first 64 were put together. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  /** By name; undefined while no label was seen. */
  get groups(): ReadonlyMap<string, Tally> | undefined {
    return this.#groups;
  }

  #begin(name: string): Tally {
    const groups = this.#groups as Map<string, Tally>;
    if (groups.size >= MOST_GROUPS && name !== OTHER) {
      this.#overflowed = true;
      return groups.get(OTHER) ?? this.#begin(OTHER);
    }
    const tally = new Tally();
    groups.set(name, tally);
    return tally;
  }
}
