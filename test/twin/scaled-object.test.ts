import { describe, expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import type { Problem } from "../../src/model/problem.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const QUERY = 'sum(vllm:num_requests_waiting{pod=~"vllm-llama-8b-.*"}) or vector(0)';
const trigger = (query: string, more: Json = {}): Json => ({
  type: "prometheus",
  metadata: { serverAddress: "http://prometheus.monitoring:9090", query, threshold: "5", ...more },
});

/** The quickstart with a ScaledObject in place of its HPA. */
const mirrored = (
  spec: Json,
  { metadata = {}, overrides = {}, status = undefined as Json, change = (_: Quickstart) => {} } = {},
) => {
  const quickstart = new Quickstart();
  quickstart.gone.add(quickstart.hpa);
  quickstart.others.push({
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "chat", namespace: "inference", ...metadata },
    spec: { scaleTargetRef: { name: "vllm-llama-8b" }, triggers: [trigger(QUERY)], ...spec },
    status,
  });
  quickstart.simulation.spec.overrides = { ...quickstart.simulation.spec.overrides, autoscaler: overrides };
  change(quickstart);
  return quickstart.mirror();
};

const good = (...parameters: Parameters<typeof mirrored>) => {
  const result = mirrored(...parameters);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, undefined, 1));
  const [autoscaler, ...others] = result.value.scenario.autoscalers;
  if (autoscaler === undefined || others.length > 0) throw new Error("there is one autoscaler");
  return { ...result.value, autoscaler, warnings: result.warnings };
};

const told = (...parameters: Parameters<typeof mirrored>): readonly Problem[] => {
  const result = mirrored(...parameters);
  return result.ok ? result.warnings : result.problems;
};

