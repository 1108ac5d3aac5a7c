import { boundOf, type Objective, observe } from "../../report/objectives.ts";
import type { Kpis } from "../../report/report.ts";

/** How a candidate did, over its replications. */
export interface Score {
  /** By how much of the bound the objectives were missed, summed; 0: all are met in every replication. */
  readonly violation: number;
  /** Mean share of requests that met their targets (spec.slo); where none has any, share of objectives met. */
  readonly attainment: number;
  /** Mean; `cost` where every node pool has a price, else GPU-hours. */
  readonly cost: number;
  readonly costUnit: "cost" | "gpuHours";
}

/** @param runs KPIs per replication, at least one */
export const scoreOf = (objectives: readonly Objective[], runs: readonly Kpis[]): Score => {
  const misses = runs.flatMap((kpis) => objectives.map((objective) => missOf(objective, kpis)));
  const attained = runs.map(({ slo }) => slo?.attainmentRatio);
  const priced = runs.map(({ nodes }) => nodes?.cost);
  const told = (values: readonly (number | undefined)[]): values is readonly number[] =>
    values.every((value) => value !== undefined);
  return {
    violation: misses.reduce((sum, miss) => sum + miss, 0) / runs.length,
    attainment: told(attained) ? mean(attained) : misses.filter((miss) => miss === 0).length / misses.length,
    cost: told(priced) ? mean(priced) : mean(runs.map(({ gpuHours }) => gpuHours)),
    costUnit: told(priced) ? "cost" : "gpuHours",
  };
};

/** What meets the objectives goes before what doesn't; then the cheaper, or what misses by less (Deb 2000, constraint domination). */
export const byScore = (a: Score, b: Score): number => {
  if (a.violation !== b.violation && (a.violation > 0 || b.violation > 0)) return a.violation - b.violation;
  return a.cost - b.cost || b.attainment - a.attainment;
};

/** Whether no other attains more for less. */
export const onFrontier = (score: Score, all: readonly Score[]): boolean =>
  !all.some(
    (other) =>
      other.attainment >= score.attainment &&
      other.cost <= score.cost &&
      (other.attainment > score.attainment || other.cost < score.cost),
  );

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Silence is no success: an objective of which no request tells anything is missed by as much as its bound. */
const missOf = (objective: Objective, kpis: Kpis): number => {
  const bound = boundOf(objective);
  if (bound === undefined) return 0;
  const value = observe(objective, kpis);
  if (value === undefined) return 1;
  const over = bound.from === "above" ? value - bound.value : bound.value - value;
  return over <= 0 ? 0 : over / Math.max(Math.abs(bound.value), 1e-9);
};
