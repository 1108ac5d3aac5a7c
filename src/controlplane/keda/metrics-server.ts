import type { MetricsApi, MetricValue } from "../autoscaler.ts";
import type { ScaledObject } from "./scaled-object.ts";
import { OWNER_LABEL } from "./spec.ts";

/**
 * KEDA's metrics server: external.metrics.k8s.io of a namespace, asked for the object that the selector's label names. All
 * else has no answer from it.
 * Source: GetExternalMetric, pkg/provider/provider.go, kedacore/keda v2.20.
 *
 * @param objects of the namespace, by name
 * @param answer what an object answers: `metrics`, or `look` for who only compares
 */
export const kedaMetricsApi = (
  objects: ReadonlyMap<string, ScaledObject>,
  answer: (object: ScaledObject, metric: string) => readonly MetricValue[] | undefined,
): MetricsApi => ({
  pods: () => undefined,
  object: () => undefined,
  external: (metric, selector) => {
    const object = objects.get(selector[OWNER_LABEL] ?? "");
    return object === undefined ? undefined : answer(object, metric);
  },
});
