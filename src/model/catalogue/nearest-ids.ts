interface Named {
  readonly id: string;
  /** At least one. */
  readonly names: readonly string[];
}

/** @returns up to `count` ids of which a name looks most like `text`, best first */
export const nearestIds = (text: string, all: readonly Named[], count: number): readonly string[] =>
  all
    .map(({ id, names }) => ({ id, distance: Math.min(...names.map((name) => unlikeness(text, name))) }))
    .sort((a, b) => a.distance - b.distance || (a.id < b.id ? -1 : 1))
    .slice(0, count)
    .map(({ id }) => id);

/** Edits from one text to the other, relative to the longer one: 0 for the same text, 1 for nothing in common. */
const unlikeness = (a: string, b: string): number => edits(a, b) / Math.max(a.length, b.length, 1);

/** Levenshtein distance. */
const edits = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
};
