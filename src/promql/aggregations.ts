import { KahanSum, Mean } from "./kahan.ts";
import type { Labels } from "./labels.ts";
import { quantileOf } from "./quantile.ts";

/** Series that are aggregated to one, and what was added up so far. Kept from one evaluation to the next. */
export class Group {
  readonly labels: Labels;
  /** The evaluation that it was last seen in. */
  round = 0;
  drop = 0;
  count = 0;
  value = 0;
  average = 0;
  readonly sum = new KahanSum();
  readonly mean = new Mean();
  readonly values: number[] = [];

  constructor(labels: Labels) {
    this.labels = labels;
  }
}

/** How values become one. `first` starts a group anew. */
export interface Aggregation {
  first(group: Group, value: number): void;
  next(group: Group, value: number): void;
  result(group: Group, parameter: number): number;
}

const nothing = () => {};

const spread = (result: (variance: number) => number): Aggregation => ({
  first: (group, value) => {
    group.count = 1;
    group.average = value;
    group.value = Number.isFinite(value) ? 0 : Number.NaN;
  },
  next: (group, value) => {
    group.count += 1;
    const delta = value - group.average;
    group.average += delta / group.count;
    group.value += delta * (value - group.average);
  },
  result: (group) => result(group.value / group.count),
});

const best = (better: (value: number, before: number) => boolean): Aggregation => ({
  first: (group, value) => {
    group.value = value;
  },
  next: (group, value) => {
    if (better(value, group.value) || Number.isNaN(group.value)) group.value = value;
  },
  result: ({ value }) => value,
});

/** Those that make one value of many. Source: aggregation(), promql/engine.go, Prometheus 3.14. */
export const AGGREGATIONS: Readonly<Record<string, Aggregation>> = {
  sum: {
    first: (group, value) => group.sum.reset(value),
    next: (group, value) => group.sum.add(value),
    result: ({ sum }) => sum.sum + sum.carry,
  },
  avg: {
    first: (group, value) => group.mean.reset(value),
    next: (group, value) => group.mean.add(value),
    result: ({ mean }) => mean.value,
  },
  count: {
    first: (group) => {
      group.count = 1;
    },
    next: (group) => {
      group.count += 1;
    },
    result: ({ count }) => count,
  },
  group: { first: nothing, next: nothing, result: () => 1 },
  max: best((value, before) => value > before),
  min: best((value, before) => value < before),
  stddev: spread(Math.sqrt),
  stdvar: spread((variance) => variance),
  quantile: {
    first: (group, value) => {
      group.values.length = 0;
      group.values.push(value);
    },
    next: (group, value) => void group.values.push(value),
    result: ({ values }, q) => quantileOf(q, values),
  },
};
