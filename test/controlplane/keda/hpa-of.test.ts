import { describe, expect, it } from "vitest";
import type { HpaMetric } from "../../../src/controlplane/hpa/spec.ts";
import { OTHER_TRIGGERS } from "../../../src/controlplane/keda/known-triggers.ts";
import type { ScaledObjectSpec, TriggerSpec } from "../../../src/controlplane/keda/spec.ts";
import { triggerOf } from "../../../src/controlplane/keda/trigger-of.ts";
import { triggerTypes } from "../../../src/controlplane/keda/triggers/index.ts";
import { asks, hpa, NO_ANNOTATIONS } from "./fixtures.ts";

const selector = { "scaledobject.keda.sh/name": "chat" };
const external = (metric: string, type: "AverageValue" | "Value", milli: number): HpaMetric => ({
  type: "External",
  metric,
  selector,
  target: { type, milli },
});
const resource = (type: string, value: string, metricType: string, more = {}): TriggerSpec => ({
  type,
  metricType,
  useCachedMetrics: false,
  metadata: { value, ...more },
});
const cpu: HpaMetric = { type: "Resource", resource: "cpu", target: { type: "Utilization", percent: 60 } };
const composite = { formula: "waiting + running", target: "2.5", metricType: "AverageValue" } as const;

describe("the metrics that KEDA puts into its HPA", () => {
  it.each<{ name: string; spec: Partial<ScaledObjectSpec>; metrics: readonly HpaMetric[] }>([
    { name: "a query is an average", spec: {}, metrics: [external("s0-prometheus", "AverageValue", 10_000)] },
    {
      name: "a metricType is taken as said, a threshold to thousandths",
      spec: { triggers: [asks("a", { threshold: "0.0625" }, { metricType: "Value" })] },
      metrics: [external("s0-prometheus", "Value", 62)],
    },
    {
      name: "names tell the place in the list",
      spec: { triggers: [asks("a"), asks("b")] },
      metrics: [external("s0-prometheus", "AverageValue", 10_000), external("s1-prometheus", "AverageValue", 10_000)],
    },
    {
      name: "types stand in their order: ContainerResource, External, Resource",
      spec: {
        triggers: [
          resource("cpu", "60", "Utilization"),
          asks("a"),
          resource("memory", "2Gi", "AverageValue", { containerName: "vllm" }),
        ],
      },
      metrics: [
        {
          type: "ContainerResource",
          resource: "memory",
          container: "vllm",
          target: { type: "AverageValue", milli: 2 ** 31 * 1000 },
        },
        external("s1-prometheus", "AverageValue", 10_000),
        cpu,
      ],
    },
    {
      name: "a formula takes the place of all but Resource metrics",
      spec: {
        triggers: [
          asks("waiting"),
          resource("memory", "2Gi", "AverageValue", { containerName: "vllm" }),
          resource("cpu", "60", "Utilization"),
          asks("running"),
        ],
        scalingModifiers: composite,
      },
      metrics: [cpu, external("composite-metric", "AverageValue", 2500)],
    },
    {
      name: "the target of a formula is cut to thousandths",
      spec: { triggers: [asks("a")], scalingModifiers: { formula: "a", target: "0.0019", metricType: "Value" } },
      metrics: [external("composite-metric", "Value", 1)],
    },
    {
      name: "a schedule's name tells its times",
      spec: {
        startUnixSeconds: 0,
        triggers: [
          {
            type: "cron",
            useCachedMetrics: false,
            metadata: { timezone: "Asia/Kolkata", start: "0 6 * * 1-5", end: "*/30 20 ? * 1,5", desiredReplicas: "4" },
          },
        ],
      },
      metrics: [external("s0-cron-Asia-Kolkata-06xx1-5-xSl3020Qmx1Cm5", "AverageValue", 1000)],
    },
    {
      name: "a type that isn't simulated has the target that it is given",
      spec: {
        triggers: [{ type: "kafka", useCachedMetrics: false, metadata: {}, given: { series: [], target: 50 } }],
      },
      metrics: [external("s0-kafka", "AverageValue", 50_000)],
    },
  ])("$name", ({ spec, metrics }) => expect(hpa(spec).metrics).toEqual(metrics));
});

