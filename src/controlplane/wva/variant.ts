import type { ControllerTarget } from "../controller.ts";

/** What Prometheus tells of one replica (llm-d WVA, internal/interfaces ReplicaMetrics). */
export interface ReplicaSignals {
  readonly pod: string;
  /** Name of its variant. */
  readonly variant: string;
  /** 0 to 1, the peak of the last minute, as is `queue`. */
  readonly kvUsage: number;
  readonly queue: number;
  /** Capacity of its KV cache in tokens, and how many are in use; 0: not told. */
  readonly kvTokens: number;
  readonly tokensInUse: number;
  /** Means per finished request over 5 min; 0: none has finished. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** 0 to 1. */
  readonly hitRate: number;
}

/** How a variant stands (VariantReplicaState). */
export interface VariantState {
  readonly target: ControllerTarget;
  readonly current: number;
  /** What was wanted at the last pass; 0: not known. */
  readonly desired: number;
  readonly pending: number;
}

/** What is wanted of one variant, through all stages. */
export interface VariantDecision {
  readonly state: VariantState;
  wanted: number;
  /** What the limiter goes by: mean spare KV share (V1), or 1 - utilisation (V2). */
  readonly spare: number;
  readonly reason: string;
}

/** In order of names, as the source's ties are broken. */
export const byName = <T extends { readonly name: string }>(a: T, b: T): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
