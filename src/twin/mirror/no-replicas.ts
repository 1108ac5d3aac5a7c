import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import { objectText } from "../manifest.ts";
import type { WorkloadReading } from "../reader.ts";
import type { AutoscalerScenario, ControllerScenario, WorkloadScenario } from "../scenario.ts";

export interface Scaled {
  readonly readings: readonly WorkloadReading[];
  readonly workloads: readonly WorkloadScenario[];
  readonly scalers: readonly AutoscalerScenario[];
  readonly controllers: readonly ControllerScenario[];
}

/**
 * A model without a replica, and without anybody who would start one: all that asks for it would be refused. A Shadow goes on,
 * since its Deployment's own replicas may come.
 */
export const refuseNoReplicas = (
  { mode, mirror, overrides }: SimulationSpec,
  { readings, workloads, scalers, controllers }: Scaled,
  ledger: Ledger,
): void => {
  if (mirror.autoscaler?.driver === "External" || controllers.length > 0) return;
  const wakes = ({ keda, spec }: AutoscalerScenario): boolean => keda !== undefined || spec.minReplicas === 0;
  for (const model of new Set(workloads.map(({ modelName }) => modelName))) {
    const own = workloads.filter(({ modelName }) => modelName === model);
    const isOwn = (name: string): boolean => own.some((workload) => workload.name === name);
    if (own.some(({ replicas }) => replicas > 0)) continue;
    if (scalers.some((scaler) => isOwn(scaler.workload) && wakes(scaler))) continue;
    const first = readings.find(({ ref }) => isOwn(ref.name));
    if (first === undefined) continue;
    const place =
      overrides.replicas === undefined
        ? placeOf(first.replicas.from, objectText(first.ref))
        : { field: "spec.overrides.replicas" };
    const idle = scalers.some((scaler) => isOwn(scaler.workload));
    ledger[mode === "Shadow" ? "warn" : "error"]({
      reason: "NoReplicas",
      ...place,
      message: `no replica serves ${model}, and nobody would start one${idle ? ": a HorizontalPodAutoscaler leaves 0 replicas alone unless its minReplicas is 0" : ""}; every request would be refused`,
      fix: "set at least 1, or spec.overrides.replicas",
    });
  }
};
