import type { Problem, Result } from "../../model/problem.ts";
import { good } from "../../model/problem.ts";
import {
  featureGatesOf,
  type HpaBehavior,
  type HpaMetric,
  type HpaSpec,
  type SaidBehavior,
  withBehaviorDefaults,
} from "../hpa/spec.ts";
import { truncatedMilli } from "./float-quantity.ts";
import { COMPOSITE_METRIC, hpaMinReplicas, OWNER_LABEL, type ScaledObjectSpec } from "./spec.ts";
import type { Trigger } from "./trigger.ts";
import { triggerOf } from "./trigger-of.ts";

/** All triggers of an object, or what is wrong with any of them, at `spec.triggers[…]`. */
export const triggersOf = ({ triggers, startUnixSeconds }: ScaledObjectSpec): Result<readonly Trigger[]> => {
  const built = triggers.map((said, index) => triggerOf({ index, said, startUnixSeconds }));
  const problems = built.flatMap((result, index) =>
    result.ok ? [] : result.problems.map((problem): Problem => ({ ...problem, field: fieldOf(index, problem.field) })),
  );
  if (problems.length > 0) return { ok: false, problems };
  return good(built.flatMap((result) => (result.ok ? [result.value] : [])));
};

const fieldOf = (index: number, field: string | undefined): string =>
  field === undefined ? `spec.triggers[${index}]` : `spec.triggers[${index}].${field}`;

/**
 * The HPA that KEDA keeps for an object: its triggers as metrics, in order of their types, or one composite metric in place
 * of the External ones where there are scalingModifiers (ContainerResource ones go, too).
 *
 * @param triggers of `spec`
 * Source: newHPAForScaledObject and getScaledObjectMetricSpecs, controllers/keda/hpa.go, kedacore/keda v2.20.
 */
export const hpaOf = (spec: ScaledObjectSpec, triggers: readonly Trigger[], kubernetesMinor: number): HpaSpec => {
  const behavior = behaviorOf(spec);
  return {
    minReplicas: hpaMinReplicas(spec),
    maxReplicas: spec.maxReplicaCount,
    metrics: metricsOf(spec, triggers),
    ...(behavior === undefined ? {} : { behavior }),
    featureGates: featureGatesOf(kubernetesMinor),
    kubernetesMinor,
  };
};

const metricsOf = (spec: ScaledObjectSpec, triggers: readonly Trigger[]): readonly HpaMetric[] => {
  const selector = { [OWNER_LABEL]: spec.name };
  const metrics = triggers
    .map(({ metric }) => (metric.type === "External" ? { ...metric, selector } : metric))
    .sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
  const { scalingModifiers } = spec;
  if (scalingModifiers === undefined) return metrics;
  const { target, metricType } = scalingModifiers;
  const composite: HpaMetric = {
    type: "External",
    metric: COMPOSITE_METRIC,
    selector,
    target: { type: metricType, milli: Number(truncatedMilli(Number(target))) },
  };
  return [...metrics.filter(({ type }) => type === "Resource"), composite];
};

/** A direction that an annotation pauses may not change anything; the API server fills the rest. */
const behaviorOf = ({ behavior, annotations }: ScaledObjectSpec): HpaBehavior | undefined => {
  const { pausedScaleIn, pausedScaleOut } = annotations;
  if (behavior === undefined && !pausedScaleIn && !pausedScaleOut) return undefined;
  const said: SaidBehavior = {
    ...behavior,
    ...(pausedScaleIn ? { scaleDown: { ...behavior?.scaleDown, selectPolicy: "Disabled" } } : {}),
    ...(pausedScaleOut ? { scaleUp: { ...behavior?.scaleUp, selectPolicy: "Disabled" } } : {}),
  };
  return withBehaviorDefaults(said);
};
