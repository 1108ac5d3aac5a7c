import { Groups } from "./aggregate-node.ts";
import type { Aggregate } from "./ast.ts";
import type { Labels } from "./labels.ts";
import type { ScalarNode, VectorNode } from "./node.ts";
import { QueryError } from "./query-error.ts";
import { type Sample, SampleHeap } from "./sample-heap.ts";
import { InstantVector } from "./vector.ts";

interface Chosen {
  round: number;
  samples: SampleHeap;
}

const LEAST_INT = -(2 ** 63);
const MOST_INT = 2 ** 63;

/** topk, bottomk and limitk: some of the series, as they are. Source: aggregationK, Prometheus 3.14. */
export class KAggregateNode implements VectorNode {
  readonly kind = "vector";
  readonly #operator: string;
  readonly #inner: VectorNode;
  readonly #param: ScalarNode;
  readonly #groups: Groups<Chosen>;
  readonly #out = new InstantVector();
  #round = 0;

  constructor(expr: Aggregate, inner: VectorNode, param: ScalarNode) {
    this.#operator = expr.operator;
    this.#inner = inner;
    this.#param = param;
    const sign = expr.operator === "bottomk" ? -1 : 1;
    this.#groups = new Groups(expr, () => ({ round: 0, samples: new SampleHeap(sign) }));
  }

  vector(atMs: number): InstantVector {
    const parameter = this.#param.value(atMs);
    const vector = this.#inner.vector(atMs);
    const out = this.#out;
    out.clear();
    const most = Math.min(Math.trunc(checkedCount(parameter)), vector.length);
    if (most < 1) return out;
    for (const { samples } of this.#choose(vector, most)) {
      for (const { labels, value, drop } of this.#operator === "limitk" ? samples.items : samples.sorted()) {
        out.push(labels, value, drop);
      }
    }
    return out;
  }

  #choose(vector: InstantVector, most: number): readonly Chosen[] {
    const seen: Chosen[] = [];
    this.#groups.tidy();
    this.#round += 1;
    for (let i = 0; i < vector.length; i += 1) {
      const labels = vector.labels[i] as Labels;
      const group = this.#groups.of(labels, i);
      if (group.round !== this.#round) {
        group.round = this.#round;
        group.samples.clear();
        seen.push(group);
      }
      this.#offer(group.samples, { labels, value: vector.values[i] as number, drop: vector.drops[i] as number }, most);
    }
    return seen;
  }

  #offer(samples: SampleHeap, sample: Sample, most: number): void {
    if (this.#operator === "limitk") {
      if (samples.items.length < most) samples.items.push(sample);
    } else if (samples.items.length < most) {
      samples.push(sample);
    } else {
      samples.replaceIfBetter(sample);
    }
  }
}

const checkedCount = (parameter: number): number => {
  if (Number.isNaN(parameter)) throw new QueryError("Parameter value is NaN");
  if (parameter <= LEAST_INT) throw new QueryError(`Scalar value ${parameter} underflows int64`);
  if (parameter >= MOST_INT) throw new QueryError(`Scalar value ${parameter} overflows int64`);
  return parameter;
};
