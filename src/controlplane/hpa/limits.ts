import { int32 } from "./int.ts";

/** A replica count within limits, and the reason of the condition ScalingLimited. */
export interface Limited {
  readonly replicas: number;
  readonly reason: "DesiredWithinRange" | "TooFewReplicas" | "TooManyReplicas" | "ScaleUpLimit" | "ScaleDownLimit";
}

/** How much one sync may add where there is no `behavior`: the larger of factor x current and `minimum`. */
export interface ScaleUpLimit {
  readonly factor: number;
  readonly minimum: number;
}

/**
 * Limits without `behavior`.
 * Source: convertDesiredReplicasWithRules in pkg/controller/podautoscaler/horizontal.go, Kubernetes v1.36.
 */
export const limitByRange = (
  current: number,
  desired: number,
  range: { readonly min: number; readonly max: number },
  limit: ScaleUpLimit,
): Limited => {
  const fastest = int32(Math.max(limit.factor * current, limit.minimum));
  if (desired < range.min) return { replicas: range.min, reason: "TooFewReplicas" };
  if (desired <= Math.min(range.max, fastest)) return { replicas: desired, reason: "DesiredWithinRange" };
  return range.max > fastest
    ? { replicas: fastest, reason: "ScaleUpLimit" }
    : { replicas: range.max, reason: "TooManyReplicas" };
};
