import { type Comparison, compare, type Goal } from "../../report/comparison.ts";
import type { Kpis } from "../../report/report.ts";
import type { Progress } from "../../worker/protocol.ts";

/**
 * Compares both sides of the first replication while they run, at each instant that both have come to.
 * @param tell is told how they compare, and how much was simulated by then
 * @returns what is called with the progress of runs 0 (the baseline's) and 1 (the change's); others are passed over
 */
export const firstLooks = (
  goals: readonly Goal[],
  tell: (comparison: Comparison, simulatedSeconds: number) => void,
): ((run: number, progress: Progress) => void) => {
  const sides = [new Map<number, Kpis>(), new Map<number, Kpis>()];
  return (run, { simulatedSeconds, kpis }) => {
    if (kpis === undefined) return;
    sides[run]?.set(simulatedSeconds, kpis);
    const [baseline, change] = sides.map((looks) => looks.get(simulatedSeconds));
    if (baseline !== undefined && change !== undefined) tell(compare(goals, [baseline], [change]), simulatedSeconds);
  };
};
