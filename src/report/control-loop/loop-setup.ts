/** What a control loop was told: what the facts don't say of it. */
export interface LoopSetup {
  /** As `synced` facts name it: `namespace/name`. */
  readonly autoscaler: string;
  /** For people: `HorizontalPodAutoscaler/namespace/name`. */
  readonly object: string;
  /** Whose replicas it writes. */
  readonly workload: string;
  readonly gpusPerReplica: number;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Share above its target that a metric may have without asking for more. */
  readonly toleranceUp: number;
  /** How long a higher recommendation holds a lower one back. */
  readonly scaleDownStabilizationSeconds: number;
  /** In the order of `SyncFact.metrics`. */
  readonly metrics: readonly LoopMetric[];
}

export interface LoopMetric {
  /** Where the object says it: `spec.metrics[0]`. */
  readonly field: string;
  /** PromQL behind it, where it is known. */
  readonly query?: string;
}
