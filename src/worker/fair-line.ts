/**
 * A line in which groups take turns: whoever has much in it doesn't keep the others waiting. Within a group first come, first
 * served. What stands in it stands there once.
 */
export class FairLine<T> {
  /** By group, the one whose turn is next first. */
  readonly #groups = new Map<string, Set<T>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(group: string, item: T): void {
    const line = this.#groups.get(group) ?? new Set();
    this.#groups.set(group, line);
    if (line.has(item)) return;
    line.add(item);
    this.#size += 1;
  }

  delete(group: string, item: T): void {
    const line = this.#groups.get(group);
    if (line?.delete(item) !== true) return;
    this.#size -= 1;
    if (line.size === 0) this.#groups.delete(group);
  }

  /** Takes out whose turn it is. @param may of groups that must wait it says no @returns undefined: nobody is there, or may */
  take(may: (group: string) => boolean = () => true): T | undefined {
    for (const [group, line] of this.#groups) {
      if (!may(group)) continue;
      const [item] = line as Set<T> & [T];
      this.delete(group, item as T);
      // To the end of the round.
      if (this.#groups.delete(group)) this.#groups.set(group, line);
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.#groups.clear();
    this.#size = 0;
  }
}
