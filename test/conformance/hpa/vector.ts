import * as z from "zod";

/**
 * The form of the HPA conformance vectors. Every object is strict: a kind or a field that isn't known here fails, because a
 * field passed over is a rule not tested.
 */
const milli = z.union([z.number(), z.string().regex(/^-?\d+$/)]);
const count = z.int();
const at = z.number();

const pod = z.strictObject({
  name: z.string(),
  phase: z.enum(["Pending", "Running", "Succeeded", "Failed"]).default("Running"),
  ready: z.enum(["True", "False"]).nullable().default("True"),
  start_s: at.nullable().default(-1_000_000_000),
  ready_transition_s: at.nullable().default(-1_000_000_000),
  deleting: z.boolean().default(false),
  requests_milli: z.record(z.string(), z.number().nullable()).optional(),
});
export type VectorPod = z.output<typeof pod>;

const sample = z.strictObject({
  pod: z.string(),
  usage_milli: z.record(z.string(), z.number().nullable()).optional(),
  value_milli: milli.optional(),
  timestamp_s: at,
  window_s: z.number(),
});
export type VectorSample = z.output<typeof sample>;

const calculator = z.strictObject({
  tolerance_up: z.number(),
  tolerance_down: z.number(),
  cpu_initialization_period_s: z.number(),
  initial_readiness_delay_s: z.number(),
});

const rules = z.strictObject({
  stabilizationWindowSeconds: count.nullable().optional(),
  selectPolicy: z.enum(["Max", "Min", "Disabled"]).optional(),
  policies: z
    .array(z.strictObject({ type: z.enum(["Pods", "Percent"]), value: count, periodSeconds: count }))
    .optional(),
  tolerance: z.number().nullable().optional(),
});
export type VectorRules = z.output<typeof rules>;
const behavior = z.strictObject({ scaleUp: rules.nullable().optional(), scaleDown: rules.nullable().optional() });
export type VectorBehavior = z.output<typeof behavior>;

const event = z.strictObject({ change: count, age_s: at, outdated: z.boolean().optional() });
export type VectorEvent = z.output<typeof event>;
const recommendation = z.strictObject({ replicas: count, age_s: at });

const metric = z.strictObject({
  type: z.string(),
  name: z.string().optional(),
  resource: z.string().optional(),
  container: z.string().optional(),
  target_utilization: z.number().optional(),
  target_value_milli: milli.optional(),
  target_average_milli: milli.optional(),
  pod_metrics: z.array(sample).optional(),
  pod_values: z.array(sample).optional(),
  value_milli: milli.optional(),
  values_milli: z.array(milli).optional(),
  api_error: z.boolean().optional(),
});
export type VectorMetric = z.output<typeof metric>;

const totalInput = {
  controller: calculator,
  value_milli: milli.optional(),
  values_milli: z.array(milli).optional(),
};
const valueReplicas = <K extends string>(kind: K) =>
  vector(
    kind,
    { ...totalInput, current_replicas: count, target_value_milli: milli, pods: z.array(pod) },
    { replicas: count, usage_milli: milli, error_contains: z.string() },
  );
const perPodReplicas = <K extends string>(kind: K) =>
  vector(
    kind,
    { ...totalInput, status_replicas: count, target_average_milli: milli },
    { replicas: count, usage_per_pod_milli: milli, error_contains: z.string() },
  );

const container = z.strictObject({
  name: z.string(),
  request_milli: z.number().nullable().optional(),
  restart_policy: z.string().nullable().optional(),
});

/** `expect` holds only what is to be compared. */
function vector<K extends string, I extends z.ZodRawShape, E extends z.ZodRawShape>(kind: K, input: I, expect: E) {
  return z.strictObject({
    id: z.string(),
    suite: z.string(),
    name: z.string(),
    kind: z.literal(kind),
    input: z.strictObject(input),
    expect: z.strictObject(expect).partial(),
    tags: z.array(z.string()).default([]),
  });
}

