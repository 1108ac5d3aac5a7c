import type { LengthHistogram } from "./observed-step.ts";

/** @returns observations in it */
export const countOf = ({ counts }: LengthHistogram): number => counts.reduce((sum, count) => sum + count, 0);

/**
 * Several histograms as one. Where bounds differ, those that all of them have are used: what is known at a bound of all
 * is known of the whole, and nothing else is.
 */
export const pooled = (all: readonly LengthHistogram[]): LengthHistogram | undefined => {
  const [first, ...others] = all;
  if (first === undefined) return undefined;
  const bounds = first.bounds.filter((bound) => others.every((other) => other.bounds.includes(bound)));
  const counts = new Array<number>(bounds.length + 1).fill(0);
  for (const one of all) {
    let to = 0;
    one.counts.forEach((count, i) => {
      const upper = one.bounds[i] ?? Number.POSITIVE_INFINITY;
      while (to < bounds.length && (bounds[to] as number) < upper) to += 1;
      counts[to] = (counts[to] as number) + count;
    });
  }
  const sum = all.some((one) => one.sum === undefined)
    ? undefined
    : all.reduce((total, one) => total + (one.sum as number), 0);
  return { bounds, counts, sum };
};

/** @returns whether two of them have different bounds */
export const boundsDiffer = ([first, ...others]: readonly LengthHistogram[]): boolean =>
  others.some(
    ({ bounds }) => bounds.length !== first?.bounds.length || bounds.some((bound, i) => bound !== first.bounds[i]),
  );
