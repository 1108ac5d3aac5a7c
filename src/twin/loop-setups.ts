import type { HpaMetric } from "../controlplane/hpa/spec.ts";
import type { ScaledObjectSpec } from "../controlplane/keda/spec.ts";
import type { LoopMetric, LoopSetup } from "../report/control-loop/loop-setup.ts";
import type { AutoscalerScenario, Scenario } from "./scenario.ts";

/** What the report is to know of each autoscaler beforehand. */
export const loopSetups = ({ autoscalers, workloads }: Pick<Scenario, "autoscalers" | "workloads">): LoopSetup[] =>
  autoscalers.map((autoscaler) => {
    const { namespace, name, workload, spec, keda } = autoscaler;
    return {
      autoscaler: `${namespace}/${name}`,
      object:
        keda === undefined ? `HorizontalPodAutoscaler/${namespace}/${name}` : `ScaledObject/${namespace}/${keda.name}`,
      workload,
      gpusPerReplica: workloads.find((one) => one.name === workload)?.gpusPerReplica ?? 0,
      minReplicas: spec.minReplicas,
      maxReplicas: spec.maxReplicas,
      ...windows(autoscaler),
      metrics: spec.metrics.map((metric, i) =>
        keda === undefined ? { field: `spec.metrics[${i}]` } : triggerOf(metric, keda),
      ),
    };
  });

/** Behind a metric of the HPA that KEDA made: names tell the trigger's place, `s1-prometheus`. */
const triggerOf = (metric: HpaMetric, { triggers }: ScaledObjectSpec): LoopMetric => {
  const place = "metric" in metric ? /^s(\d+)-/.exec(metric.metric)?.[1] : undefined;
  if (place !== undefined) {
    const query = triggers[Number(place)]?.metadata.query;
    return { field: `spec.triggers[${place}]`, ...(query === undefined ? {} : { query }) };
  }
  const resource = "resource" in metric ? triggers.findIndex(({ type }) => type === metric.resource) : -1;
  return { field: resource < 0 ? "spec.advanced.scalingModifiers.formula" : `spec.triggers[${resource}]` };
};

const windows = ({ spec, tolerance, downscaleStabilizationSeconds }: AutoscalerScenario) => ({
  toleranceUp: (spec.featureGates.configurableTolerance ? spec.behavior?.scaleUp.tolerance : undefined) ?? tolerance,
  scaleDownStabilizationSeconds: spec.behavior?.scaleDown.stabilizationWindowSeconds ?? downscaleStabilizationSeconds,
});
