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
