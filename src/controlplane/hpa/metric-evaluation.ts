import type { SyncMetric } from "../../model/fact.ts";
import type { MetricsApi, ScaleView } from "../autoscaler.ts";
import { printLabelSelector } from "./label-selector.ts";
import { failed, found, type Outcome } from "./outcome.ts";
import {
  averageOfTotalReplicas,
  averageReplicas,
  type PodsContext,
  type Proposal,
  sumOfSeries,
  utilizationReplicas,
  valueReplicas,
} from "./replica-calculator.ts";
import type { HpaMetric, HpaTarget } from "./spec.ts";

export interface EvaluationContext extends PodsContext {
  readonly scale: ScaleView;
  readonly metrics: MetricsApi;
  /** Gate PodLevelResources. */
  readonly podLevelResources: boolean;
}

/** Why a metric gave no proposal. */
export interface MetricFailure {
  /** Of the condition ScalingActive: `FailedGetPodsMetric`. */
  readonly reason: string;
  readonly message: string;
}

/** What all metrics together came to. */
export interface Verdict {
  /** The largest proposal; undefined: too much failed to act on the rest. */
  readonly best: { readonly replicas: number; readonly described: string } | undefined;
  readonly failures: readonly MetricFailure[];
  /** One per entry of spec.metrics. */
  readonly metrics: readonly SyncMetric[];
}

/**
 * Evaluates every entry of spec.metrics; the largest proposal wins. There is none if all failed, or if some failed and
 * the others would scale down.
 * Source: computeReplicasForMetrics in pkg/controller/podautoscaler/horizontal.go, Kubernetes v1.36.
 */
export const evaluateMetrics = (metrics: readonly HpaMetric[], context: EvaluationContext): Verdict => {
  const evaluated = metrics.map((metric) => ({ metric, outcome: evaluateMetric(metric, context) }));
  const failures = evaluated.flatMap(({ metric, outcome }) => (outcome.ok ? [] : [failureOf(metric, outcome.failure)]));
  let best = { replicas: 0, described: "" };
  for (const { metric, outcome } of evaluated) {
    if (!outcome.ok) continue;
    const { replicas } = outcome.value;
    if (best.replicas === 0 || replicas > best.replicas) best = { replicas, described: describe(metric) };
  }
  const tooMuchFailed =
    failures.length === metrics.length || (failures.length > 0 && best.replicas < context.currentReplicas);
  return {
    best: tooMuchFailed ? undefined : best,
    failures,
    metrics: evaluated.map(({ metric, outcome }) => syncMetricOf(metric, outcome)),
  };
};

interface Evaluated {
  readonly replicas: number;
  /** Percent for a utilisation, else thousandths. */
  readonly seen: number;
}

const evaluateMetric = (metric: HpaMetric, context: EvaluationContext): Outcome<Evaluated> => {
  switch (metric.type) {
    case "Resource":
      return evaluateResource(metric.resource, undefined, metric.target, context);
    case "ContainerResource":
      return evaluateResource(metric.resource, metric.container, metric.target, context);
    case "Pods":
      return evaluatePods(metric.metric, context.metrics.pods(metric.metric, metric.selector), metric.target, context);
    case "Object": {
      const { kind, name } = metric.describedObject;
      const value = context.metrics.object(metric.metric, name, metric.selector, kind)?.valueMilli;
      return evaluateTotal(value, metric.target, context, {
        unavailable: `unable to get metric ${metric.metric}: no metrics returned from custom metrics API on ${kind} ${name}`,
        source: "object",
      });
    }
    case "External": {
      const series = context.metrics.external(metric.metric, metric.selector) ?? [];
      const sum = sumOfSeries(series.map(({ valueMilli }) => valueMilli));
      return evaluateTotal(series.length === 0 ? undefined : sum, metric.target, context, {
        unavailable: `unable to get external metric ${metric.metric}/${printLabelSelector(metric.selector)}: no metrics returned from external metrics API`,
        source: "external",
      });
    }
    case "Unknown":
      return failed(`unknown metric source type "${metric.said}"`);
    default:
      return metric satisfies never;
  }
};

const evaluateResource = (
  resource: string,
  container: string | undefined,
  target: HpaTarget,
  context: EvaluationContext,
): Outcome<Evaluated> => {
  const samples = context.metrics.resource?.(resource, container);
  switch (target.type) {
    case "AverageValue": {
      const what = `unable to get metrics for resource ${resource}`;
      return evaluated(averageReplicas(context, { resource, samples, targetMilli: BigInt(target.milli), what }));
    }
    case "Utilization": {
      const podLevel = context.podLevelResources;
      const input = { resource, container, samples, targetPercent: target.percent, podLevel };
      const outcome = utilizationReplicas(context, input);
      if (!outcome.ok) return failed(`failed to get ${resource} utilization: ${outcome.failure}`);
      return found({ replicas: outcome.value.replicas, seen: outcome.value.utilization });
    }
    default:
      return failed(
        "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set",
      );
  }
};

