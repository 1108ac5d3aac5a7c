/** Entries by their instant; at one instant by their rank. */
export interface Ranked {
  readonly at: number;
  readonly rank: number;
}

const before = (a: Ranked, b: Ranked): boolean => a.at < b.at || (a.at === b.at && a.rank < b.rank);

/** A binary heap: the first entry at once, any other in O(log n). */
export class InstantHeap<T extends Ranked> {
  readonly #entries: T[] = [];

  get first(): T | undefined {
    return this.#entries[0];
  }

  get size(): number {
    return this.#entries.length;
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!before(entry, entries[above] as T)) break;
      entries[at] = entries[above] as T;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): T | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (last !== undefined && first !== last) this.#sink(last);
    return first;
  }

  /** The first entry's instant has grown: it finds its new place. */
  settle(): void {
    const first = this.#entries[0];
    if (first !== undefined) this.#sink(first);
  }

  #sink(entry: T): void {
    const entries = this.#entries;
    const { length } = entries;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= length) break;
      if (below + 1 < length && before(entries[below + 1] as T, entries[below] as T)) below += 1;
      if (!before(entries[below] as T, entry)) break;
      entries[at] = entries[below] as T;
      at = below;
    }
    entries[at] = entry;
  }
}
