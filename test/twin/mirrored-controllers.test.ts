import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import type { ControllerScenario } from "../../src/twin/scenario.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const controllersOf = (quickstart: Quickstart): readonly ControllerScenario[] | undefined => {
  const result = quickstart.mirror();
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value.scenario.controllers;
};
const problemsOf = (quickstart: Quickstart): readonly string[] => {
  const result = quickstart.mirror();
  return (result.ok ? result.warnings : result.problems).map(describeProblem);
};
const choose = (quickstart: Quickstart, controller: Json): Quickstart => {
  quickstart.simulation.spec.overrides = { ...quickstart.simulation.spec.overrides, autoscaler: { controller } };
  return quickstart;
};
const annotated = (change: Record<string, string> = {}): Quickstart => {
  const quickstart = new Quickstart();
  quickstart.hpa.metadata.annotations = { "llm-d.ai/managed": "true", ...change };
  return quickstart;
};
const variant = (spec: Json = {}): Json => ({
  apiVersion: "llmd.ai/v1alpha1",
  kind: "VariantAutoscaling",
  metadata: { name: "va", namespace: "inference", labels: { "inference.optimization/acceleratorName": "H100" } },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "vllm-llama-8b" },
    modelID: new Quickstart().simulation === undefined ? "" : "meta-llama/Llama-3.1-8B-Instruct",
    ...spec,
  },
});
const withVariant = (spec: Json = {}): Quickstart => {
  const quickstart = new Quickstart();
  quickstart.others.push(variant(spec));
  return quickstart;
};

describe("who decides beside the HPA", () => {
  it("is nobody where nothing says so: the scenario is as it was", () => {
    const result = new Quickstart().mirror();
    expect(result.ok && "controllers" in result.value.scenario).toBe(false);
    expect(result.ok && scenarioDigest(result.value.scenario)).toHaveLength(64);
  });

  it("is llm-d's WVA where an HPA is annotated", () => {
    const [controller] = controllersOf(annotated({ "llm-d.ai/variant-cost": "40" })) ?? [];
    expect(controller?.said).toMatchObject({ name: "wva", analyzer: "percentage", kvCacheThreshold: 0.8 });
    expect(controller?.targets).toMatchObject([
      { name: "vllm-llama-8b", kind: "annotated", workload: "vllm-llama-8b", cost: 40, minReplicas: 1, maxReplicas: 8 },
    ]);
  });
  it("knows an annotated ScaledObject, and takes it before the HPA", () => {
    const quickstart = annotated();
    quickstart.others.push({
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata: { name: "so", namespace: "inference", annotations: { "llm-d.ai/managed": "true" } },
      spec: { scaleTargetRef: { name: "vllm-llama-8b" }, minReplicaCount: 0, maxReplicaCount: 4, triggers: [] },
    });
    const result = quickstart.mirror();
    const targets = result.ok ? result.value.scenario.controllers?.[0]?.targets : undefined;
    if (targets !== undefined) {
      expect(targets).toMatchObject([{ name: "so", cost: 10, minReplicas: 0, maxReplicas: 4 }]);
    } else expect(problemsOf(quickstart).join()).toContain("ScaledObject");
  });
  it("or where a VariantAutoscaling stands for a workload, which is told to be deprecated", () => {
    const quickstart = withVariant({ variantCost: "12.5" });
    expect(controllersOf(quickstart)?.[0]?.targets).toMatchObject([
      { name: "va", kind: "crd", accelerator: "H100", cost: 12.5 },
    ]);
    expect(problemsOf(quickstart).join()).toContain("VariantAutoscaling is deprecated");
  });
  it("is what the simulation chooses", () => {
    const [controller] = controllersOf(choose(new Quickstart(), { name: "blis-autoscaler", interval: "10s" })) ?? [];
    expect(controller?.said).toMatchObject({ name: "blis-autoscaler", interval: "10s", avgInputTokens: 512 });
    expect(controller?.targets).toMatchObject([{ name: "vllm-llama-8b", kind: "workload", role: "both" }]);
  });

  it("tells every value with its source", () => {
    const result = choose(annotated(), { name: "wva", kvSpareTrigger: 0.2 }).mirror();
    const values = result.ok ? result.value.values : [];
    expect(values).toContainEqual({
      path: "controller.kvSpareTrigger",
      value: 0.2,
      from: { kind: "override", field: "spec.overrides.autoscaler.controller.kvSpareTrigger" },
    });
    expect(values.find(({ path }) => path === "controller.variants[vllm-llama-8b].cost")?.from.kind).toBe("default");
  });

  it.each<[string, Quickstart, string]>([
    ["WVA without a variant", choose(new Quickstart(), { name: "wva" }), "llm-d.ai/managed"],
    [
      "a predictor that isn't simulated",
      choose(new Quickstart(), { name: "dynamo-planner", loadPredictor: "arima" }),
      "spec.overrides.autoscaler.controller.loadPredictor: arima is not simulated; set it to constant or kalman",
    ],
    ["a cost that is no number", annotated({ "llm-d.ai/variant-cost": "cheap" }), 'not "cheap"'],
    ["a negative cost", annotated({ "llm-d.ai/variant-cost": "-1" }), 'not "-1"'],
    ["a variant without a model", withVariant({ modelID: "" }), "spec.modelID: is required"],
    ["another model's name", annotated({ "llm-d.ai/model-id": "other" }), "nothing will be found"],
    [
      "thresholds that cross",
      choose(new Quickstart(), { name: "blis-autoscaler", scaleDownBoundary: 0.9 }),
      "scaleDownBoundary: must be less than scaleUpThreshold",
    ],
  ])("%s is told", (_name, quickstart, says) => expect(problemsOf(quickstart).join("\n")).toContain(says));
});

