import { bad, good, type Result } from "../../model/problem.ts";
import type { HpaTarget } from "../hpa/spec.ts";
import { triggerProblem } from "./trigger.ts";

/**
 * Target of a trigger's External metric: an average per pod unless its metricType says Value.
 *
 * @param milli the threshold; below 1 the API server refuses KEDA's HPA
 * @param field of the trigger that says it
 * Source: GetMetricTargetType, pkg/scalers/scaler.go, kedacore/keda v2.20.
 */
export const externalTarget = (metricType: string | undefined, milli: bigint, field: string): Result<HpaTarget> => {
  if (metricType === "Utilization") {
    const message =
      "'Utilization' metric type is unsupported for external metrics, allowed values are 'Value' or 'AverageValue'";
    return bad(triggerProblem("metricType", message, "set it to AverageValue or Value, or leave it out"));
  }
  if (metricType !== undefined && metricType !== "AverageValue" && metricType !== "Value") {
    return bad(triggerProblem("metricType", "must be either Utilization, Value, or AverageValue"));
  }
  if (milli < 1n) {
    return bad(triggerProblem(field, "must be positive: Kubernetes refuses the HPA that KEDA makes of it"));
  }
  return good({ type: metricType ?? "AverageValue", milli: Number(milli) });
};
