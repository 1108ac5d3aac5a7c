import type * as z from "zod";
import type { Vector } from "./vector.ts";

/**
 * Cases of our own in the form of the conformance vectors, at least one per kind and per field of `expect`, so that the
 * runner and the algorithm are tested where no file of vectors is at hand. Outcomes follow from the rules by hand.
 */
const calculator = {
  tolerance_up: 0.1,
  tolerance_down: 0.1,
  cpu_initialization_period_s: 120,
  initial_readiness_delay_s: 10,
};
const controller = {
  tolerance: 0.1,
  cpu_initialization_period_s: 120,
  initial_readiness_delay_s: 10,
  downscale_stabilization_s: 300,
  scale_up_limit_factor: 2,
  scale_up_limit_minimum: 4,
};
const gates = { HPAScaleToZero: true, HPAConfigurableTolerance: true };
const pods = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `pod-${index}` }));
const values = (...milli: number[]) =>
  milli.map((value_milli, index) => ({ pod: `pod-${index}`, value_milli, timestamp_s: 0, window_s: 60 }));
const oneContainer = (name: string, request: number | null = 1000) => ({ name, requests_milli: { engine: request } });
const cpu = (...milli: number[]) =>
  milli.map((usage, index) => ({ pod: `pod-${index}`, usage_milli: { engine: usage }, timestamp_s: 0, window_s: 60 }));
/** Two replicas with a Pods metric far above its target, within [1, 10]. */
const busy = {
  controller,
  feature_gates: gates,
  min_replicas: 1,
  max_replicas: 10,
  spec_replicas: 2,
  status_replicas: 2,
  pods: pods(2),
  metrics: [{ type: "Pods", name: "qps", target_average_milli: 10000, pod_values: values(18000, 18000) }],
  recommendations: null,
};
const external = { type: "External", name: "queue", target_value_milli: 10000, values_milli: [0] };
const asleep = { ...busy, min_replicas: 0, spec_replicas: 0, status_replicas: 0, pods: [] };
const slept = { ScaledToZero: ["True", "ScaledToZero"] as ["True", string] };

type Said = z.input<typeof Vector>;

