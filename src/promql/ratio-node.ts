import type { Aggregate } from "./ast.ts";
import { shortText } from "./go-numbers.ts";
import type { Labels } from "./labels.ts";
import { labelsHash } from "./labels-hash.ts";
import type { ScalarNode, VectorNode } from "./node.ts";
import { QueryError } from "./query-error.ts";
import type { Run } from "./run.ts";
import { InstantVector, LabelCache } from "./vector.ts";

/**
 * limit_ratio: a share of the series, always the same ones, chosen by a hash of their labels; a negative share is of the
 * others. Source: HashRatioSampler and Labels.Hash (stringlabels), Prometheus 3.14.
 */
export class RatioNode implements VectorNode {
  readonly kind = "vector";
  readonly #run: Run;
  readonly #expr: Aggregate;
  readonly #inner: VectorNode;
  readonly #param: ScalarNode;
  readonly #offsets = new LabelCache(sampleOffset);
  readonly #out = new InstantVector();

  constructor(run: Run, expr: Aggregate, inner: VectorNode, param: ScalarNode) {
    this.#run = run;
    this.#expr = expr;
    this.#inner = inner;
    this.#param = param;
  }

  vector(atMs: number): InstantVector {
    const asked = this.#param.value(atMs);
    const vector = this.#inner.vector(atMs);
    const out = this.#out;
    out.clear();
    if (asked === 0) return out;
    if (Number.isNaN(asked)) throw new QueryError("Ratio value is NaN");
    const ratio = this.#capped(asked);
    for (let i = 0; i < vector.length; i += 1) {
      const labels = vector.labels[i] as Labels;
      const offset = this.#offsets.get(labels, i);
      const taken = ratio >= 0 ? offset < ratio : offset >= 1 + ratio;
      if (taken) out.push(labels, vector.values[i] as number, vector.drops[i] as number);
    }
    return out;
  }

  #capped(asked: number): number {
    const ratio = Math.max(-1, Math.min(1, asked));
    if (ratio !== asked) {
      const message = `ratio value should be between -1 and 1, got ${shortText(asked)}, capping to ${ratio}`;
      this.#run.annotations.warn(message, this.#expr.param ?? this.#expr);
    }
    return ratio;
  }
}

/** In [0, 1]. */
const sampleOffset = (labels: Labels): number => Number(labelsHash(labels)) / 2 ** 64;
