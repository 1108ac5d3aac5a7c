import { CHARTS } from "./chart-list.ts";
import type { RunView, ScenarioTimelineView, TimelinesView } from "./view.ts";

const MOST_DECISIONS = 500;

/** Courses of each scenario: per bucket the mean of its replications, and between what they lie; baseline first. */
export const timelinesOf = (runs: readonly RunView[]): TimelinesView => {
  const scenarios = [...new Set(runs.map(({ scenario }) => scenario))];
  return {
    scenarios: scenarios.map((scenario) => together(runs.filter((run) => run.scenario === scenario))),
  };
};

const together = (runs: readonly RunView[]): ScenarioTimelineView => {
  const [first] = runs as [RunView, ...RunView[]];
  const { bucketSeconds, atSeconds } = first.timeline;
  // A Shadow that was just widened may have other buckets: what doesn't lie side by side isn't added up.
  const alike = runs.filter(({ timeline }) => timeline.bucketSeconds === bucketSeconds);
  const columns: Record<string, (number | null)[]> = {};
  const lows: Record<string, (number | null)[]> = {};
  const highs: Record<string, (number | null)[]> = {};
  for (const { lines, gaps = false } of CHARTS) {
    for (const { column } of lines) {
      const perBucket = atSeconds.map(
        (_, i) =>
          alike
            .map(({ timeline }) => timeline.columns[column]?.[i])
            .filter((value) => value !== undefined && !(gaps && value === 0)) as number[],
      );
      columns[column] = perBucket.map((values) => rounded(values.reduce((sum, one) => sum + one, 0) / values.length));
      if (alike.length < 2) continue;
      lows[column] = perBucket.map((values) => rounded(Math.min(...values)));
      highs[column] = perBucket.map((values) => rounded(Math.max(...values)));
    }
  }
  return {
    scenario: first.scenario,
    replications: alike.length,
    bucketSeconds,
    atSeconds,
    columns,
    ...(alike.length < 2 ? {} : { lows, highs }),
    decisions: first.scaleEvents.slice(0, MOST_DECISIONS),
    decisionsLeftOut: Math.max(0, first.scaleEvents.length - MOST_DECISIONS),
  };
};

/** Four digits are more than a chart shows. @returns null where there was nothing to measure */
const rounded = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(4)) : null);
