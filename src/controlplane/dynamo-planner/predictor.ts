/** Forecasts the next interval from those before (NVIDIA Dynamo, components/src/dynamo/planner core/load/predictors.py). */
export interface LoadPredictor {
  add(value: number): void;
  /** Asking twice between two values gives the same answer. */
  next(): number;
}

export interface KalmanOptions {
  readonly qLevel: number;
  readonly qTrend: number;
  readonly r: number;
}

/** What isn't finite counts as 0; zeros before the first load are passed over. */
abstract class Predictor implements LoadPredictor {
  #busy = false;

  add(value: number): void {
    const load = Number.isFinite(value) ? value : 0;
    if (load !== 0) this.#busy = true;
    if (this.#busy) this.take(load);
  }

  abstract next(): number;
  protected abstract take(value: number): void;
}

/** The next is as the last; 0 before the first (ConstantPredictor). */
export class ConstantPredictor extends Predictor {
  #last = 0;

  next(): number {
    return this.#last;
  }

  protected take(value: number): void {
    this.#last = value;
  }
}

/**
 * Level and trend, filtered: x' = x + v with noise on both, and the level seen with noise (KalmanPredictor, a filterpy
 * KalmanFilter whose covariance starts at 1000). The forecast may be negative, as there, but in log1p.
 */
export class KalmanPredictor extends Predictor {
  readonly #options: KalmanOptions;
  readonly #log1p: boolean;
  #level = 0;
  #trend = 0;
  /** Covariance: of the level, between both, of the trend. */
  #p: readonly [number, number, number] = [1000, 0, 1000];
  #started = false;
  #ahead = false;

  constructor(options: KalmanOptions, log1p: boolean) {
    super();
    this.#options = options;
    this.#log1p = log1p;
  }

  next(): number {
    if (!this.#started) return 0;
    if (!this.#ahead) this.#step();
    this.#ahead = true;
    return this.#log1p ? Math.max(0, Math.expm1(this.#level)) : this.#level;
  }

  protected take(value: number): void {
    const seen = this.#log1p ? Math.log1p(Math.max(0, value)) : value;
    if (this.#started) {
      if (!this.#ahead) this.#step();
      this.#correct(seen);
    } else {
      this.#level = seen;
      this.#started = true;
    }
    this.#ahead = false;
  }

  #step(): void {
    const [level, both, trend] = this.#p;
    this.#level += this.#trend;
    this.#p = [
      level + 2 * both + trend + Math.max(1e-12, this.#options.qLevel),
      both + trend,
      trend + Math.max(1e-12, this.#options.qTrend),
    ];
  }

  #correct(seen: number): void {
    const [level, both, trend] = this.#p;
    const spread = level + Math.max(1e-9, this.#options.r);
    const [gain, trendGain] = [level / spread, both / spread];
    const off = seen - this.#level;
    this.#level += gain * off;
    this.#trend += trendGain * off;
    this.#p = [(1 - gain) * level, (1 - gain) * both, trend - trendGain * both];
  }
}
