import * as z from "zod";
import { durationOf, durationText, durationTextOf } from "../../model/duration.ts";
import { controller } from "../controller.ts";
import { VariantMetrics } from "../wva/metrics.ts";
import { ScaleFromZero } from "../wva/scale-from-zero.ts";
import { VariantAutoscaler, type WantedLast } from "../wva/variant-autoscaler.ts";
import { gpus, kvCacheThreshold, scaleDownBoundary, scaleUpThreshold } from "./shared-params.ts";

const params = () =>
  z.object({
    analyzer: z.enum(["percentage", "tokens"]).default("percentage").meta({
      description:
        "percentage: V1, one replica at a time. tokens: V2 (analyzerName: saturation), as many as the tokens ask for.",
    }),
    kvCacheThreshold: kvCacheThreshold.default(0.8),
    queueLengthThreshold: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(5)
      .meta({ description: "Waiting requests from which on a replica is saturated." }),
    kvSpareTrigger: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .meta({ description: "Mean spare share of the KV cache below which percentage wants one more." }),
    queueSpareTrigger: z
      .number()
      .min(0)
      .max(1_000_000)
      .default(3)
      .meta({ description: "Mean spare queue length below which percentage wants one more." }),
    scaleUpThreshold: scaleUpThreshold.default(0.85),
    scaleDownBoundary: scaleDownBoundary.default(0.7),
    scaleToZero: z
      .boolean()
      .default(false)
      .meta({ description: "enable_scale_to_zero; only where no variant has a minimum above 0." }),
    retention: durationText
      .default("10m")
      .meta({ description: "retention_period: so long without a finished request before zero." }),
    gpus,
  });

/** llm-d's Workload Variant Autoscaler: publishes what is wanted; an HPA or KEDA acts on it. */
export const wva = controller({
  name: "wva",
  summary: "llm-d's Workload Variant Autoscaler, which publishes wva_desired_replicas for an HPA or KEDA",
  params,
  create: ({ retention, ...said }, { name, targets, rng, queuedAtPicker }) => {
    const id = `WorkloadVariantAutoscaler/${name}`;
    const wantedLast: WantedLast = new Map();
    const options = { ...said, retention: durationTextOf(durationOf(retention)) };
    return [
      new VariantAutoscaler(id, rng.below(30_000_000), targets, options, wantedLast, new VariantMetrics()),
      new ScaleFromZero(`${id}/from-zero`, rng.below(100_000), targets, queuedAtPicker, wantedLast),
    ];
  },
});