export const OWN_VECTORS: readonly Said[] = (
  [
    {
      kind: "resource_replicas",
      name: "95 % of a target of 50 % on 2 pods",
      input: {
        controller: calculator,
        current_replicas: 2,
        resource: "cpu",
        target_utilization: 50,
        pods: [oneContainer("pod-0"), oneContainer("pod-1")],
        metrics: cpu(900, 1000),
      },
      expect: { replicas: 4, utilization: 95, raw_average_milli: 950 },
    },
    {
      kind: "resource_replicas",
      name: "a container without request",
      input: {
        controller: calculator,
        current_replicas: 1,
        resource: "cpu",
        target_utilization: 50,
        pods: [oneContainer("pod-0", null)],
        metrics: cpu(900),
      },
      expect: { error_contains: "missing request for cpu in container engine of Pod pod-0" },
    },
    {
      kind: "resource_replicas",
      name: "a pod whose metrics lack a container has no sample, and counts as idle when scaling up",
      input: {
        controller: calculator,
        current_replicas: 2,
        resource: "cpu",
        target_utilization: 50,
        pods: pods(2).map((pod) => ({ ...pod, requests_milli: { engine: 1000, sidecar: 1000 } })),
        metrics: [
          { pod: "pod-0", usage_milli: { engine: 2000, sidecar: 2000 }, timestamp_s: 0, window_s: 60 },
          { pod: "pod-1", usage_milli: { engine: 2000 }, timestamp_s: 0, window_s: 60 },
        ],
      },
      expect: { replicas: 4, utilization: 200, raw_average_milli: 4000 },
    },
    {
      kind: "pods_metric_replicas",
      name: "a missing pod is at the target when the others are below",
      input: {
        controller: calculator,
        current_replicas: 4,
        target_average_milli: 10000,
        pods: pods(4),
        metrics: values(2000, 2000, 2000),
      },
      expect: { replicas: 2, usage_milli: 2000 },
    },
    {
      kind: "object_value_replicas",
      name: "multiplies the ready pods, not the replicas",
      input: {
        controller: calculator,
        current_replicas: 6,
        value_milli: 30000,
        target_value_milli: 10000,
        pods: pods(6).map((pod, index) => ({ ...pod, ready: index < 2 ? "True" : "False" })),
      },
      expect: { replicas: 6, usage_milli: 30000 },
    },
    {
      kind: "external_value_replicas",
      name: "sums its series",
      input: {
        controller: calculator,
        current_replicas: 2,
        values_milli: [10000, 5000],
        target_value_milli: 10000,
        pods: pods(2),
      },
      expect: { replicas: 3, usage_milli: 15000 },
    },
    {
      kind: "object_per_pod_replicas",
      name: "the total by the target, whatever is ready",
      input: { controller: calculator, status_replicas: 3, value_milli: 100000, target_average_milli: 10000 },
      expect: { replicas: 10, usage_per_pod_milli: 33334 },
    },
    {
      kind: "external_per_pod_replicas",
      name: "64 bits over a target of a thousandth",
      input: {
        controller: calculator,
        status_replicas: 2,
        value_milli: "9223372036854775807",
        target_average_milli: 1,
      },
      expect: { replicas: 2147483647, usage_per_pod_milli: "4611686018427387904" },
    },
    {
      kind: "group_pods",
      name: "a pod of each group",
      input: {
        controller: calculator,
        resource: "",
        pods: [
          { name: "pod-0" },
          { name: "starting", phase: "Pending" },
          { name: "silent" },
          { name: "leaving", deleting: true },
        ],
        metrics: values(1),
      },
      expect: { ready_count: 1, unready: ["starting"], missing: ["silent"], ignored: ["leaving"] },
    },
    {
      kind: "pod_requests",
      name: "restartable init containers count, others don't",
      input: {
        resource: "cpu",
        container: "",
        pod_level_resources_gate: false,
        pods: [
          {
            name: "pod-0",
            containers: [{ name: "engine", request_milli: 4000 }],
            init_containers: [
              { name: "proxy", request_milli: 250, restart_policy: "Always" },
              { name: "download", request_milli: 8000 },
            ],
            pod_level_request_milli: 9000,
          },
        ],
      },
      expect: { requests_milli: { "pod-0": 4250 } },
    },
    {
      kind: "per_pod_usage",
      name: "rounds up",
      input: { value_milli: 10001, status_replicas: 2 },
      expect: { usage_per_pod_milli: 5001 },
    },
    {
      kind: "limits_no_behavior",
      name: "at most 4 or twice as many",
      input: {
        current_replicas: 3,
        desired_replicas: 20,
        min_replicas: 1,
        max_replicas: 50,
        scale_up_limit_factor: 2,
        scale_up_limit_minimum: 4,
      },
      expect: { replicas: 6, reason: "ScaleUpLimit" },
    },
    {
      kind: "stabilize_no_behavior",
      name: "the largest within the window",
      input: {
        window_s: 300,
        recommendations: [
          { replicas: 9, age_s: 301 },
          { replicas: 6, age_s: 299 },
        ],
        desired_replicas: 2,
      },
      expect: { replicas: 6, history_length: 2 },
    },
    {
      kind: "stabilize_with_behavior",
      name: "the least within the up window",
      input: {
        recommendations: [
          { replicas: 3, age_s: 90 },
          { replicas: 7, age_s: 30 },
        ],
        current_replicas: 2,
        desired_replicas: 9,
        up_window_s: 60,
        down_window_s: 0,
      },
      expect: { replicas: 7, stored: [9, 7] },
    },
    {
      kind: "rate_limit",
      name: "counts what was added and removed in the period",
      input: {
        direction: "up",
        current_replicas: 10,
        rules: { selectPolicy: "Max", policies: [{ type: "Pods", value: 5, periodSeconds: 60 }] },
        events_up: [{ change: 4, age_s: 30 }],
        events_down: [{ change: 1, age_s: 59 }],
      },
      expect: { limit: 12 },
    },
    {
      kind: "behavior_rate",
      name: "not down while disabled",
      input: {
        current_replicas: 10,
        desired_replicas: 2,
        min_replicas: 1,
        max_replicas: 10,
        behavior: { scaleDown: { selectPolicy: "Disabled" } },
        events_up: [],
        events_down: [],
      },
      expect: { replicas: 10, reason: "ScaleDownLimit" },
    },
    {
      kind: "store_scale_event",
      name: "without behavior nothing is remembered",
      input: { direction: "up", change: 3, rules: null, events: [{ change: 1, age_s: 1 }], query_period_s: 60 },
      expect: { changes_before: 1, stored: [{ change: 1, outdated: false }] },
    },
    {
      kind: "reconcile",
      name: "scales up by a Pods metric",
      input: busy,
      expect: {
        desired_replicas: 4,
        scale_updated: true,
        rescale_event: true,
        error: false,
        conditions: {
          AbleToScale: { status: "True", reason: "SucceededRescale" },
          ScalingActive: { status: "True", reason: "ValidMetricFound" },
          ScalingLimited: { status: "False", reason: "DesiredWithinRange" },
        },
      },
    },
    {
      kind: "reconcile",
      name: "writes no status that is as it was",
      input: {
        ...busy,
        metrics: [{ type: "Pods", name: "qps", target_average_milli: 10000, pod_values: values(10000, 10000) }],
        reconcile_count: 2,
      },
      expect: { scale_updated: false, rescale_event: false, status_updates_on_second_reconcile: 0 },
    },
    {
      kind: "reconcile",
      name: "gives up writing the scale after five conflicts",
      input: { ...busy, scale_update_conflicts: 5 },
      expect: {
        desired_replicas: 2,
        scale_updated: false,
        error: true,
        conditions: { AbleToScale: { status: "False", reason: "FailedUpdateScale" } },
      },
    },
    {
      kind: "reconcile",
      name: "fails when the scale can't be written",
      input: { ...busy, scale_update_error: true },
      expect: { error: true, conditions: { AbleToScale: { status: "False", reason: "FailedUpdateScale" } } },
    },
    {
      kind: "reconcile",
      name: "holds on a selector that can't be parsed",
      input: { ...busy, selector: "app in engine" },
      expect: { error: true, conditions: { ScalingActive: { status: "False", reason: "InvalidSelector" } } },
    },
    {
      kind: "reconcile",
      name: "holds while another HPA selects some of the pods",
      input: { ...busy, other_hpa_overlap: "partial" },
      expect: { error: true, conditions: { ScalingActive: { status: "False", reason: "AmbiguousSelector" } } },
    },
    {
      kind: "reconcile",
      name: "holds when a metric fails and the others would scale down",
      input: {
        ...busy,
        spec_replicas: 5,
        status_replicas: 5,
        pods: pods(5),
        metrics: [
          { type: "Pods", name: "qps", target_average_milli: 10000, pod_values: values(1000, 1000, 1000, 1000, 1000) },
          { ...external, api_error: true },
        ],
        recommendations: [],
      },
      expect: {
        desired_replicas: 5,
        scale_updated: false,
        error: true,
        conditions: { ScalingActive: { status: "False", reason: "FailedGetExternalMetric" } },
      },
    },
    {
      kind: "reconcile",
      name: "sleeps: to zero by an external metric",
      input: { ...busy, min_replicas: 0, metrics: [external], recommendations: [] },
      expect: {
        desired_replicas: 0,
        conditions: { ScaledToZero: { status: "True", reason: "ScaledToZero" } },
      },
    },
    {
      kind: "reconcile",
      name: "wakes what it put to sleep, to the minimum of now",
      input: { ...asleep, min_replicas: 3, existing_conditions: slept, metrics: [{ ...external, values_milli: [1] }] },
      expect: {
        desired_replicas: 3,
        scale_updated: true,
        conditions: { ScaledToZero: { status: "False", reason: "NotScaledToZero" } },
      },
    },
    {
      kind: "reconcile",
      name: "leaves somebody else's zero alone",
      input: { ...asleep, metrics: [{ ...external, values_milli: [50000] }] },
      expect: {
        desired_replicas: 0,
        scale_updated: false,
        error: false,
        conditions: { ScalingActive: { status: "False", reason: "ScalingDisabled" } },
      },
    },
    {
      kind: "reconcile",
      name: "up to v1.35, evaluates metrics at zero if the minimum is zero",
      tags: ["legacy"],
      input: { ...asleep, metrics: [{ ...external, values_milli: [50000] }] },
      expect: { desired_replicas: 4, scale_updated: true, conditions_absent: ["ScaledToZero"] },
    },
    {
      kind: "reconcile",
      name: "drops the condition where the gate is off",
      input: { ...busy, feature_gates: { ...gates, HPAScaleToZero: false }, existing_conditions: slept },
      expect: { desired_replicas: 4, conditions_absent: ["ScaledToZero"] },
    },
    {
      kind: "reconcile",
      name: "keeps below a down tolerance of its own",
      input: {
        ...busy,
        spec_replicas: 5,
        status_replicas: 5,
        pods: pods(5),
        metrics: [
          { type: "Pods", name: "qps", target_average_milli: 10000, pod_values: values(6000, 6000, 6000, 6000, 6000) },
        ],
        behavior: { scaleDown: { tolerance: 0.5 } },
        recommendations: [],
      },
      expect: { desired_replicas: 5, scale_updated: false },
    },
    {
      kind: "resource_replicas",
      name: "a missing pod is at a target above 100 % when the others are below",
      input: {
        controller: calculator,
        current_replicas: 2,
        resource: "cpu",
        target_utilization: 300,
        pods: [oneContainer("pod-0"), oneContainer("pod-1")],
        metrics: cpu(600),
      },
      expect: { replicas: 2, utilization: 60 },
    },
    {
      kind: "pods_metric_replicas",
      name: "the bound of the tolerance is inside",
      input: {
        controller: calculator,
        current_replicas: 10,
        target_average_milli: 10000,
        pods: pods(10),
        metrics: values(...Array<number>(10).fill(9000)),
      },
      expect: { replicas: 10 },
    },
    {
      kind: "pods_metric_replicas",
      name: "a missing pod stays out when the others are exactly at the target",
      input: {
        controller: calculator,
        current_replicas: 3,
        target_average_milli: 10000,
        pods: pods(3),
        metrics: values(10000, 10000),
      },
      expect: { replicas: 3 },
    },
    {
      kind: "pods_metric_replicas",
      name: "holds when the missing pods would turn the direction",
      input: {
        controller: calculator,
        current_replicas: 4,
        target_average_milli: 10000,
        pods: pods(4),
        metrics: values(12000, 12000),
      },
      expect: { replicas: 4 },
    },
    {
      kind: "pods_metric_replicas",
      name: "holds when more pods than replicas would scale up from below the target",
      input: {
        controller: calculator,
        current_replicas: 2,
        target_average_milli: 10000,
        pods: pods(5),
        metrics: values(5000, 5000, 5000),
      },
      expect: { replicas: 2 },
    },
    {
      kind: "object_value_replicas",
      name: "counts ready pods only if they run",
      input: {
        controller: calculator,
        current_replicas: 2,
        value_milli: 20000,
        target_value_milli: 10000,
        pods: [{ name: "pod-0" }, { name: "pod-1", phase: "Pending" }],
      },
      expect: { replicas: 2 },
    },
    {
      kind: "group_pods",
      name: "a pod that never was ready is unready, one that has ended is ignored",
      input: {
        controller: calculator,
        resource: "cpu",
        pods: [
          { name: "pod-0", ready: "False", start_s: -600, ready_transition_s: -595 },
          { name: "pod-1", ready: "False", start_s: -600, ready_transition_s: -590 },
          { name: "pod-2", phase: "Succeeded" },
        ],
        metrics: values(1, 1, 1),
      },
      expect: { ready_count: 1, unready: ["pod-0"], missing: [], ignored: ["pod-2"] },
    },
    {
      kind: "stabilize_with_behavior",
      name: "reuses the last slot that both windows have left behind",
      input: {
        recommendations: [
          { replicas: 3, age_s: 900 },
          { replicas: 4, age_s: 800 },
          { replicas: 5, age_s: 50 },
        ],
        current_replicas: 5,
        desired_replicas: 1,
        up_window_s: 0,
        down_window_s: 300,
      },
      expect: { replicas: 5, stored: [3, 1, 5] },
    },
    {
      kind: "rate_limit",
      name: "a percentage down is cut off",
      input: {
        direction: "down",
        current_replicas: 5,
        rules: { selectPolicy: "Max", policies: [{ type: "Percent", value: 50, periodSeconds: 60 }] },
        events_up: [],
        events_down: [],
      },
      expect: { limit: 2 },
    },
    {
      kind: "rate_limit",
      name: "a percentage up is rounded up",
      input: {
        direction: "up",
        current_replicas: 5,
        rules: { selectPolicy: "Min", policies: [{ type: "Percent", value: 50, periodSeconds: 60 }] },
        events_up: [],
        events_down: [],
      },
      expect: { limit: 8 },
    },
    {
      kind: "store_scale_event",
      name: "an event exactly as old as the longest period keeps its slot",
      input: {
        direction: "down",
        change: 2,
        rules: { policies: [{ type: "Pods", value: 1, periodSeconds: 60 }] },
        events: [{ change: 1, age_s: 60 }],
        query_period_s: 60,
      },
      expect: {
        changes_before: 0,
        stored: [
          { change: 1, outdated: false },
          { change: 2, outdated: false },
        ],
      },
    },
    {
      kind: "reconcile",
      name: "goes on when a metric fails and the others hold",
      input: {
        ...busy,
        metrics: [
          { type: "Pods", name: "qps", target_average_milli: 10000, pod_values: values(10000, 10000) },
          { ...external, api_error: true },
        ],
      },
      expect: { desired_replicas: 2, error: true, conditions: { ScalingActive: { status: "True" } } },
    },
    {
      kind: "reconcile",
      name: "can't wake by a metric that needs pods",
      input: { ...asleep, existing_conditions: slept },
      expect: { desired_replicas: 0, conditions: { ScalingActive: { reason: "ScalingDisabled" } } },
    },
    {
      kind: "reconcile",
      name: "wakes to the minimum where a behavior would allow less",
      input: {
        ...asleep,
        min_replicas: 3,
        existing_conditions: slept,
        metrics: [{ ...external, values_milli: [1] }],
        behavior: {},
      },
      expect: { desired_replicas: 3, scale_updated: true },
    },
    {
      kind: "reconcile",
      name: "wakes to what the metrics ask for, above the minimum",
      input: {
        ...asleep,
        min_replicas: 3,
        existing_conditions: slept,
        metrics: [{ ...external, values_milli: [50000] }],
      },
      expect: { desired_replicas: 4, conditions: { ScalingLimited: { status: "True", reason: "ScaleUpLimit" } } },
    },
    {
      kind: "reconcile",
      name: "doesn't remember a zero that it couldn't wake from",
      input: {
        ...busy,
        min_replicas: 0,
        metrics: [{ type: "Pods", name: "qps", target_average_milli: 10000, pod_values: values(0, 0) }],
        recommendations: [],
      },
      expect: { desired_replicas: 0, conditions: { ScaledToZero: { status: "False", reason: "NotScaledToZero" } } },
    },
  ] satisfies readonly Omit<Said, "id" | "suite">[]
).map((vector, index) => ({ id: `own-${String(index + 1).padStart(2, "0")}`, suite: "own", ...vector }) as Said);
