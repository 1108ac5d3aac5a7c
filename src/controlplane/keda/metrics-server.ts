import type { MetricsApi } from "../autoscaler.ts";
import type { ScaledObject, ScaledObjectView } from "./scaled-object.ts";
import { OWNER_LABEL } from "./spec.ts";

/**
 * KEDA's metrics server: external.metrics.k8s.io of a namespace, asked for the object that the selector's label names. All
 * else has no answer from it.
 * Source: GetExternalMetric, pkg/provider/provider.go, kedacore/keda v2.20.
 *
 * @param objects of the namespace, by name
 * @param view what KEDA sees of an object's target when the HPA asks
 */
export const kedaMetricsApi = (
  objects: ReadonlyMap<string, ScaledObject>,
  view: (object: ScaledObject) => ScaledObjectView,
): MetricsApi => ({
  pods: () => undefined,
  object: () => undefined,
  external: (metric, selector) => {
    const object = objects.get(selector[OWNER_LABEL] ?? "");
    return object?.metrics(metric, view(object));
  },
});
