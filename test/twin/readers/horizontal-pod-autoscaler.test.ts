import { describe, expect, it } from "vitest";
import type { HpaSpec } from "../../../src/controlplane/hpa/spec.ts";
import { horizontalPodAutoscaler } from "../../../src/twin/readers/kubernetes/horizontal-pod-autoscaler.ts";

const metric = {
  type: "Pods",
  pods: { metric: { name: "vllm:num_requests_waiting" }, target: { type: "AverageValue", averageValue: "5" } },
};
const sound = {
  scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "app" },
  minReplicas: 1,
  maxReplicas: 8,
  metrics: [metric],
};
const read = (spec: object) =>
  horizontalPodAutoscaler.read({
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "h", namespace: "ns" },
    spec,
  });
const specOf = (spec: object): HpaSpec => {
  const result = read({ ...sound, ...spec });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value.spec;
};
const errorsOf = (spec: object): readonly string[] => {
  const result = read(spec);
  return result.ok ? [] : result.problems.map(({ field, message }) => `${field}: ${message}`);
};
const rules = (scaleUp: object) => ({ ...sound, behavior: { scaleUp } });
const policy = { type: "Pods", value: 1, periodSeconds: 15 };

describe("what the API server fills in", () => {
  it("is one replica at least, CPU at 80 %, and no behavior", () => {
    const { scaleTargetRef, maxReplicas } = sound;
    const result = read({ scaleTargetRef, maxReplicas });
    expect(result.ok && result.value.spec).toMatchObject({
      minReplicas: 1,
      maxReplicas: 8,
      metrics: [{ type: "Resource", resource: "cpu", target: { type: "Utilization", percent: 80 } }],
      kubernetesMinor: 36,
    });
    expect(result.ok && result.value.spec.behavior).toBeUndefined();
  });

  it("is each missing part of a behavior, on its own", () => {
    expect(specOf({ behavior: { scaleUp: { policies: [policy] } } }).behavior).toEqual({
      scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: [policy] },
      scaleDown: { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
    });
  });
});

describe("metrics", () => {
  it.each([
    {
      name: "Pods",
      metric,
      spec: {
        type: "Pods",
        metric: "vllm:num_requests_waiting",
        selector: {},
        target: { type: "AverageValue", milli: 5000 },
      },
    },
    {
      name: "Pods with a selector, in thousandths",
      metric: {
        type: "Pods",
        pods: {
          metric: { name: "m", selector: { matchLabels: { a: "b" } } },
          target: { type: "AverageValue", averageValue: "750m" },
        },
      },
      spec: { type: "Pods", metric: "m", selector: { a: "b" }, target: { type: "AverageValue", milli: 750 } },
    },
    {
      name: "External, a value",
      metric: { type: "External", external: { metric: { name: "m" }, target: { type: "Value", value: "1k" } } },
      spec: { type: "External", metric: "m", selector: {}, target: { type: "Value", milli: 1_000_000 } },
    },
    {
      name: "External, an average, as YAML's number",
      metric: {
        type: "External",
        external: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: 64 } },
      },
      spec: { type: "External", metric: "m", selector: {}, target: { type: "AverageValue", milli: 64_000 } },
    },
    {
      name: "Object",
      metric: {
        type: "Object",
        object: {
          describedObject: { apiVersion: "v1", kind: "Service", name: "s" },
          metric: { name: "m" },
          target: { type: "Value", value: "2" },
        },
      },
      spec: {
        type: "Object",
        metric: "m",
        selector: {},
        describedObject: { kind: "Service", name: "s" },
        target: { type: "Value", milli: 2000 },
      },
    },
    {
      name: "Resource",
      metric: { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
      spec: { type: "Resource", resource: "cpu", target: { type: "Utilization", percent: 70 } },
    },
    {
      name: "ContainerResource",
      metric: {
        type: "ContainerResource",
        containerResource: { name: "memory", container: "vllm", target: { type: "AverageValue", averageValue: "1Gi" } },
      },
      spec: {
        type: "ContainerResource",
        resource: "memory",
        container: "vllm",
        target: { type: "AverageValue", milli: 2 ** 30 * 1000 },
      },
    },
  ])("$name", ({ metric, spec }) => expect(specOf({ metrics: [metric] }).metrics).toEqual([spec]));
});

