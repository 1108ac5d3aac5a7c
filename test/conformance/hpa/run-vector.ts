import type { PodView } from "../../../src/controlplane/autoscaler.ts";
import {
  changesWithin,
  limitByRate,
  type ScaleEvent,
  scaleDownLimit,
  scaleUpLimit,
  storeScaleEvent,
} from "../../../src/controlplane/hpa/behavior.ts";
import { limitByRange } from "../../../src/controlplane/hpa/limits.ts";
import type { Outcome } from "../../../src/controlplane/hpa/outcome.ts";
import { groupPods, type Readiness, type Samples } from "../../../src/controlplane/hpa/pod-groups.ts";
import { podRequests } from "../../../src/controlplane/hpa/pod-requests.ts";
import {
  averageOfTotalReplicas,
  averageReplicas,
  sumOfSeries,
  usagePerReplica,
  utilizationReplicas,
  valueReplicas,
} from "../../../src/controlplane/hpa/replica-calculator.ts";
import { type ScalingRules, withBehaviorDefaults } from "../../../src/controlplane/hpa/spec.ts";
import { stabilizeBothWays, stabilizeDown } from "../../../src/controlplane/hpa/stabilization.ts";
import type { Tolerance } from "../../../src/controlplane/hpa/tolerance.ts";
import { seconds } from "../../../src/sim/time.ts";
import { runReconcile } from "./run-reconcile.ts";
import {
  eventsOf,
  type Facts,
  milliOf,
  NOW,
  numberOf,
  podViewOf,
  recommendationsOf,
  saidRules,
  samplesOf,
} from "./translate.ts";
import type { Milli, Vector, VectorPod, VectorRules } from "./vector.ts";

/** @returns what our functions make of a vector's input, under the names that its `expect` uses */
export const runVector = (vector: Vector): Facts => {
  switch (vector.kind) {
    case "resource_replicas": {
      const { input } = vector;
      const pods = input.pods.map((pod) => podViewOf(pod, input.resource));
      const outcome = utilizationReplicas(contextOf({ ...input, pods }), {
        resource: input.resource,
        container: input.container,
        samples: samplesOf(input.metrics, input.pods, input.container),
        targetPercent: input.target_utilization,
        podLevel: true,
      });
      return unwrapped(outcome, ({ replicas, utilization, averageMilli }) => ({
        replicas,
        utilization,
        raw_average_milli: numberOf(averageMilli),
      }));
    }
    case "pods_metric_replicas": {
      const { input } = vector;
      const outcome = averageReplicas(contextOf({ ...input, pods: input.pods.map((pod) => podViewOf(pod, "")) }), {
        resource: "",
        samples: samplesOf(input.metrics, input.pods, undefined),
        targetMilli: milliOf(input.target_average_milli),
        what: "unable to get metric qps",
      });
      return unwrapped(outcome, ({ replicas, usageMilli }) => ({ replicas, usage_milli: numberOf(usageMilli) }));
    }
    case "object_value_replicas":
    case "external_value_replicas": {
      const { input } = vector;
      const context = contextOf({ ...input, pods: input.pods.map((pod) => podViewOf(pod, "")) });
      const outcome = valueReplicas(context, totalOf(input), milliOf(input.target_value_milli));
      return unwrapped(outcome, ({ replicas, usageMilli }) => ({ replicas, usage_milli: numberOf(usageMilli) }));
    }
    case "object_per_pod_replicas":
    case "external_per_pod_replicas": {
      const { input } = vector;
      const target = milliOf(input.target_average_milli);
      const proposal = averageOfTotalReplicas(input.status_replicas, toleranceOf(input), totalOf(input), target);
      return { replicas: proposal.replicas, usage_per_pod_milli: numberOf(proposal.usageMilli) };
    }
    case "group_pods":
      return groups(vector.input);
    case "pod_requests":
      return requests(vector.input);
    case "per_pod_usage":
      return {
        usage_per_pod_milli: numberOf(usagePerReplica(milliOf(vector.input.value_milli), vector.input.status_replicas)),
      };
    case "limits_no_behavior": {
      const { input } = vector;
      const limit = { factor: input.scale_up_limit_factor, minimum: input.scale_up_limit_minimum };
      return { ...limitByRange(input.current_replicas, input.desired_replicas, rangeOf(input), limit) };
    }
    case "stabilize_no_behavior": {
      const { input } = vector;
      const history = recommendationsOf(input.recommendations);
      const replicas = stabilizeDown(history, input.desired_replicas, seconds(input.window_s), NOW);
      return { replicas, history_length: history.length };
    }
    case "stabilize_with_behavior": {
      const { input } = vector;
      const history = recommendationsOf(input.recommendations);
      const windows = { up: seconds(input.up_window_s), down: seconds(input.down_window_s) };
      const replicas = stabilizeBothWays(history, input.current_replicas, input.desired_replicas, windows, NOW);
      return { replicas, stored: history.map((entry) => entry.replicas) };
    }
    case "rate_limit": {
      const { input } = vector;
      const events = { up: eventsOf(input.events_up), down: eventsOf(input.events_down) };
      const limit = input.direction === "up" ? scaleUpLimit : scaleDownLimit;
      return { limit: limit(input.current_replicas, rulesOf(input.rules, input.direction), events, NOW) };
    }
    case "behavior_rate": {
      const { input } = vector;
      const events = { up: eventsOf(input.events_up), down: eventsOf(input.events_down) };
      const behavior = {
        scaleUp: rulesOf(input.behavior.scaleUp ?? {}, "up"),
        scaleDown: rulesOf(input.behavior.scaleDown ?? {}, "down"),
      };
      return { ...limitByRate(input.current_replicas, input.desired_replicas, rangeOf(input), behavior, events, NOW) };
    }
    case "store_scale_event": {
      const { input } = vector;
      const events: ScaleEvent[] = eventsOf(input.events);
      const before = changesWithin(events, input.query_period_s, NOW);
      // Without a behavior the controller remembers nothing.
      if (input.rules !== null) storeScaleEvent(events, input.change, rulesOf(input.rules, input.direction), NOW);
      return { changes_before: before, stored: events.map(({ change, outdated }) => ({ change, outdated })) };
    }
    case "reconcile":
      return runReconcile(vector);
    default:
      return vector satisfies never;
  }
};

