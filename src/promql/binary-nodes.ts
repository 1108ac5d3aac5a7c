import { type Binary, type Matching, SET_OPERATORS } from "./ast.ts";
import { type Labels, METRIC_NAME } from "./labels.ts";
import type { ScalarNode, VectorNode } from "./node.ts";
import { ARITHMETIC, COMPARISON } from "./operators.ts";
import { QueryError } from "./query-error.ts";
import type { Run } from "./run.ts";
import { InstantVector, LabelCache } from "./vector.ts";

/** Two scalars. */
export const scalarOperation = ({ operator }: Binary, left: ScalarNode, right: ScalarNode): ScalarNode => {
  const compute = ARITHMETIC[operator];
  const compare = COMPARISON[operator];
  return {
    kind: "scalar",
    value: (atMs) => {
      const [a, b] = [left.value(atMs), right.value(atMs)];
      return compute === undefined ? Number(compare?.(a, b)) : compute(a, b);
    },
  };
};

/**
 * A vector and a scalar, in either order; a comparison keeps the vector's value.
 * Source: VectorscalarBinop, Prometheus 3.14.
 */
export class VectorScalarNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #expr: Binary;
  readonly #vector: VectorNode;
  readonly #scalar: ScalarNode;
  /** The scalar is on the left. */
  readonly #swapped: boolean;
  readonly #bare = new LabelCache((labels) => labels.withoutMetadata());
  readonly #out = new InstantVector();

  constructor(run: Run, expr: Binary, vector: VectorNode, scalar: ScalarNode, swapped: boolean) {
    this.#run = run;
    this.#expr = expr;
    this.#vector = vector;
    this.#scalar = scalar;
    this.#swapped = swapped;
  }

  vector(atMs: number): InstantVector {
    const scalar = this.#scalar.value(atMs);
    const vector = this.#vector.vector(atMs);
    const { operator, returnBool } = this.#expr;
    const { delayedNameRemoval } = this.#run.features;
    const compute = ARITHMETIC[operator];
    const compare = COMPARISON[operator];
    const renames = compute !== undefined || returnBool;
    const out = this.#out;
    out.clear();
    for (let i = 0; i < vector.length; i += 1) {
      const value = vector.values[i] as number;
      const [left, right] = this.#swapped ? [scalar, value] : [value, scalar];
      const kept = compare?.(left, right) ?? true;
      if (!kept && !returnBool) continue;
      const result = compute !== undefined ? compute(left, right) : returnBool ? Number(kept) : value;
      const labels = vector.labels[i] as Labels;
      const drop = renames ? 1 : (vector.drops[i] as number);
      out.push(renames && !delayedNameRemoval ? this.#bare.get(labels, i) : labels, result, drop);
    }
    if (!delayedNameRemoval || this.#run.isRange) out.refuseDoubles();
    return out;
  }
}

const IGNORING_NOTHING: Matching = {
  cardinality: "one-to-one",
  on: false,
  labels: [],
  include: [],
  fillLeft: undefined,
  fillRight: undefined,
};

const MOST_SIGNATURES = 20_000;

/** What series of both sides are matched by, numbered. */
class Signatures {
  readonly #numbers = new Map<string, number>();
  readonly #caches: readonly LabelCache<number>[];

  constructor({ on, labels }: Matching) {
    const names = on ? labels : [...labels, METRIC_NAME];
    const number = (set: Labels) => {
      const { key } = on ? set.keep(names) : set.drop(names);
      const known = this.#numbers.get(key) ?? this.#numbers.size;
      this.#numbers.set(key, known);
      return known;
    };
    this.#caches = [new LabelCache(number), new LabelCache(number)];
  }

  get size(): number {
    return this.#numbers.size;
  }

  tidy(): void {
    if (this.#numbers.size <= MOST_SIGNATURES) return;
    this.#numbers.clear();
    for (const cache of this.#caches) cache.clear();
  }

  of(side: 0 | 1, labels: Labels, at: number): number {
    return (this.#caches[side] as LabelCache<number>).get(labels, at);
  }
}

/** and, or, unless. Source: VectorAnd, VectorOr, VectorUnless, Prometheus 3.14. */
export class SetNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #operator: string;
  readonly #left: VectorNode;
  readonly #right: VectorNode;
  readonly #signatures: Signatures;
  readonly #out = new InstantVector();

  constructor(run: Run, expr: Binary, left: VectorNode, right: VectorNode) {
    this.#run = run;
    this.#operator = expr.operator;
    this.#left = left;
    this.#right = right;
    this.#signatures = new Signatures(expr.matching ?? IGNORING_NOTHING);
  }

  vector(atMs: number): InstantVector {
    const left = this.#left.vector(atMs);
    const right = this.#right.vector(atMs);
    const out = this.#out;
    this.#signatures.tidy();
    out.clear();
    if (this.#operator === "or") this.#union(left, right);
    else this.#filter(left, right, this.#operator === "and");
    if (!this.#run.features.delayedNameRemoval || this.#run.isRange) out.refuseDoubles();
    return out;
  }

  #present(vector: InstantVector, side: 0 | 1): ReadonlySet<number> {
    const found = new Set<number>();
    for (let i = 0; i < vector.length; i += 1) found.add(this.#signatures.of(side, vector.labels[i] as Labels, i));
    return found;
  }

  #filter(left: InstantVector, right: InstantVector, keepMatched: boolean): void {
    const present = this.#present(right, 1);
    for (let i = 0; i < left.length; i += 1) {
      const matched = present.has(this.#signatures.of(0, left.labels[i] as Labels, i));
      if (matched === keepMatched) this.#copy(left, i);
    }
  }

  #union(left: InstantVector, right: InstantVector): void {
    const present = this.#present(left, 0);
    for (let i = 0; i < left.length; i += 1) this.#copy(left, i);
    for (let i = 0; i < right.length; i += 1) {
      if (!present.has(this.#signatures.of(1, right.labels[i] as Labels, i))) this.#copy(right, i);
    }
  }

  #copy(from: InstantVector, i: number): void {
    this.#out.push(from.labels[i] as Labels, from.values[i] as number, from.drops[i] as number);
  }
}

/** Arithmetic and comparisons between vectors. Source: VectorBinop, Prometheus 3.14. */
export class MatchNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #expr: Binary;
  readonly #matching: Matching;
  readonly #left: VectorNode;
  readonly #right: VectorNode;
  readonly #signatures: Signatures;
  readonly #results = new Map<Labels, Map<Labels, Labels>>();
  readonly #out = new InstantVector();
  /** Index on the "one" side by signature; and what was matched: the many side's result labels by signature. */
  readonly #one: number[] = [];
  readonly #matched = new Map<number, Set<string> | undefined>();

  constructor(run: Run, expr: Binary, left: VectorNode, right: VectorNode) {
    this.#run = run;
    this.#expr = expr;
    this.#matching = expr.matching ?? IGNORING_NOTHING;
    this.#left = left;
    this.#right = right;
    this.#signatures = new Signatures(this.#matching);
  }

  vector(atMs: number): InstantVector {
    const left = this.#left.vector(atMs);
    const right = this.#right.vector(atMs);
    const out = this.#out;
    this.#signatures.tidy();
    if (this.#results.size > MOST_SIGNATURES) this.#results.clear();
    out.clear();
    const { fillLeft, fillRight } = this.#matching;
    const fills = fillLeft !== undefined || fillRight !== undefined;
    const empty = Number(left.length === 0) + Number(right.length === 0);
    if (empty === 2 || (empty === 1 && !fills)) return out;
    this.#match(left, right);
    if (!this.#run.features.delayedNameRemoval || this.#run.isRange) out.refuseDoubles();
    return out;
  }

  /** `many` has any number of series for one of `one`. */
  #match(left: InstantVector, right: InstantVector): void {
    const swapped = this.#matching.cardinality === "one-to-many";
    const [many, one] = swapped ? [right, left] : [left, right];
    const [manySide, oneSide] = swapped ? ([1, 0] as const) : ([0, 1] as const);
    const { fillLeft, fillRight } = this.#matching;
    const [fillMany, fillOne] = [fillLeft, fillRight];
    this.#matched.clear();
    this.#indexOne(one, oneSide);
    for (let i = 0; i < many.length; i += 1) {
      const labels = many.labels[i] as Labels;
      const signature = this.#signatures.of(manySide, labels, i);
      const at = this.#one[signature] ?? -1;
      if (at >= 0)
        this.#combine(signature, labels, many.values[i] as number, one.labels[at] as Labels, one.values[at] as number);
      else if (fillOne !== undefined)
        this.#combine(signature, labels, many.values[i] as number, this.#shared(labels), fillOne);
    }
    if (fillMany === undefined) return;
    for (let i = 0; i < one.length; i += 1) {
      const labels = one.labels[i] as Labels;
      const signature = this.#signatures.of(oneSide, labels, i);
      if (this.#matched.has(signature)) continue;
      this.#combine(signature, this.#shared(labels), fillMany, labels, one.values[i] as number);
    }
  }

  #indexOne(one: InstantVector, side: 0 | 1): void {
    this.#one.fill(-1);
    for (let i = 0; i < one.length; i += 1) {
      const labels = one.labels[i] as Labels;
      const signature = this.#signatures.of(side, labels, i);
      const before = this.#one[signature] ?? -1;
      if (before >= 0) this.#refuseDoubles(one.labels[before] as Labels, labels);
      while (this.#one.length <= signature) this.#one.push(-1);
      this.#one[signature] = i;
    }
  }

  #refuseDoubles(first: Labels, second: Labels): never {
    const side = this.#matching.cardinality === "one-to-many" ? "left" : "right";
    const pair = [first.toString(), second.toString()].sort();
    throw new QueryError(
      `found duplicate series for the match group ${this.#shared(second)} on the ${side} hand-side of the operation: ` +
        `[${pair.join(", ")}];many-to-many matching not allowed: matching labels must be unique on one side`,
    );
  }

  /** The labels that series are matched by. */
  #shared(labels: Labels): Labels {
    const { on, labels: names } = this.#matching;
    return on ? labels.keep(names) : labels.drop([...names, METRIC_NAME]);
  }

  #combine(signature: number, manyLabels: Labels, manyValue: number, oneLabels: Labels, oneValue: number): void {
    const { operator, returnBool } = this.#expr;
    const swapped = this.#matching.cardinality === "one-to-many";
    const [left, right] = swapped ? [oneValue, manyValue] : [manyValue, oneValue];
    const compute = ARITHMETIC[operator];
    const kept = COMPARISON[operator]?.(left, right) ?? true;
    const labels = this.#resultLabels(manyLabels, oneLabels);
    this.#note(signature, labels);
    if (!kept && !returnBool) return;
    const value = compute !== undefined ? compute(left, right) : returnBool ? Number(kept) : left;
    this.#out.push(labels, value, Number(returnBool));
  }

  /** @throws QueryError if the result could not be told apart from another */
  #note(signature: number, labels: Labels): void {
    if (this.#matching.cardinality === "one-to-one") {
      if (this.#matched.has(signature)) {
        throw new QueryError(
          "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
        );
      }
      this.#matched.set(signature, undefined);
      return;
    }
    const matched = this.#matched.get(signature) ?? new Set<string>();
    if (matched.has(labels.key)) {
      throw new QueryError("multiple matches for labels: grouping labels must ensure unique matches");
    }
    matched.add(labels.key);
    this.#matched.set(signature, matched);
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    let byOne = this.#results.get(many);
    if (byOne === undefined) {
      byOne = new Map();
      this.#results.set(many, byOne);
    }
    let result = byOne.get(one);
    if (result === undefined) {
      if (byOne.size > MOST_SIGNATURES) byOne.clear();
      result = this.#makeLabels(many, one);
      byOne.set(one, result);
    }
    return result;
  }

  /** Source: resultMetric, Prometheus 3.14. */
  #makeLabels(many: Labels, one: Labels): Labels {
    const { cardinality, on, labels: names, include } = this.#matching;
    const { operator, returnBool } = this.#expr;
    const renames = ARITHMETIC[operator] !== undefined || (returnBool && !this.#run.features.delayedNameRemoval);
    let labels = renames ? many.withoutMetadata() : many;
    if (cardinality === "one-to-one") labels = on ? labels.keep(names) : labels.drop(names);
    for (const name of include) labels = labels.with(name, one.get(name));
    return labels;
  }
}

export const isSet = ({ operator }: Binary): boolean => SET_OPERATORS.has(operator);
