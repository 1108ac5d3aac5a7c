import { invariant } from "../sim/invariant.ts";

const FEWEST = 20;
/** Weight of what was learned before, per observation: half after 700. */
const MEMORY = 0.999;
/** Variance that a coefficient is given before anything is learned. */
const PRIOR = 1e6;

/** A linear model learned one observation at a time (recursive least squares with forgetting). */
export class LinearPredictor {
  readonly #size: number;
  readonly #weights: Float64Array;
  /** Inverse of the weighted scatter matrix, row by row. */
  readonly #inverse: Float64Array;
  readonly #gain: Float64Array;
  #seen = 0;

  constructor(features: number) {
    this.#size = features;
    this.#weights = new Float64Array(features);
    this.#gain = new Float64Array(features);
    this.#inverse = new Float64Array(features * features);
    for (let i = 0; i < features; i += 1) this.#inverse[i * features + i] = PRIOR;
  }

  /** Whether enough was seen to say anything. */
  get ready(): boolean {
    return this.#seen >= FEWEST;
  }

  /** @returns at least 0 */
  predict(features: Float64Array): number {
    return Math.max(0, this.#raw(features));
  }

  learn(features: Float64Array, value: number): void {
    invariant(Number.isFinite(value), "a predictor learns from numbers");
    const [n, inverse, gain] = [this.#size, this.#inverse, this.#gain];
    let spread = MEMORY;
    for (let i = 0; i < n; i += 1) {
      let sum = 0;
      for (let j = 0; j < n; j += 1) sum += (inverse[i * n + j] as number) * (features[j] as number);
      gain[i] = sum;
      spread += (features[i] as number) * sum;
    }
    const error = value - this.#raw(features);
    for (let i = 0; i < n; i += 1)
      this.#weights[i] = (this.#weights[i] as number) + ((gain[i] as number) / spread) * error;
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1) {
        const at = i * n + j;
        const next = ((inverse[at] as number) - ((gain[i] as number) * (gain[j] as number)) / spread) / MEMORY;
        // A direction that never shows up would grow without end.
        inverse[at] = Math.min(PRIOR, Math.max(-PRIOR, next));
      }
    }
    this.#seen += 1;
  }

  #raw(features: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < this.#size; i += 1) sum += (this.#weights[i] as number) * (features[i] as number);
    return sum;
  }
}
