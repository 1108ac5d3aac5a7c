import { type Estimate, estimate } from "./confidence-sequence.ts";

/** One figure of two scenarios over the same replications. */
export interface Paired {
  readonly baseline: Estimate;
  readonly change: Estimate;
  /** `relative`: change over baseline, less 1. Else change less baseline, in the figure's own unit. */
  readonly difference: Estimate & { readonly relative: boolean };
}

/**
 * Pairs replications that had the same random numbers, so that what they have in common cancels out and the change alone tells.
 * Where all values are above 0, their logarithms are taken: figures of load and latency spread by factors, and means are then
 * geometric. Else the plain differences are.
 *
 * @param baseline and change: of each replication in turn; equally many, at least one
 * @param alpha how often each of the intervals may miss, looked at after every replication
 */
export const paired = (
  baseline: readonly number[],
  change: readonly number[],
  alpha: number,
  scale: "factors" | "differences" = "factors",
): Paired => {
  const relative = scale === "factors" && [...baseline, ...change].every((value) => value > 0);
  const [before, after] = relative ? [baseline.map(Math.log), change.map(Math.log)] : [baseline, change];
  const difference = estimate(
    after.map((value, i) => value - (before[i] as number)),
    alpha,
  );
  const back = relative ? Math.exp : (value: number) => value;
  return {
    baseline: mapped(estimate(before, alpha), back),
    change: mapped(estimate(after, alpha), back),
    difference: { relative, ...mapped(difference, relative ? Math.expm1 : back) },
  };
};

const mapped = ({ mean, interval }: Estimate, map: (value: number) => number): Estimate => ({
  mean: rounded(map(mean)),
  ...(interval === undefined
    ? {}
    : { interval: { low: rounded(map(interval.low)), high: rounded(map(interval.high)) } }),
});

/** Six significant digits, so that a result does not change with the last bit. */
const rounded = (value: number): number => Number(value.toPrecision(6));
