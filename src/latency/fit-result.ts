/** What `npm run fit` found: committed as `fitted.ts`. */
export interface Fitted {
  /** Logarithms of the corrections, in the order of `CORRECTIONS`, and their covariance. */
  readonly corrections: readonly number[];
  readonly covariance: readonly (readonly number[])[];
  /** Scatter of a deployment's step time about the model, on a logarithmic scale, in leave-one-model-out folds. */
  readonly deployment: number;
  /** Scatter of a figure that its step time doesn't explain, likewise. */
  readonly residual: Readonly<Record<ResidualMetric, number>>;
  /** Scatter on top, of servers of which one kind of thing was never fitted: leave-one-kind-out folds. */
  readonly novelty: Readonly<Record<NoveltyKind, number>>;
  /** What was fitted: ids of GPUs, words for precisions and architectures as `precisionOf` and `architectureOf` have them. */
  readonly covered: {
    readonly gpus: readonly string[];
    readonly precisions: readonly string[];
    readonly architectures: readonly string[];
  };
  /** The files it came from. */
  readonly data: readonly { readonly file: string; readonly sha256: string }[];
}

export type NoveltyKind = "gpu" | "precision" | "architecture";

export type ResidualMetric =
  | "e2e_mean"
  | "e2e_p90"
  | "e2e_p99"
  | "ttft_mean"
  | "ttft_p90"
  | "ttft_p95"
  | "ttft_p99"
  /** Of any first token where most prompts are computed, not found in the prefix cache. */
  | "ttft_cold"
  | "itl_mean"
  | "itl_median"
  | "tpot_mean"
  | "output_tokens_per_s";
