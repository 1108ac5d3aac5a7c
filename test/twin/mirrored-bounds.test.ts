import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const NAMESPACE = "inference";
const NAME = "vllm-llama-8b";

const made = (kind: string, apiVersion: string, name: string, rest: Json): Json => ({
  apiVersion,
  kind,
  metadata: { name, namespace: NAMESPACE },
  ...rest,
});
const budget = (name: string, spec: Json): Json => made("PodDisruptionBudget", "policy/v1", name, { spec });
const priorityClass = (name: string, value: number, rest: Json = {}): Json => ({
  apiVersion: "scheduling.k8s.io/v1",
  kind: "PriorityClass",
  metadata: { name },
  value,
  ...rest,
});
const quota = (spec: Json): Json => made("ResourceQuota", "v1", "team", { spec });

/** The quickstart on nodes, with other objects beside it. */
const beside = (others: readonly Json[], change: (q: Quickstart) => void = () => undefined): Quickstart => {
  const q = new Quickstart();
  const gpu = { "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" };
  q.simulation.metadata.namespace = NAMESPACE;
  q.deployment.metadata.namespace = NAMESPACE;
  q.hpa.metadata.namespace = NAMESPACE;
  q.simulation.spec.overrides = {
    ...q.simulation.spec.overrides,
    nodes: { pools: [{ name: "h100", gpusPerNode: 8, nodes: 1, labels: gpu }] },
  };
  q.pod.nodeSelector = gpu;
  q.others.push(...others);
  change(q);
  return q;
};

const mirrored = (q: Quickstart) => {
  const result = q.mirror();
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  const { scenario, values, reads } = result.value;
  const value = (path: string) => values.find((one) => one.path === path);
  return {
    pods: scenario.nodes?.pods[NAME],
    quotas: scenario.quotas,
    value,
    reads,
    warnings: result.warnings.map(describeProblem),
  };
};

const own = (q: Quickstart): Json => ({ matchLabels: q.deployment.spec.template.metadata.labels });

describe("a PodDisruptionBudget", () => {
  const selector = own(new Quickstart());

  it("that selects the pods bounds their eviction", () => {
    const { pods, value, reads } = mirrored(beside([budget("keep", { selector, maxUnavailable: "25%" })]));
    expect(pods?.budget).toEqual({ maxUnavailable: "25%" });
    expect(value(`workloads[${NAME}].placement.disruptionBudget.maxUnavailable`)).toMatchObject({
      value: "25%",
      from: { object: "PodDisruptionBudget/inference/keep", field: "spec.maxUnavailable" },
    });
    expect(reads).toContainEqual({ kind: "PodDisruptionBudget", namespace: NAMESPACE, name: "keep" });
  });

  it.each([
    { name: "an empty selector selects all", spec: { selector: {}, minAvailable: 1 }, is: { minAvailable: 1 } },
    { name: "none selects nobody", spec: { minAvailable: 1 }, is: undefined },
    {
      name: "another selects others",
      spec: { selector: { matchLabels: { app: "x" } }, minAvailable: 1 },
      is: undefined,
    },
    { name: "without a bound all may go", spec: { selector: {} }, is: { minAvailable: 0 } },
    {
      name: "unhealthy pods may always go",
      spec: { selector: {}, minAvailable: "50%", unhealthyPodEvictionPolicy: "AlwaysAllow" },
      is: { minAvailable: "50%", unhealthyPods: "AlwaysAllow" },
    },
  ])("$name", ({ spec, is }) => expect(mirrored(beside([budget("one", spec)])).pods?.budget).toEqual(is));

  it("is overridden by the simulation", () => {
    const q = beside([budget("keep", { selector, maxUnavailable: 0 })]);
    q.simulation.spec.overrides.nodes.podDisruptionBudget = { minAvailable: "1" };
    expect(mirrored(q).pods?.budget).toEqual({ minAvailable: 1 });
  });

  it("beside another keeps the pods where they are, with a warning", () => {
    const two = [budget("a", { selector, maxUnavailable: 1 }), budget("b", { selector: {}, minAvailable: 0 })];
    const { pods, warnings } = mirrored(beside(two));
    expect(pods?.budget).toEqual({ maxUnavailable: 0 });
    expect(warnings.join("\n")).toContain(
      "PodDisruptionBudget/inference/b: spec.selector: selects the pods of Deployment/inference/vllm-llama-8b, as PodDisruptionBudget/inference/a does",
    );
  });

  it("counts no bounds that the API server refuses", () => {
    const both = beside([budget("both", { selector, maxUnavailable: "120%", minAvailable: 1 })]).mirror();
    expect(both.ok).toBe(false);
    const text = both.ok ? "" : both.problems.map(describeProblem).join("\n");
    expect(text).toContain("spec.maxUnavailable: minAvailable and maxUnavailable are both set");
    expect(text).toContain('must be a number of pods or a share of them such as "25%", not "120%"');
  });
});

