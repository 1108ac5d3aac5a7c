/** Stands for all values beyond the bound. */
export const OTHER = "other";

/**
 * The first values that a label takes, and `other` for any after them.
 * Source: pkg/epp/metrics/cardinality.go, llm-d-router@ebab6879: 1000 models, 1000 fairness ids.
 */
export class BoundedLabel {
  readonly #seen = new Set<string>();
  readonly #most: number;

  constructor(most = 1000) {
    this.#most = most;
  }

  bound(value: string): string {
    if (value === "" || this.#seen.has(value)) return value;
    if (this.#seen.size >= this.#most) return OTHER;
    this.#seen.add(value);
    return value;
  }
}
