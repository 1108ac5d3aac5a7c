import type { LoopSetup } from "../report/control-loop/loop-setup.ts";
import type { AutoscalerScenario, Scenario } from "./scenario.ts";

/** What the report is to know of each autoscaler beforehand. */
export const loopSetups = ({ autoscalers, workloads }: Pick<Scenario, "autoscalers" | "workloads">): LoopSetup[] =>
  autoscalers.map((autoscaler) => {
    const { namespace, name, workload, spec } = autoscaler;
    return {
      autoscaler: `${namespace}/${name}`,
      object: `HorizontalPodAutoscaler/${namespace}/${name}`,
      workload,
      gpusPerReplica: workloads.find((one) => one.name === workload)?.gpusPerReplica ?? 0,
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      ...windows(autoscaler),
      metrics: spec.metrics.map((_, i) => ({ field: `spec.metrics[${i}]` })),
    };
  });

const windows = ({ spec, tolerance, downscaleStabilizationSeconds }: AutoscalerScenario) => ({
  toleranceUp: (spec.featureGates.configurableTolerance ? spec.behavior?.scaleUp.tolerance : undefined) ?? tolerance,
  scaleDownStabilizationSeconds: spec.behavior?.scaleDown.stabilizationWindowSeconds ?? downscaleStabilizationSeconds,
});
