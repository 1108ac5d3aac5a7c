import { boundOf, type Objective, observe } from "../../report/objectives.ts";
import type { Kpis } from "../../report/report.ts";

/** What one run comes to for a sweep: all that decides, small enough to be sent by whoever ran it. */
export interface Measured {
  /** By how much of the bound the objectives were missed, summed; 0: all are met. */
  readonly violation: number;
  /** Share of objectives met. */
  readonly met: number;
  /** Share of requests that met their targets (spec.slo); left out: none has any. */
  readonly attained?: number;
  /** Of the nodes; left out: not every node pool has a price. */
  readonly cost?: number;
  readonly gpuHours: number;
}

/** @param objectives at least one */
export const measuredOf = (objectives: readonly Objective[], kpis: Kpis): Measured => {
  const { slo, nodes, gpuHours } = kpis;
  const misses = objectives.map((objective) => missOf(objective, kpis));
  return {
    violation: misses.reduce((sum, miss) => sum + miss, 0),
    met: misses.filter((miss) => miss === 0).length / misses.length,
    ...(slo?.attainmentRatio === undefined ? {} : { attained: slo.attainmentRatio }),
    ...(nodes?.cost === undefined ? {} : { cost: nodes.cost }),
    gpuHours,
  };
};

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

/** @param runs one per replication, at least one */
export const scoreOf = (runs: readonly Measured[]): Score => {
  const attained = runs.map((run) => run.attained);
  const priced = runs.map(({ cost }) => cost);
  return {
    violation: mean(runs.map(({ violation }) => violation)),
    attainment: mean(told(attained) ? attained : runs.map(({ met }) => met)),
    cost: mean(told(priced) ? priced : runs.map(({ gpuHours }) => gpuHours)),
    costUnit: told(priced) ? "cost" : "gpuHours",
  };
};

const told = (values: readonly (number | undefined)[]): values is readonly number[] =>
  values.every((value) => value !== undefined);

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