const evaluatePods = (
  name: string,
  samples: ReturnType<MetricsApi["pods"]>,
  target: HpaTarget,
  context: EvaluationContext,
): Outcome<Evaluated> => {
  if (target.type !== "AverageValue") return failed("invalid pods metric source: no average value target was set");
  const what = `unable to get metric ${name}`;
  return evaluated(averageReplicas(context, { resource: "", samples, targetMilli: BigInt(target.milli), what }));
};

/** A metric that is one total: of an object, or the sum of external series. */
const evaluateTotal = (
  value: bigint | undefined,
  target: HpaTarget,
  context: EvaluationContext,
  words: { readonly unavailable: string; readonly source: string },
): Outcome<Evaluated> => {
  if (target.type === "Utilization") {
    return failed(`invalid ${words.source} metric source: neither a value target nor an average value target was set`);
  }
  if (value === undefined) return failed(words.unavailable);
  const { scale, tolerance } = context;
  const targetMilli = BigInt(target.milli);
  if (target.type === "Value") return evaluated(valueReplicas(context, value, targetMilli));
  return evaluated(found(averageOfTotalReplicas(scale.statusReplicas, tolerance, value, targetMilli)));
};

const evaluated = (outcome: Outcome<Proposal>): Outcome<Evaluated> =>
  outcome.ok ? found({ replicas: outcome.value.replicas, seen: Number(outcome.value.usageMilli) }) : outcome;

const syncMetricOf = (metric: HpaMetric, outcome: Outcome<Evaluated>): SyncMetric => {
  const target = metric.type === "Unknown" ? undefined : metric.target;
  const unit = target?.type === "Utilization" ? 1 : 1000;
  return {
    name: nameOf(metric),
    ...(metric.type === "Unknown" ? {} : { source: metric.type }),
    seen: outcome.ok ? outcome.value.seen / unit : undefined,
    target: target === undefined ? 0 : target.type === "Utilization" ? target.percent : target.milli / 1000,
    targetType: target === undefined ? "value" : TARGET_TYPES[target.type],
    proposal: outcome.ok ? outcome.value.replicas : undefined,
  };
};

const TARGET_TYPES = { Utilization: "utilization", Value: "value", AverageValue: "average" } as const;

const FAILURE_REASONS = {
  Resource: "FailedGetResourceMetric",
  ContainerResource: "FailedGetContainerResourceMetric",
  Pods: "FailedGetPodsMetric",
  Object: "FailedGetObjectMetric",
  External: "FailedGetExternalMetric",
  Unknown: "InvalidMetricSourceType",
} as const satisfies Record<HpaMetric["type"], string>;

const failureOf = (metric: HpaMetric, message: string): MetricFailure => {
  const reason = FAILURE_REASONS[metric.type];
  return { reason, message: metric.type === "Unknown" ? message : `failed to get ${valueOf(metric)}: ${message}` };
};

const valueOf = (metric: HpaMetric): string => {
  switch (metric.type) {
    case "Resource":
      return `${metric.resource} resource metric value`;
    case "ContainerResource":
      return `${metric.resource} container metric value`;
    case "External":
      return `${metric.metric} external metric value`;
    default:
      return `${metric.type.toLowerCase()} metric value`;
  }
};

const nameOf = (metric: HpaMetric): string => {
  if (metric.type === "Resource" || metric.type === "ContainerResource") return metric.resource;
  return metric.type === "Unknown" ? metric.said : metric.metric;
};

/** As the rescale's event names it; an Object's average is called external there, too. */
const describe = (metric: HpaMetric): string => {
  switch (metric.type) {
    case "Resource":
    case "ContainerResource":
      return `${metric.resource} resource${metric.target.type === "Utilization" ? " utilization (percentage of request)" : ""}`;
    case "Pods":
      return `pods metric ${metric.metric}`;
    case "Object":
      if (metric.target.type === "Value") return `${metric.describedObject.kind} metric ${metric.metric}`;
      return `external metric ${metric.metric}(${printLabelSelector(metric.selector)})`;
    case "External":
      return `external metric ${metric.metric}(${printLabelSelector(metric.selector)})`;
    default:
      return metric.type;
  }
};
