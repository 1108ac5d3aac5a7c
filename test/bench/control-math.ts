import { formula } from "../../src/controlplane/expr/formula.ts";
import { HorizontalPodAutoscaler } from "../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import { hpaOf, triggersOf } from "../../src/controlplane/keda/hpa-of.ts";
import { kedaMetricsApi } from "../../src/controlplane/keda/metrics-server.ts";
import { ScaledObject } from "../../src/controlplane/keda/scaled-object.ts";
import { KEDA_DEFAULTS, type ScaledObjectSpec } from "../../src/controlplane/keda/spec.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { START } from "../../src/sim/time.ts";

interface Asked {
  readonly value: number;
  readonly target: number;
  /** That there are now. */
  readonly replicas: number;
  readonly maxReplicas: number;
  /** --horizontal-pod-autoscaler-tolerance */
  readonly tolerance: number;
}

/** @returns what KEDA's HPA wants of an external metric with an AverageValue, in one sync, by the code that worlds run */
export const averageValue = ({ value, target, replicas, maxReplicas, tolerance }: Asked): number => {
  const spec: ScaledObjectSpec = {
    namespace: "default",
    name: "asked",
    targetKind: "apps/v1.Deployment",
    workload: "asked",
    hpaName: "keda-hpa-asked",
    ...KEDA_DEFAULTS,
    minReplicaCount: 1,
    maxReplicaCount: maxReplicas,
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
    triggers: [
      {
        type: "external",
        useCachedMetrics: false,
        metadata: {},
        given: { series: [{ afterMicros: 0, value }], target },
      },
    ],
    annotations: { paused: false, pausedScaleIn: false, pausedScaleOut: false, forceActivation: false },
    activeBefore: false,
  };
  const triggers = triggersOf(spec);
  if (!triggers.ok) throw new Error(triggers.problems.map(describeProblem).join("\n"));
  const hpa = new HorizontalPodAutoscaler(hpaOf(spec, triggers.value, 36), {
    syncPeriodMicros: 15e6,
    downscaleStabilizationSeconds: 0,
    tolerance,
  });
  const scale = { specReplicas: replicas, statusReplicas: replicas, pods: [] };
  const monitoring = {
    query: () => ({ ok: false, why: "unreachable", message: "nobody asks it" }) as const,
    series: () => ({ ok: false, why: "unreachable", message: "nobody asks it" }) as const,
  };
  const objects = new Map([[spec.name, new ScaledObject(spec)]]);
  const view = { now: START, monitoring, scale };
  return hpa.sync(
    START,
    scale,
    kedaMetricsApi(objects, (object, metric) => object.metrics(metric, view)),
  ).desiredReplicas;
};

/** What the queue guard's formula goes by. */
export const FORMULA_NAMES = ["queue", "running", "pending", "replicas"] as const;

/** @returns what KEDA makes of a formula, or why it makes nothing of it */
export const formulaValue = (text: string, inputs: Readonly<Record<string, number | null>>): string => {
  const compiled = formula(text, FORMULA_NAMES, "formula");
  if (!compiled.ok) return compiled.problems.map(describeProblem).join("; ");
  const result = compiled.value.run(inputs);
  return result.kind === "value" ? String(result.value) : result.kind;
};
