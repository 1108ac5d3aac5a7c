/**
 * @returns the candidate that `word` was probably meant to be: the one with the fewest changes if they are at most a third
 * of its letters, else one that `word` is a part of; undefined if none is near
 */
export const nearest = (word: string, candidates: readonly string[]): string | undefined => {
  const typed = word.slice(0, 64);
  let best: { name: string; distance: number } | undefined;
  for (const name of candidates) {
    const distance = editDistance(typed, name);
    if (distance <= Math.max(1, name.length / 3) && (best === undefined || distance < best.distance))
      best = { name, distance };
  }
  return best?.name ?? candidates.find((name) => typed.length >= 3 && name.toLowerCase().includes(typed.toLowerCase()));
};

/** Letters put in, left out, changed or swapped with their neighbour (optimal string alignment); a wrong case counts half. */
const editDistance = (a: string, b: string): number => {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] as number;
  for (let i = 1; i <= a.length; i++) {
    rows.push([i]);
    for (let j = 1; j <= b.length; j++) {
      const changed = at(i - 1, j - 1) + letterDistance(a[i - 1] as string, b[j - 1] as string);
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      rows[i]?.push(Math.min(changed, swapped, at(i - 1, j) + 1, at(i, j - 1) + 1));
    }
  }
  return at(a.length, b.length);
};

const letterDistance = (a: string, b: string): number => (a === b ? 0 : a.toLowerCase() === b.toLowerCase() ? 0.5 : 1);
