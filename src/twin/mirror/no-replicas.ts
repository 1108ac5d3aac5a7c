import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import type { WorkloadReading } from "../reader.ts";
import type { AutoscalerScenario, ControllerScenario, WorkloadScenario } from "../scenario.ts";
import { roleOf } from "../workload-role.ts";

export interface Scaled {
  readonly readings: readonly WorkloadReading[];
  readonly workloads: readonly WorkloadScenario[];
  readonly scalers: readonly AutoscalerScenario[];
  readonly controllers: readonly ControllerScenario[];
}

/**
 * A model without a replica, or without one that decodes, and without anybody who would start one: all that asks for it would be
 * refused. A Shadow goes on, since its Deployment's own replicas may come. Without one that prefills, those that decode do it.
 */
export const refuseNoReplicas = (
  { mode, mirror, overrides }: SimulationSpec,
  { readings, workloads, scalers, controllers }: Scaled,
  ledger: Ledger,
): void => {
  if (mirror.autoscaler?.driver === "External" || controllers.length > 0) return;
  const wakes = ({ keda, spec }: AutoscalerScenario): boolean => keda !== undefined || spec.minReplicas === 0;
  const scalersOf = (some: readonly WorkloadScenario[]) =>
    scalers.filter((scaler) => some.some(({ name }) => name === scaler.workload));
  const tell = (severity: "warn" | "error", some: readonly WorkloadScenario[], what: string, effect: string): void => {
    const first = readings.find(({ ref }) => some.some(({ name }) => name === ref.name));
    if (first === undefined) return;
    const place =
      overrides.replicas === undefined
        ? placeOf(first.replicas.from, objectText(first.ref))
        : { field: "spec.overrides.replicas" };
    const idle = scalersOf(some).length > 0;
    const left = idle ? ": a HorizontalPodAutoscaler leaves 0 replicas alone unless its minReplicas is 0" : "";
    const message = `no replica ${what}, and nobody would start one${left}; ${effect}`;
    ledger[severity]({ reason: "NoReplicas", ...place, message, fix: "set at least 1, or spec.overrides.replicas" });
  };
  const isAsleep = (some: readonly WorkloadScenario[]): boolean =>
    some.length > 0 && !some.some(({ replicas }) => replicas > 0) && !scalersOf(some).some(wakes);
  const severity = mode === "Shadow" ? "warn" : "error";
  for (const model of new Set(workloads.map(({ modelName }) => modelName))) {
    const own = workloads.filter(({ modelName }) => modelName === model);
    const prefilling = own.filter(({ podLabels }) => roleOf(podLabels) === "prefill");
    const decoding = own.filter((one) => !prefilling.includes(one));
    if (isAsleep(own)) tell(severity, own, `serves ${model}`, "every request would be refused");
    else if (isAsleep(decoding)) tell(severity, decoding, `decodes for ${model}`, "every request would be refused");
    else if (isAsleep(prefilling))
      tell("warn", prefilling, `prefills for ${model}`, "those that decode compute its prompts");
  }
};
