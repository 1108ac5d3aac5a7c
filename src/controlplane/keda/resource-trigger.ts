import * as z from "zod";
import { bad, good, type Result } from "../../model/problem.ts";
import { MAX_INT32 } from "../hpa/int.ts";
import { quantityMilli } from "../hpa/quantity.ts";
import type { HpaTarget } from "../hpa/spec.ts";
import { requiredText } from "./metadata.ts";
import { type Trigger, type TriggerContext, triggerProblem } from "./trigger.ts";

/** Metadata of the triggers cpu and memory. */
export const resourceParams = () =>
  z.object({
    value: requiredText("value"),
    type: z
      .undefined({
        error: "scaler info: The 'type' setting is DEPRECATED and is removed in v2.18 - Use 'metricType' instead.",
      })
      .optional(),
    containerName: z.string().optional(),
  });

/**
 * A trigger that becomes a Resource metric of the HPA (ContainerResource with a containerName); KEDA itself measures nothing.
 * Source: pkg/scalers/cpu_memory_scaler.go, kedacore/keda v2.20.
 */
export const resourceTrigger = (
  resource: "cpu" | "memory",
  { value, containerName }: z.output<ReturnType<typeof resourceParams>>,
  { said }: TriggerContext,
): Result<Trigger> => {
  const target = targetOf(value, said.metricType);
  if (!target.ok) return target;
  const measured = { resource, target: target.value };
  return good({
    metric:
      containerName === undefined
        ? { type: "Resource", ...measured }
        : { type: "ContainerResource", ...measured, container: containerName },
    activation: 0,
    scaler: undefined,
  });
};

const targetOf = (value: string, metricType: string | undefined): Result<HpaTarget> => {
  switch (metricType) {
    case "Utilization": {
      const percent = Number(value);
      if (!/^[-+]?\d+$/.test(value) || percent > MAX_INT32)
        return bad(triggerProblem("metadata.value", `${JSON.stringify(value)} is no whole number of percent`));
      return percent < 1 ? refused : good({ type: "Utilization", percent });
    }
    case "AverageValue": {
      const milli = quantityMilli(value);
      if (!milli.ok) return bad(...milli.problems.map((problem) => ({ ...problem, field: "metadata.value" })));
      return milli.value < 1n ? refused : good({ type: "AverageValue", milli: Number(milli.value) });
    }
    default:
      return bad(
        triggerProblem(
          "metricType",
          `unknown metric type: ${metricType ?? ""}, allowed values are 'Utilization' or 'AverageValue'`,
        ),
      );
  }
};

const refused = bad(
  triggerProblem("metadata.value", "must be positive: Kubernetes refuses the HPA that KEDA makes of it"),
);