describe("a ScaledObject of the cluster", () => {
  it("becomes KEDA's HPA, with KEDA's defaults", () => {
    const { autoscaler, values, reads } = good({});
    expect(autoscaler).toMatchObject({
      name: "keda-hpa-chat",
      workload: "vllm-llama-8b",
      spec: { minReplicas: 1, maxReplicas: 100 },
      keda: {
        name: "chat",
        targetKind: "apps/v1.Deployment",
        pollingIntervalSeconds: 30,
        cooldownPeriodSeconds: 300,
        initialCooldownPeriodSeconds: 0,
        activeBefore: false,
      },
    });
    expect(autoscaler.spec.metrics).toEqual([
      {
        type: "External",
        metric: "s0-prometheus",
        selector: { "scaledobject.keda.sh/name": "chat" },
        target: { type: "AverageValue", milli: 5000 },
      },
    ]);
    const from = (path: string) => values.filter((one) => one.path === path).map((one) => describeSource(one.from));
    expect(from("autoscalers[chat].pollingInterval")).toEqual(["default: KEDA: without pollingInterval, 30"]);
    expect(from("autoscalers[chat].triggers[0].metadata.query")).toEqual([
      "ScaledObject/inference/chat spec.triggers[0].metadata.query",
    ]);
    expect(reads).toContainEqual({ kind: "ScaledObject", namespace: "inference", name: "chat" });
  });

  it("is read in every field", () => {
    const { autoscaler, warnings } = good(
      {
        pollingInterval: 15,
        cooldownPeriod: 600,
        initialCooldownPeriod: 60,
        idleReplicaCount: 0,
        minReplicaCount: 2,
        maxReplicaCount: 8,
        fallback: { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" },
        advanced: {
          horizontalPodAutoscalerConfig: {
            name: "chat-hpa",
            behavior: { scaleUp: { policies: [{ type: "Pods", value: 2, periodSeconds: 60 }] } },
          },
          scalingModifiers: { formula: "waiting ?? running", target: "4", activationTarget: "1", metricType: "Value" },
        },
        triggers: [
          { ...trigger(QUERY), name: "waiting", useCachedMetrics: true },
          { ...trigger("sum(vllm:num_requests_running)"), name: "running", metricType: "Value" },
        ],
      },
      {
        status: { lastActiveTime: "2026-01-01T00:00:00Z" },
        metadata: {
          annotations: { "autoscaling.keda.sh/paused-scale-in": "true", "autoscaling.keda.sh/paused": "false" },
        },
      },
    );
    expect(warnings).toEqual([]);
    expect(autoscaler).toMatchObject({
      name: "chat-hpa",
      spec: {
        minReplicas: 2,
        maxReplicas: 8,
        metrics: [{ metric: "composite-metric", target: { type: "Value", milli: 4000 } }],
        behavior: { scaleUp: { policies: [{ type: "Pods", value: 2 }] }, scaleDown: { selectPolicy: "Disabled" } },
      },
      keda: {
        pollingIntervalSeconds: 15,
        cooldownPeriodSeconds: 600,
        initialCooldownPeriodSeconds: 60,
        idleReplicaCount: 0,
        fallback: { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" },
        triggers: [{ useCachedMetrics: true }, { metricType: "Value" }],
        annotations: { paused: false, pausedScaleIn: true },
        activeBefore: true,
      },
    });
  });

  it("stands for the HPA that KEDA has made of it", () => {
    const { autoscaler } = good(
      {},
      {
        change: (quickstart) => {
          quickstart.gone.delete(quickstart.hpa);
          quickstart.hpa.metadata.ownerReferences = [
            { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "chat" },
          ];
        },
      },
    );
    expect(autoscaler.keda?.name).toBe("chat");
  });

  it("fights with any other HPA of its target", () => {
    const problems = told({}, { change: (quickstart) => quickstart.gone.delete(quickstart.hpa) });
    expect(problems.map(({ reason }) => reason)).toContain("TwoAutoscalers");
  });

  it("is found by its name", () => {
    const { autoscaler } = good(
      {},
      {
        change: ({ simulation }) => {
          simulation.spec.mirror.autoscaler = { kind: "ScaledObject", name: "chat" };
        },
      },
    );
    expect(autoscaler.keda?.name).toBe("chat");
  });
});

describe("what the simulation says of triggers", () => {
  const kafka = { type: "kafka", name: "lag", metadata: { topic: "prompts" } };
  it("stands in for what they would ask", () => {
    const series = [{ value: 2 }, { after: "10m", value: 60 }];
    const { autoscaler } = good(
      { triggers: [kafka] },
      { overrides: { triggers: [{ name: "lag", series, target: 20 }] } },
    );
    expect(autoscaler.keda?.triggers[0]?.given).toEqual({
      series: [
        { afterMicros: 0, value: 2 },
        { afterMicros: 600e6, value: 60 },
      ],
      target: 20,
    });
    expect(autoscaler.spec.metrics).toMatchObject([{ metric: "s0-kafka", target: { milli: 20_000 } }]);
  });

  it.each([
    {
      overrides: {},
      reason: "TriggerNotSimulated",
      fix: "spec.overrides.autoscaler.triggers: {autoscaler: chat, index: 0",
    },
    {
      overrides: { triggers: [{ name: "lagg", value: 2, target: 3 }] },
      reason: "NoSuchTrigger",
      fix: "name one of chat lag",
    },
  ])("else $reason", ({ overrides, reason, fix }) => {
    const problem = told({ triggers: [kafka] }, { overrides }).find((one) => one.reason === reason);
    expect(problem?.fix).toContain(fix);
  });

  const cron = { timezone: "Europe/Berlin", start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "4" };
  it("tells schedules when the world begins", () => {
    const triggers = [{ type: "cron", metadata: cron }];
    expect(told({ triggers }).map(({ reason, fix }) => [reason, fix])).toContainEqual([
      "NoStartTime",
      'set spec.overrides.autoscaler.startTime, such as "2026-01-05T08:00:00Z"',
    ]);
    const { autoscaler } = good({ triggers }, { overrides: { startTime: "2026-01-05T09:00:00+01:00" } });
    expect(autoscaler.keda?.startUnixSeconds).toBe(Date.UTC(2026, 0, 5, 8) / 1000);
  });
});

describe("what KEDA, its CRD or Prometheus would refuse is told at its field", () => {
  const cpu = { type: "cpu", metricType: "Utilization", metadata: { value: "60" } };
  const two = (formula: string, more: Json = {}): Json => ({
    triggers: [
      { ...trigger(QUERY), name: "a" },
      { ...trigger(QUERY), name: "b" },
    ],
    advanced: { scalingModifiers: { formula, target: "2", ...more } },
  });
  it.each<{ spec: Json; field: string; message: string; metadata?: Json }>([
    {
      spec: { scaleTargetRef: { name: "vllm-llama-8b" }, triggers: undefined },
      field: "spec.triggers",
      message: "Required value",
    },
    { spec: { triggers: [] }, field: "spec.triggers", message: "no triggers defined in the ScaledObject/ScaledJob" },
    { spec: { pollingInterval: 0 }, field: "spec.pollingInterval", message: "should be greater than or equal to 1" },
    { spec: { cooldownPeriod: -1 }, field: "spec.cooldownPeriod", message: "should be greater than or equal to 0" },
    {
      spec: { minReplicaCount: 9, maxReplicaCount: 8 },
      field: "spec.minReplicaCount",
      message: "MinReplicaCount=9 must be less than MaxReplicaCount=8",
    },
    {
      spec: { idleReplicaCount: 2, minReplicaCount: 2 },
      field: "spec.idleReplicaCount",
      message: "IdleReplicaCount=2 must be less than MinReplicaCount=2",
    },
    {
      spec: { idleReplicaCount: 0 },
      field: "spec.idleReplicaCount",
      message: "IdleReplicaCount=0 must be less than MinReplicaCount=0",
    },
    {
      spec: { triggers: [cpu] },
      field: "spec.minReplicaCount",
      message: "scaledobject has only cpu/memory triggers AND minReplica is 0",
    },
    {
      spec: { triggers: [{ ...cpu, useCachedMetrics: true }], minReplicaCount: 1 },
      field: "spec.triggers[0].useCachedMetrics",
      message: 'property "useCachedMetrics" is not supported for "cpu" scaler',
    },
    {
      spec: { triggers: [cpu], minReplicaCount: 1, fallback: { failureThreshold: 1, replicas: 1 } },
      field: "spec.fallback",
      message: "at least one trigger (that is not cpu or memory)",
    },
    {
      spec: { fallback: { failureThreshold: 1, replicas: 1, behavior: "never" } },
      field: "spec.fallback.behavior",
      message: 'Unsupported value: "never"',
    },
    {
      spec: { fallback: { failureThreshold: 1, replicas: 1, behavior: "scalingModifiers" } },
      field: "spec.fallback.behavior",
      message: "requires scalingModifiers.formula to be defined",
    },
    {
      spec: {
        triggers: [
          { ...trigger(QUERY), name: "a" },
          { ...trigger(QUERY), name: "a" },
        ],
      },
      field: "spec.triggers[1].name",
      message: 'triggerName "a" is defined multiple times',
    },
    { spec: two("a + c"), field: "spec.advanced.scalingModifiers.formula", message: "unknown name c" },
    {
      spec: two("", { target: "2" }),
      field: "spec.advanced.scalingModifiers.formula",
      message: "error ScalingModifiers.Formula is mandatory",
    },
    {
      spec: two("a", { target: "" }),
      field: "spec.advanced.scalingModifiers.target",
      message: "formula is given but target is empty",
    },
    {
      spec: two("a", { target: "0" }),
      field: "spec.advanced.scalingModifiers.target",
      message: "error converting target for scalingModifiers",
    },
    {
      spec: { triggers: [trigger("sum(vllm:num_requests_waiting")] },
      field: "spec.triggers[0].metadata.query",
      message: "1:30: parse error",
    },
    {
      spec: { triggers: [trigger("1 + 1")] },
      field: "spec.triggers[0].metadata.query",
      message: "gives a scalar, which KEDA can't read",
    },
    {
      spec: { triggers: [trigger(QUERY, { threshold: 5 })] },
      field: "spec.triggers[0].metadata.threshold",
      message: "must be text, not 5",
    },
    {
      spec: {},
      metadata: { name: "c".repeat(60) },
      field: "metadata.name",
      message: "derived from scaledobject is 69 characters long",
    },
    {
      spec: {},
      metadata: { annotations: { "autoscaling.keda.sh/paused-replicas": "two" } },
      field: 'metadata.annotations["autoscaling.keda.sh/paused-replicas"]',
      message: "failed to parse paused replica count",
    },
  ])("$field: $message", ({ spec, field, message, metadata = {} }) => {
    const result = mirrored(spec, { metadata });
    if (result.ok) throw new Error("it was mirrored");
    const found = result.problems.filter((one) => one.field === field);
    expect(found.map((one) => one.message).join("\n")).toContain(message);
    expect(found[0]).toMatchObject({ severity: "error", object: expect.stringMatching(/^ScaledObject\/inference\//) });
  });

  it("warns of a metric that nothing exports, with the nearest name", () => {
    const { warnings } = good({ triggers: [trigger("sum(vllm:num_request_waiting)")] });
    expect(warnings).toMatchObject([
      {
        reason: "UnknownMetric",
        object: "ScaledObject/inference/chat",
        field: "spec.triggers[0].metadata.query",
        message: expect.stringContaining("did you mean vllm:num_requests_waiting?"),
      },
    ]);
  });

  it("warns of a fallback that KEDA will not use", () => {
    const spec = { ...two("a + b", { target: "2.5" }), fallback: { failureThreshold: 1, replicas: 1 } };
    expect(good(spec).warnings.map(({ reason }) => reason)).toEqual(["FallbackUnused"]);
  });

  it("takes queries as they stand in clusters", () => {
    const queries = [
      'sum(rate(vllm:request_success_total{pod=~"vllm-llama-8b-.*"}[2m])) or vector(0)',
      'max_over_time(sum(vllm:num_requests_waiting{namespace="inference"})[1m:15s])',
      'avg(vllm:kv_cache_usage_perc{pod=~"vllm-llama-8b-[a-z0-9]+-[a-z0-9]{5}"}) * 100',
      "histogram_quantile(0.95, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[5m])))",
    ];
    const triggers = queries.map((query, i) => ({ ...trigger(query), name: `q${i}` }));
    const advanced = {
      scalingModifiers: { formula: "let busy = q0 + q1; q3 > 2 ? busy * 2 : max([busy, q2])", target: "4" },
    };
    expect(good({ triggers, advanced }).warnings).toEqual([]);
  });
});