describe("what the API server refuses, in its words", () => {
  const metrics = (one: object) => ({ ...sound, metrics: [one] });
  const target = (said: object) => metrics({ type: "Pods", pods: { metric: { name: "m" }, target: said } });
  it.each([
    {
      spec: { ...sound, minReplicas: 0 },
      errors: ["spec.minReplicas: Invalid value: 0: must be greater than or equal to 1"],
    },
    {
      spec: { ...sound, minReplicas: -1 },
      errors: ["spec.minReplicas: Invalid value: -1: must be greater than or equal to 1"],
    },
    { spec: { ...sound, maxReplicas: 0 }, errors: ["spec.maxReplicas: Invalid value: 0: must be greater than 0"] },
    {
      spec: { ...sound, minReplicas: 9 },
      errors: ["spec.maxReplicas: Invalid value: 8: must be greater than or equal to `minReplicas`"],
    },
    {
      spec: { ...sound, maxReplicas: "8" },
      errors: [
        'spec.maxReplicas: must be a whole number, not "8"',
        'spec.maxReplicas: Invalid value: "8": must be greater than 0',
      ],
    },
    { spec: { ...sound, scaleTargetRef: { name: "app" } }, errors: ["spec.scaleTargetRef.kind: Required value"] },
    {
      spec: { ...sound, scaleTargetRef: { kind: "Deployment" } },
      errors: ["spec.scaleTargetRef.name: Required value"],
    },
    { spec: metrics({}), errors: ["spec.metrics[0].type: Required value: must specify a metric source type"] },
    {
      spec: metrics({ ...metric, type: "Pod" }),
      errors: [
        'spec.metrics[0].type: Unsupported value: "Pod": supported values: "ContainerResource", "External", "Object", "Pods", "Resource"',
      ],
    },
    {
      spec: metrics({ ...metric, resource: {} }),
      errors: ["spec.metrics[0].resource: Forbidden: must populate the given metric source only"],
    },
    {
      spec: target({ type: "AverageValue" }),
      errors: ["spec.metrics[0].pods.target.averageValue: Required value: must specify a positive target averageValue"],
    },
    {
      spec: target({ averageValue: "1" }),
      errors: ["spec.metrics[0].pods.target.type: Required value: must specify a metric target type"],
    },
    {
      spec: target({ type: "Average", averageValue: "1" }),
      errors: [
        'spec.metrics[0].pods.target.type: Invalid value: "Average": must be either Utilization, Value, or AverageValue',
      ],
    },
    {
      spec: target({ type: "AverageValue", averageValue: "0" }),
      errors: ['spec.metrics[0].pods.target.averageValue: Invalid value: "0": must be positive'],
    },
    {
      spec: metrics({ type: "Pods", pods: { metric: {}, target: metric.pods.target } }),
      errors: ["spec.metrics[0].pods.metric.name: Required value: must specify a metric name"],
    },
    {
      spec: metrics({ type: "External", external: { metric: { name: "m" }, target: { type: "Value" } } }),
      errors: [
        "spec.metrics[0].external.target.averageValue: Required value: must set either a target value for metric or a per-pod target",
      ],
    },
    {
      spec: metrics({
        type: "External",
        external: { metric: { name: "m" }, target: { type: "Value", value: "1", averageValue: "1" } },
      }),
      errors: [
        "spec.metrics[0].external.target.value: Forbidden: may not set both a target value for metric and a per-pod target",
      ],
    },
    {
      spec: metrics({ type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } }),
      errors: [
        "spec.metrics[0].resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization",
      ],
    },
    {
      spec: rules({ stabilizationWindowSeconds: -1 }),
      errors: [
        "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: -1: must be greater than or equal to zero",
      ],
    },
    {
      spec: rules({ stabilizationWindowSeconds: 3601 }),
      errors: [
        "spec.behavior.scaleUp.stabilizationWindowSeconds: Invalid value: 3601: must be less than or equal to 3600",
      ],
    },
    {
      spec: rules({ policies: [] }),
      errors: ["spec.behavior.scaleUp.policies: Required value: must specify at least one Policy"],
    },
    {
      spec: rules({ selectPolicy: "Most" }),
      errors: [
        'spec.behavior.scaleUp.selectPolicy: Unsupported value: "Most": supported values: "Disabled", "Max", "Min"',
      ],
    },
    {
      spec: rules({ policies: [{ ...policy, type: "Pod" }] }),
      errors: ['spec.behavior.scaleUp.policies[0].type: Unsupported value: "Pod": supported values: "Percent", "Pods"'],
    },
    {
      spec: rules({ policies: [{ ...policy, value: 0 }] }),
      errors: ["spec.behavior.scaleUp.policies[0].value: Invalid value: 0: must be greater than zero"],
    },
    {
      spec: rules({ policies: [{ type: "Pods", value: 1 }] }),
      errors: ["spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 0: must be greater than zero"],
    },
    {
      spec: rules({ policies: [{ ...policy, periodSeconds: 1801 }] }),
      errors: [
        "spec.behavior.scaleUp.policies[0].periodSeconds: Invalid value: 1801: must be less than or equal to 1800",
      ],
    },
    {
      spec: rules({ tolerance: "-1m" }),
      errors: ['spec.behavior.scaleUp.tolerance: Invalid value: "-1m": must be greater than or equal to 0'],
    },
  ])("$errors.0", ({ spec, errors }) => expect(errorsOf(spec)).toEqual(errors));

  it("names the field of a quantity that is none", () => {
    const [text] = errorsOf(target({ type: "AverageValue", averageValue: "five" }));
    expect(text).toMatch(/^spec\.metrics\[0\]\.pods\.target\.averageValue: "five" is no quantity/);
  });
});