describe("the bounds and the behavior of KEDA's HPA", () => {
  it.each([
    { said: undefined, least: 1 },
    { said: 0, least: 1 },
    { said: 3, least: 3 },
  ])("minReplicaCount $said is minReplicas $least", ({ said, least }) =>
    expect(hpa(said === undefined ? {} : { minReplicaCount: said })).toMatchObject({
      minReplicas: least,
      maxReplicas: 100,
    }),
  );

  it("has none unless one is said or a direction is paused", () => expect(hpa().behavior).toBeUndefined());

  it("disables what an annotation pauses, and keeps what else is said", () => {
    const annotations = { ...NO_ANNOTATIONS, pausedScaleIn: true };
    const { behavior } = hpa({ annotations, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } });
    expect(behavior?.scaleDown).toMatchObject({ selectPolicy: "Disabled", stabilizationWindowSeconds: 60 });
    expect(behavior?.scaleUp.selectPolicy).toBe("Max");
  });
});

describe("triggers that KEDA would not build", () => {
  const prom = (metadata: Readonly<Record<string, string>>, change = {}): TriggerSpec => asks("a", metadata, change);
  const cron = (metadata: Readonly<Record<string, string>>): TriggerSpec => ({
    type: "cron",
    useCachedMetrics: false,
    metadata: { timezone: "UTC", start: "0 8 * * *", end: "0 18 * * *", desiredReplicas: "2", ...metadata },
  });
  it.each<{ said: TriggerSpec; field: string; message: string }>([
    {
      said: prom({ query: " " }),
      field: "metadata.query",
      message: 'missing required parameter "query" in [triggerMetadata]',
    },
    {
      said: prom({ threshold: "ten" }),
      field: "metadata.threshold",
      message: 'unable to set param "threshold" value "ten"',
    },
    { said: prom({ threshold: "0" }), field: "metadata.threshold", message: "must be positive" },
    {
      said: prom({ ignoreNullValues: "yes" }),
      field: "metadata.ignoreNullValues",
      message: 'unable to set param "ignoreNullValues"',
    },
    {
      said: prom({}, { metricType: "Utilization" }),
      field: "metricType",
      message: "'Utilization' metric type is unsupported",
    },
    { said: resource("cpu", "60", "Value"), field: "metricType", message: "unknown metric type: Value" },
    { said: resource("cpu", "60%", "Utilization"), field: "metadata.value", message: "no whole number" },
    {
      said: resource("cpu", "60", "Utilization", { type: "Utilization" }),
      field: "metadata.type",
      message: "DEPRECATED",
    },
    {
      said: cron({ start: "0 8 * *" }),
      field: "metadata.start",
      message: "error parsing start schedule: expected exactly 5 fields, found 4: [0 8 * *]",
    },
    {
      said: cron({ start: "61 8 * * *" }),
      field: "metadata.start",
      message: "end of range (61) above maximum (59): 61",
    },
    {
      said: cron({ end: "0 8 * * *" }),
      field: "metadata.end",
      message: "start and end can not have exactly same time input",
    },
    { said: cron({ desiredReplicas: "2.5" }), field: "metadata.desiredReplicas", message: "it must be a whole number" },
    {
      said: cron({ desiredReplicas: "0" }),
      field: "metadata.desiredReplicas",
      message: "no desiredReplicas specified",
    },
    { said: cron({ timezone: "Mars/Base" }), field: "metadata.timezone", message: "unknown time zone Mars/Base" },
    { said: { ...cron({}), type: "corn" }, field: "type", message: "no scaler found for type: corn" },
    { said: { ...cron({}), type: "redis" }, field: "type", message: "is not simulated" },
  ])("$field: $message", ({ said, field, message }) => {
    const built = triggerOf({ index: 0, said, startUnixSeconds: 0 });
    if (built.ok) throw new Error("it was built");
    expect(built.problems.map((one) => one.field)).toEqual([field]);
    expect(built.problems[0]?.message).toContain(message);
  });

  it("needs to know when the world begins for a schedule", () => {
    const built = triggerOf({ index: 0, said: cron({}), startUnixSeconds: undefined });
    expect(built.ok ? [] : built.problems.map(({ reason }) => reason)).toEqual(["NoStartTime"]);
  });

  it("names no type twice", () => {
    const names = [...triggerTypes.map(({ name }) => name as string), ...OTHER_TRIGGERS];
    expect(new Set(names).size).toBe(names.length);
  });
});