describe("a PriorityClass", () => {
  const named = (q: Quickstart): void => {
    q.pod.priorityClassName = "chat";
  };

  it("is the priority of the pods that name it", () => {
    const { pods, value } = mirrored(
      beside([priorityClass("chat", 1000), priorityClass("usual", 5, { globalDefault: true })], named),
    );
    expect(pods?.placement).toMatchObject({ priority: 1000 });
    expect(pods?.placement).not.toHaveProperty("preempts");
    expect(value(`workloads[${NAME}].placement.priority`)?.from).toMatchObject({
      object: "PriorityClass/chat",
      field: "value",
    });
  });

  it("of global default is that of pods that name none", () => {
    const { pods } = mirrored(beside([priorityClass("usual", 5, { globalDefault: true, preemptionPolicy: "Never" })]));
    expect(pods?.placement).toMatchObject({ priority: 5, preempts: false });
  });

  it("that isn't there is told, unless every cluster has it", () => {
    expect(mirrored(beside([], named)).warnings.join("\n")).toContain(
      "spec.template.spec.priorityClassName: no PriorityClass chat is here",
    );
    const system = beside([], (q) => {
      q.pod.priorityClassName = "system-node-critical";
    });
    expect(mirrored(system)).toMatchObject({ pods: { placement: { priority: 2_000_001_000 } }, warnings: [] });
  });

  it("that says another priority than the pods is told", () => {
    const q = beside([priorityClass("chat", 1000)], named);
    q.pod.priority = 7;
    expect(mirrored(q).warnings.join("\n")).toContain(
      "spec.template.spec.priority: is 7, but PriorityClass chat says 1000, which is simulated",
    );
  });
});

describe("a ResourceQuota", () => {
  it("bounds GPUs and pods, whether nodes are simulated or not", () => {
    const q = beside([quota({ hard: { "requests.nvidia.com/gpu": "16", pods: "4k", "requests.cpu": "8" } })]);
    delete q.simulation.spec.overrides.nodes;
    const { quotas, value } = mirrored(q);
    expect(quotas).toEqual([
      { name: "team", resource: "pods", hard: 4000, perReplica: { [NAME]: 1 } },
      { name: "team", resource: "requests.nvidia.com/gpu", hard: 16, perReplica: { [NAME]: 1 } },
    ]);
    expect(value("quotas[team].requests.nvidia.com/gpu")?.from).toMatchObject({
      object: "ResourceQuota/inference/team",
      field: 'spec.hard["requests.nvidia.com/gpu"]',
    });
  });

  const scoped = (scopeName: string, operator?: string, values?: string[]) =>
    operator === undefined
      ? { hard: { pods: 3 }, scopes: [scopeName] }
      : { hard: { pods: 3 }, scopeSelector: { matchExpressions: [{ scopeName, operator, values }] } };

  it.each([
    { spec: scoped("PriorityClass", "In", ["chat", "other"]), counts: true },
    { spec: scoped("PriorityClass", "In", ["other"]), counts: false },
    { spec: scoped("PriorityClass", "NotIn", ["chat"]), counts: false },
    { spec: scoped("NotTerminating"), counts: true },
    { spec: scoped("BestEffort"), counts: false },
    { spec: { hard: { "requests.amd.com/gpu": "1" } }, counts: false },
  ])("counts the pods of its scope: $spec", ({ spec, counts }) => {
    const q = beside([quota(spec), priorityClass("chat", 1)], (one) => {
      one.pod.priorityClassName = "chat";
    });
    expect(mirrored(q).quotas !== undefined).toBe(counts);
  });

  it("of a scope that isn't modelled is left out, and told", () => {
    const { quotas, warnings } = mirrored(beside([quota(scoped("CrossNamespacePodAffinity"))]));
    expect(quotas).toBeUndefined();
    expect(warnings.join("\n")).toContain("which pods scope CrossNamespacePodAffinity counts isn't modelled");
  });
});