export const Vector = z.discriminatedUnion("kind", [
  vector(
    "resource_replicas",
    {
      controller: calculator,
      current_replicas: count,
      resource: z.string(),
      target_utilization: z.number(),
      container: z.string().optional(),
      pods: z.array(pod),
      metrics: z.array(sample),
    },
    { replicas: count, utilization: count, raw_average_milli: milli, error_contains: z.string() },
  ),
  vector(
    "pods_metric_replicas",
    {
      controller: calculator,
      current_replicas: count,
      target_average_milli: milli,
      pods: z.array(pod),
      metrics: z.array(sample),
    },
    { replicas: count, usage_milli: milli, error_contains: z.string() },
  ),
  valueReplicas("object_value_replicas"),
  valueReplicas("external_value_replicas"),
  perPodReplicas("object_per_pod_replicas"),
  perPodReplicas("external_per_pod_replicas"),
  vector(
    "group_pods",
    { controller: calculator, resource: z.string(), pods: z.array(pod), metrics: z.array(sample) },
    { ready_count: count, unready: z.array(z.string()), missing: z.array(z.string()), ignored: z.array(z.string()) },
  ),
  vector(
    "pod_requests",
    {
      resource: z.string(),
      container: z.string(),
      pod_level_resources_gate: z.boolean(),
      pods: z.array(
        z.strictObject({
          name: z.string(),
          containers: z.array(container),
          init_containers: z.array(container).default([]),
          pod_level_request_milli: z.number().nullable().optional(),
        }),
      ),
    },
    { requests_milli: z.record(z.string(), milli), error_contains: z.string() },
  ),
  vector("per_pod_usage", { value_milli: milli, status_replicas: count }, { usage_per_pod_milli: milli }),
  vector(
    "limits_no_behavior",
    {
      current_replicas: count,
      desired_replicas: count,
      min_replicas: count,
      max_replicas: count,
      scale_up_limit_factor: z.number(),
      scale_up_limit_minimum: z.number(),
    },
    { replicas: count, reason: z.string() },
  ),
  vector(
    "stabilize_no_behavior",
    { window_s: z.number(), recommendations: z.array(recommendation), desired_replicas: count },
    { replicas: count, history_length: count },
  ),
  vector(
    "stabilize_with_behavior",
    {
      recommendations: z.array(recommendation),
      current_replicas: count,
      desired_replicas: count,
      up_window_s: z.number(),
      down_window_s: z.number(),
    },
    { replicas: count, stored: z.array(count) },
  ),
  vector(
    "rate_limit",
    {
      direction: z.enum(["up", "down"]),
      current_replicas: count,
      rules,
      events_up: z.array(event),
      events_down: z.array(event),
    },
    { limit: count },
  ),
  vector(
    "behavior_rate",
    {
      current_replicas: count,
      desired_replicas: count,
      min_replicas: count,
      max_replicas: count,
      behavior,
      events_up: z.array(event),
      events_down: z.array(event),
    },
    { replicas: count, reason: z.string() },
  ),
  vector(
    "store_scale_event",
    {
      direction: z.enum(["up", "down"]),
      change: count,
      rules: rules.nullable(),
      events: z.array(event),
      query_period_s: z.number(),
    },
    {
      changes_before: count,
      stored: z.array(z.strictObject({ change: count, outdated: z.boolean().default(false) })),
    },
  ),
  vector(
    "reconcile",
    {
      controller: z.strictObject({
        tolerance: z.number(),
        cpu_initialization_period_s: z.number(),
        initial_readiness_delay_s: z.number(),
        downscale_stabilization_s: z.number(),
        scale_up_limit_factor: z.number(),
        scale_up_limit_minimum: z.number(),
      }),
      feature_gates: z.strictObject({ HPAScaleToZero: z.boolean(), HPAConfigurableTolerance: z.boolean() }),
      min_replicas: count.nullable(),
      max_replicas: count,
      spec_replicas: count,
      status_replicas: count,
      pods: z.array(pod),
      metrics: z.array(metric),
      behavior: behavior.nullable().optional(),
      recommendations: z.array(recommendation).nullable(),
      existing_conditions: z.record(z.string(), z.tuple([z.enum(["True", "False", "Unknown"]), z.string()])).optional(),
      selector: z.string().optional(),
      other_hpa_overlap: z.enum(["none", "full", "partial"]).optional(),
      last_scale_time_s: at.nullable().optional(),
      scale_get_error: z.boolean().optional(),
      scale_update_error: z.boolean().optional(),
      scale_update_conflicts: count.optional(),
      target_kind: z.string().optional(),
      reconcile_count: count.optional(),
    },
    {
      desired_replicas: count,
      scale_updated: z.boolean(),
      conditions: z.record(z.string(), z.strictObject({ status: z.string(), reason: z.string() }).partial()),
      conditions_absent: z.array(z.string()),
      error: z.boolean(),
      rescale_event: z.boolean(),
      status_updates_on_second_reconcile: count,
    },
  ),
]);
export type Vector = z.output<typeof Vector>;
export type VectorOf<K extends Vector["kind"]> = Extract<Vector, { kind: K }>;
export type Milli = z.output<typeof milli>;

/** The file that holds them. */
export const VectorFile = z.looseObject({ schema_version: z.literal(1), vectors: z.array(z.unknown()).min(1) });
