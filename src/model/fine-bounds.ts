/** Bounds from 100 us to over 1000 s in steps of 2 %: percentiles between them are off by at most that. */
export const fineSecondsBounds: readonly number[] = Array.from({ length: 816 }, (_, i) => 1e-4 * 1.02 ** i);
