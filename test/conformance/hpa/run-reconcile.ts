import type { Condition, MetricsApi, MetricValue, PodView, ScaleView } from "../../../src/controlplane/autoscaler.ts";
import {
  HorizontalPodAutoscaler,
  type HpaDecision,
  type ScaleTarget,
} from "../../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import {
  type HpaMetric,
  type HpaSpec,
  type HpaTarget,
  withBehaviorDefaults,
} from "../../../src/controlplane/hpa/spec.ts";
import { type Facts, milliOf, NOW, podViewOf, recommendationsOf, saidRules, samplesOf } from "./translate.ts";
import type { Milli, VectorMetric, VectorOf } from "./vector.ts";

type Input = VectorOf<"reconcile">["input"];

/** Runs as many whole passes of the controller as the vector asks for; a scale that is written is read by the next. */
export const runReconcile = ({ input, expect, tags }: VectorOf<"reconcile">): Facts => {
  const { controller } = input;
  // Vectors of an older release: before the HPA remembered that it had scaled to zero itself.
  const kubernetesMinor = tags.includes("legacy") ? 35 : 37;
  const hpa = new HorizontalPodAutoscaler(
    specOf(input, kubernetesMinor),
    {
      tolerance: controller.tolerance,
      cpuInitializationSeconds: controller.cpu_initialization_period_s,
      initialReadinessDelaySeconds: controller.initial_readiness_delay_s,
      downscaleStabilizationSeconds: controller.downscale_stabilization_s,
      scaleUpLimit: { factor: controller.scale_up_limit_factor, minimum: controller.scale_up_limit_minimum },
    },
    {
      recommendations: input.recommendations === null ? undefined : recommendationsOf(input.recommendations),
      conditions: Object.entries(input.existing_conditions ?? {}).map(conditionOf),
      desiredReplicas: input.spec_replicas,
    },
  );
  const target = new Target(input);
  const metrics = metricsOf(input);
  const passes = Math.max(input.reconcile_count ?? 1, expect.status_updates_on_second_reconcile === undefined ? 1 : 2);
  const decisions: HpaDecision[] = [];
  for (let pass = 0; pass < passes; pass += 1) decisions.push(hpa.reconcile(NOW, target, metrics));
  return factsOf(decisions, target);
};

const factsOf = (decisions: readonly HpaDecision[], target: Target): Facts => {
  const last = decisions.at(-1) as HpaDecision;
  const conditions = last.conditions.map(({ type, status, reason }) => [type, { status, reason }] as const);
  return {
    desired_replicas: last.desiredReplicas,
    scale_updated: target.written,
    conditions: Object.fromEntries(conditions),
    error: decisions.some(({ error }) => error !== undefined),
    rescale_event: decisions.some(({ events }) => events.some(({ reason }) => reason === "SuccessfulRescale")),
    status_updates_on_second_reconcile: decisions[1]?.statusChanged === true ? 1 : 0,
  };
};

const conditionOf = ([type, [status, reason]]: [string, [Condition["status"], string]]): Condition => ({
  type,
  status,
  reason,
  message: "",
  lastTransitionAt: NOW,
});

/** A scale subresource that fails as the vector says. */
class Target implements ScaleTarget {
  readonly #input: Input;
  #conflicts: number;
  #replicas: number;
  written = false;

  constructor(input: Input) {
    this.#input = input;
    this.#conflicts = input.scale_update_conflicts ?? 0;
    this.#replicas = input.spec_replicas;
  }

  read(): ScaleView | undefined {
    const { selector, other_hpa_overlap: overlap = "none", ...input } = this.#input;
    if (input.scale_get_error === true) return undefined;
    const resource = input.metrics.find((metric) => metric.resource !== undefined)?.resource ?? "";
    return {
      specReplicas: this.#replicas,
      statusReplicas: input.status_replicas,
      pods: input.pods.map((pod): PodView => podViewOf(pod, resource)),
      ...(selector === undefined ? {} : { selector }),
      // Whether it shares all pods or some makes no difference: one is enough.
      ...(overlap === "none" ? {} : { alsoSelectedBy: ["test/other-hpa"] }),
    };
  }

  write(replicas: number): ReturnType<ScaleTarget["write"]> {
    if (this.#input.scale_update_error === true) return "failed";
    if (this.#conflicts > 0) {
      this.#conflicts -= 1;
      return "conflict";
    }
    this.#replicas = replicas;
    this.written = true;
    return "written";
  }
}

const specOf = (input: Input, kubernetesMinor: number): HpaSpec => {
  const { behavior } = input;
  return {
    minReplicas: input.min_replicas ?? 1,
    maxReplicas: input.max_replicas,
    metrics: input.metrics.map(metricOf),
    featureGates: {
      scaleToZero: input.feature_gates.HPAScaleToZero,
      configurableTolerance: input.feature_gates.HPAConfigurableTolerance,
    },
    kubernetesMinor,
    ...(behavior === undefined || behavior === null
      ? {}
      : {
          behavior: withBehaviorDefaults({
            scaleUp: saidRules(behavior.scaleUp ?? {}),
            scaleDown: saidRules(behavior.scaleDown ?? {}),
          }),
        }),
  };
};

/** Each entry gets its index for a name, so that the API can tell entries of one name apart. */
const metricOf = (metric: VectorMetric, index: number): HpaMetric => {
  const target = targetOf(metric);
  const named = { metric: String(index), selector: {}, target };
  switch (metric.type) {
    case "Resource":
      return { type: "Resource", resource: metric.resource ?? "", target };
    case "ContainerResource":
      return { type: "ContainerResource", resource: metric.resource ?? "", container: metric.container ?? "", target };
    case "Pods":
      return { type: "Pods", ...named };
    case "Object":
      return { type: "Object", ...named, describedObject: { kind: "some-object", name: metric.name ?? "" } };
    case "External":
      return { type: "External", ...named };
    default:
      return { type: "Unknown", said: metric.type };
  }
};

const targetOf = (metric: VectorMetric): HpaTarget => {
  if (metric.target_average_milli !== undefined) {
    return { type: "AverageValue", milli: Number(metric.target_average_milli) };
  }
  if (metric.target_value_milli !== undefined) return { type: "Value", milli: Number(metric.target_value_milli) };
  return { type: "Utilization", percent: metric.target_utilization ?? 0 };
};

const metricsOf = ({ metrics, pods }: Input): MetricsApi => {
  const entry = (name: string): VectorMetric | undefined => answering(metrics[Number(name)]);
  const answering = (metric: VectorMetric | undefined) => (metric?.api_error === true ? undefined : metric);
  const value = (milli: Milli): MetricValue => ({ valueMilli: milliOf(milli), at: NOW, windowSeconds: 60 });
  return {
    pods: (name) => samplesOf(entry(name)?.pod_values ?? [], pods, undefined),
    object: (name) => {
      const milli = entry(name)?.value_milli;
      return milli === undefined ? undefined : value(milli);
    },
    external: (name) => {
      const metric = entry(name);
      return (
        metric?.values_milli?.map(value) ??
        (metric?.value_milli === undefined ? undefined : [value(metric.value_milli)])
      );
    },
    resource: (resource, container) => {
      const metric = metrics.find((one) => one.resource === resource && one.container === container);
      return samplesOf(answering(metric)?.pod_metrics ?? [], pods, container);
    },
  };
};