describe("ConfigMaps of WVA", () => {
  const map = (name: string, data: Json, namespace = "workload-variant-autoscaler-system"): Json => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace },
    data,
  });
  const saturation = (text: string, namespace?: string, more: Json = {}): Json =>
    map("wva-saturation-scaling-config", { default: text, ...more }, namespace);
  const FOUR = "kvCacheThreshold: 0.75\nqueueLengthThreshold: 8\nkvSpareTrigger: 0.2\nqueueSpareTrigger: 2\n";
  const configured = (...maps: readonly Json[]): Quickstart => {
    const quickstart = annotated();
    quickstart.others.push(...maps);
    return quickstart;
  };
  const saidOf = (quickstart: Quickstart): Json => controllersOf(quickstart)?.[0]?.said;

  it("say its thresholds, each at its field", () => {
    const quickstart = configured(saturation(FOUR));
    expect(saidOf(quickstart)).toMatchObject({
      analyzer: "percentage",
      kvCacheThreshold: 0.75,
      queueLengthThreshold: 8,
      kvSpareTrigger: 0.2,
      queueSpareTrigger: 2,
      scaleToZero: false,
    });
    const result = quickstart.mirror();
    expect(result.ok && result.value.values).toContainEqual({
      path: "controller.queueLengthThreshold",
      value: 8,
      from: {
        kind: "field",
        object: "ConfigMap/workload-variant-autoscaler-system/wva-saturation-scaling-config",
        field: "data.default.queueLengthThreshold",
      },
    });
    expect(problemsOf(quickstart)).toEqual(problemsOf(annotated()));
  });

  it("of the simulation's namespace go before the autoscaler's, but for the analyzer; the chart's names are known", () => {
    const global = map("release-workload-variant-autoscaler-wva-saturation-scaling-config", {
      default: `${FOUR}analyzerName: saturation\nscaleUpThreshold: 0.9\n`,
    });
    const own = saturation(`${FOUR.replace("0.75", "0.6")}scaleDownBoundary: 0.5`, "inference");
    expect(saidOf(configured(global, own))).toMatchObject({
      analyzer: "tokens",
      kvCacheThreshold: 0.6,
      scaleUpThreshold: 0.85,
      scaleDownBoundary: 0.5,
    });
    expect(saidOf(configured(global))).toMatchObject({ analyzer: "tokens", scaleUpThreshold: 0.9 });
    expect(saidOf(configured(own))).toMatchObject({ analyzer: "percentage", scaleDownBoundary: 0.7 });
  });

  it("say who scales to zero, by model before all others", () => {
    const zero = (data: Json): Json => map("wva-model-scale-to-zero-config", data);
    const main = map("wva-variantautoscaling-config", { WVA_SCALE_TO_ZERO: "true" });
    expect(saidOf(configured(main))).toMatchObject({ scaleToZero: true, retention: "10m" });
    const all = "enable_scale_to_zero: false\nretention_period: 1h30m";
    expect(saidOf(configured(main, zero({ default: all })))).toMatchObject({ scaleToZero: false, retention: "1h30m" });
    const llama = "model_id: llama-3.1-8b\nenable_scale_to_zero: true";
    const both = zero({ default: all, llama, other: "model_id: other\nretention_period: 5m" });
    expect(saidOf(configured(both))).toMatchObject({ scaleToZero: true, retention: "1h30m" });
    const odd = configured(zero({ default: "retention_period: soon" }));
    expect(problemsOf(odd).join()).toContain('must be a length of time above 0, got "soon"; another or 10m counts');
  });

  it("are not asked where the simulation says how it scales", () => {
    const quickstart = choose(configured(saturation(FOUR)), { name: "wva", kvSpareTrigger: 0.3 });
    expect(saidOf(quickstart)).toMatchObject({ kvCacheThreshold: 0.8, kvSpareTrigger: 0.3 });
  });

  it.each([
    ["a limiter", saturation(`${FOUR}enableLimiter: true`), /enableLimiter: scaling is bounded by the cluster's GPUs/],
    [
      "an entry of a model",
      saturation(FOUR, undefined, { llama: "model_id: x" }),
      /data\.llama: .* heeds default only/,
    ],
    ["a field of tomorrow", saturation(`${FOUR}fastPath: true`), /data\.default\.fastPath: is not read/],
    [
      "a threshold left out",
      saturation(FOUR.replace(/queueSpare.*/, "")),
      /queueSpareTrigger: is left out, .* takes for 0/,
    ],
    [
      "a model of queues",
      map("wva-queueing-model-config", { default: "" }),
      /analyzer by a model of queues is not modelled/,
    ],
  ])("are told of %s", (_, one, message) => {
    const result = configured(one).mirror();
    expect(result.ok).toBe(true);
    expect(problemsOf(configured(one)).join("\n")).toMatch(message);
  });

  it.each([
    ["no YAML", saturation("a: [b"), /data\.default: .*YAML/],
    ["a share above 1", saturation(FOUR.replace("0.75", "80")), /kvCacheThreshold: must be between 0 and 1, got 80/],
    ["a number in quotes", saturation(FOUR.replace("0.75", '"0.75"')), /kvCacheThreshold: must be a number/],
    [
      "a trigger above its threshold",
      saturation(FOUR.replace("0.2", "0.9")),
      /0\.9 is more than kvCacheThreshold \(0\.75\)/,
    ],
    ["no threshold of the cache", saturation(FOUR.replace(/kvCache.*\n/, "")), /so that every replica is saturated/],
    ["no default", map("wva-saturation-scaling-config", { llama: FOUR }), /has no entry default/],
  ])("are refused with %s", (_, one, message) => {
    const result = configured(one).mirror();
    expect(result.ok).toBe(false);
    expect(problemsOf(configured(one)).join("\n")).toMatch(message);
  });
});