interface CalculatorInput {
  readonly controller: {
    readonly tolerance_up: number;
    readonly tolerance_down: number;
    readonly cpu_initialization_period_s: number;
    readonly initial_readiness_delay_s: number;
  };
}

const toleranceOf = ({ controller }: CalculatorInput): Tolerance => ({
  up: controller.tolerance_up,
  down: controller.tolerance_down,
});

const readinessOf = ({ controller }: CalculatorInput): Readiness => ({
  cpuInitialization: seconds(controller.cpu_initialization_period_s),
  initialReadinessDelay: seconds(controller.initial_readiness_delay_s),
});

const contextOf = (
  input: CalculatorInput & { readonly current_replicas: number; readonly pods: readonly PodView[] },
) => ({
  currentReplicas: input.current_replicas,
  pods: input.pods,
  tolerance: toleranceOf(input),
  readiness: readinessOf(input),
  now: NOW,
});

const totalOf = (input: {
  readonly value_milli?: Milli | undefined;
  readonly values_milli?: readonly Milli[] | undefined;
}): bigint => {
  const values = input.value_milli === undefined ? (input.values_milli ?? []) : [input.value_milli];
  return sumOfSeries(values.map(milliOf));
};

const rangeOf = (input: { readonly min_replicas: number; readonly max_replicas: number }) => ({
  min: input.min_replicas,
  max: input.max_replicas,
});

const rulesOf = (rules: VectorRules, direction: "up" | "down"): ScalingRules => {
  const said = saidRules(rules);
  return direction === "up"
    ? withBehaviorDefaults({ scaleUp: said }).scaleUp
    : withBehaviorDefaults({ scaleDown: said }).scaleDown;
};

const unwrapped = <T>(outcome: Outcome<T>, facts: (value: T) => Facts): Facts =>
  outcome.ok ? facts(outcome.value) : { error_contains: outcome.failure };

const groups = (input: Extract<Vector, { kind: "group_pods" }>["input"]): Facts => {
  const samples: Samples = samplesOf(input.metrics, input.pods, undefined) ?? new Map();
  const pods = input.pods.map((pod: VectorPod) => podViewOf(pod, input.resource));
  const { readyCount, unready, missing, ignored } = groupPods(pods, samples, input.resource, readinessOf(input), NOW);
  return { ready_count: readyCount, unready: [...unready], missing: [...missing], ignored: [...ignored] };
};

const requests = (input: Extract<Vector, { kind: "pod_requests" }>["input"]): Facts => {
  const containersOf = (containers: (typeof input.pods)[number]["containers"]) =>
    containers.map(({ name, request_milli: milli, restart_policy: restart }) => ({
      name,
      milli: milli === null || milli === undefined ? {} : { [input.resource]: milli },
      restartable: restart === "Always",
    }));
  const pods = input.pods.map((pod): PodView => {
    const own = pod.pod_level_request_milli;
    return {
      ...podViewOf({ name: pod.name }, input.resource),
      requests: {
        containers: containersOf(pod.containers),
        initContainers: containersOf(pod.init_containers),
        ...(own === null || own === undefined ? {} : { pod: { [input.resource]: own } }),
      },
    };
  });
  const container = input.container === "" ? undefined : input.container;
  return unwrapped(podRequests(pods, input.resource, container, input.pod_level_resources_gate), (byPod) => ({
    requests_milli: Object.fromEntries([...byPod].map(([pod, request]) => [pod, numberOf(request)])),
  }));
};
