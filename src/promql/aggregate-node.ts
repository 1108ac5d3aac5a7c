import { type Aggregation, Group } from "./aggregations.ts";
import { type Annotations, quantileWarning } from "./annotations.ts";
import type { Aggregate, Place } from "./ast.ts";
import { plainText, shortText } from "./go-numbers.ts";
import { groupLabels } from "./grouping.ts";
import type { Labels } from "./labels.ts";
import type { ScalarNode, VectorNode } from "./node.ts";
import type { Run } from "./run.ts";
import { InstantVector, LabelCache } from "./vector.ts";

const MOST_GROUPS = 20_000;

/** Groups of an aggregation, in the order in which they were first seen at an instant. */
export class Groups<T> {
  readonly #byKey = new Map<string, T>();
  readonly #cache: LabelCache<T>;

  constructor({ grouping, without }: Aggregate, make: (labels: Labels) => T) {
    this.#cache = new LabelCache((labels) => {
      const grouped = groupLabels(labels, grouping, without);
      let group = this.#byKey.get(grouped.key);
      if (group === undefined) {
        group = make(grouped);
        this.#byKey.set(grouped.key, group);
      }
      return group;
    });
  }

  /** To be called between evaluations: groups that are long gone are forgotten with the rest. */
  tidy(): void {
    if (this.#byKey.size <= MOST_GROUPS) return;
    this.#byKey.clear();
    this.#cache.clear();
  }

  of(labels: Labels, at: number): T {
    return this.#cache.get(labels, at);
  }
}

/** sum, avg, min, max, count, group, stddev, stdvar and quantile. */
export class AggregateNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #inner: VectorNode;
  readonly #param: ScalarNode | undefined;
  readonly #aggregation: Aggregation;
  readonly #groups: Groups<Group>;
  readonly #place: Place;
  readonly #isQuantile: boolean;
  readonly #out = new InstantVector();
  readonly #seen: Group[] = [];
  #round = 0;

  constructor(run: Run, expr: Aggregate, inner: VectorNode, param: ScalarNode | undefined, aggregation: Aggregation) {
    this.#run = run;
    this.#inner = inner;
    this.#param = param;
    this.#aggregation = aggregation;
    this.#groups = new Groups(expr, (labels) => new Group(labels));
    this.#place = expr.param ?? expr;
    this.#isQuantile = expr.operator === "quantile";
  }

  vector(atMs: number): InstantVector {
    const parameter = this.#param?.value(atMs) ?? 0;
    const vector = this.#inner.vector(atMs);
    if (this.#isQuantile) checkQuantile(parameter, this.#place, this.#run.annotations);
    this.#collect(vector);
    const out = this.#out;
    out.clear();
    for (const group of this.#seen) out.push(group.labels, this.#aggregation.result(group, parameter), group.drop);
    return out;
  }

  #collect(vector: InstantVector): void {
    const seen = this.#seen;
    const aggregation = this.#aggregation;
    this.#groups.tidy();
    this.#round += 1;
    seen.length = 0;
    for (let i = 0; i < vector.length; i += 1) {
      const group = this.#groups.of(vector.labels[i] as Labels, i);
      const value = vector.values[i] as number;
      if (group.round === this.#round) {
        aggregation.next(group, value);
        group.drop |= vector.drops[i] as number;
      } else {
        group.round = this.#round;
        group.drop = vector.drops[i] as number;
        aggregation.first(group, value);
        seen.push(group);
      }
    }
  }
}

export const checkQuantile = (q: number, place: Place, annotations: Annotations): void => {
  if (!(q >= 0 && q <= 1)) annotations.warn(quantileWarning(shortText(q)), place);
};

interface Tally {
  readonly labels: Labels;
  count: number;
}

/** How often each value occurs, with the value as a label. Source: aggregationCountValues, Prometheus 3.14. */
export class CountValuesNode implements VectorNode {
  readonly kind = "vector";
  readonly #inner: VectorNode;
  readonly #label: string;
  readonly #grouping: readonly string[];
  readonly #without: boolean;
  readonly #out = new InstantVector();

  constructor(expr: Aggregate, inner: VectorNode, label: string) {
    this.#inner = inner;
    this.#label = label;
    this.#grouping = expr.without ? expr.grouping : [...expr.grouping, label];
    this.#without = expr.without;
  }

  vector(atMs: number): InstantVector {
    const vector = this.#inner.vector(atMs);
    const tallies = new Map<string, Tally>();
    for (let i = 0; i < vector.length; i += 1) {
      const valued = (vector.labels[i] as Labels).with(this.#label, plainText(vector.values[i] as number));
      const labels = groupLabels(valued, this.#grouping, this.#without);
      const tally = tallies.get(labels.key) ?? { labels, count: 0 };
      tally.count += 1;
      tallies.set(labels.key, tally);
    }
    this.#out.clear();
    for (const { labels, count } of tallies.values()) this.#out.push(labels, count, 0);
    return this.#out;
  }
}
