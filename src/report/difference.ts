import type { Kpis } from "./report.ts";
import { flatKpis, type Spread, spread } from "./spread.ts";

/** How a KPI of a candidate differs from the baseline's. */
export interface Difference {
  /** Candidate less baseline, replication by replication: the random numbers are the same, so the change alone tells. */
  readonly change: Spread;
  /** Of the means, against the baseline's; left out where that is 0. */
  readonly ratio?: number;
}

/**
 * Every KPI's difference by its flat name, of those that both have.
 * @param baseline and candidate: KPIs per replication, the same seeds in the same order
 */
export const differences = (baseline: readonly Kpis[], candidate: readonly Kpis[]): Record<string, Difference> => {
  const [before, after] = [baseline.map(flatKpis), candidate.map(flatKpis)];
  return Object.fromEntries(
    Object.keys(before[0] ?? {}).flatMap((name): [string, Difference][] => {
      // What one of them has no figure for can't be compared.
      const pairs = before.flatMap((one, i): [number, number][] => {
        const [from, to] = [one[name], after[i]?.[name]];
        return from === undefined || to === undefined ? [] : [[from, to]];
      });
      if (pairs.length === 0) return [];
      const change = spread(pairs.map(([from, to]) => to - from));
      const mean = pairs.reduce((sum, [from]) => sum + from, 0) / pairs.length;
      return [[name, mean === 0 ? { change } : { change, ratio: Number((change.mean / mean).toPrecision(6)) }]];
    }),
  );
};
