import { describe, expect, it } from "vitest";
import { describeProblem } from "../../src/model/problem.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import { changedBy } from "../../src/twin/candidate.ts";
import type { Manifest, ObservedCluster } from "../../src/twin/manifest.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const HPA = { kind: "HorizontalPodAutoscaler" };

/** What `patches` make of the quickstart: its objects as the candidate sees them, or what is wrong. */
const change = (...patches: Json[]) => {
  const quickstart = new Quickstart();
  const stored = { ...quickstart.simulation };
  stored.spec = { ...stored.spec, candidates: [{ name: "other", patches }] };
  const parsed = parseSimulation(stored, {});
  if (!parsed.ok) return { problems: parsed.problems.map(describeProblem) };
  const objects: readonly Manifest[] = [quickstart.deployment, quickstart.hpa];
  const cluster: ObservedCluster = {
    get: (kind, _namespace, name) => objects.find((one) => one.kind === kind && one.metadata.name === name),
    list: (kind) => objects.filter((one) => one.kind === kind),
  };
  const before = structuredClone({ objects, stored });
  const reads = objects.map(({ kind, metadata: { name } }) => ({ kind, namespace: "inference", name }));
  const [candidate] = parsed.value.spec.candidates;
  if (candidate === undefined) throw new Error("the candidate is read");
  const changed = changedBy(candidate, 0, { simulation: parsed.value, cluster, stored, reads });
  expect({ objects, stored }, "the baseline stays as it is").toEqual(before);
  if (!changed.ok) return { problems: changed.problems.map(describeProblem) };
  const { simulation, cluster: seen } = changed.value;
  return {
    simulation,
    hpas: seen.list("HorizontalPodAutoscaler", "inference") as readonly Json[],
    hpa: seen.get("HorizontalPodAutoscaler", "inference", "vllm-llama-8b") as Json,
    deployment: seen.get("Deployment", "inference", "vllm-llama-8b") as Json,
  };
};

describe("a candidate", () => {
  it("merges as RFC 7386 has it: objects into each other, lists whole, null takes away", () => {
    const { hpa } = change({ target: HPA, merge: { spec: { minReplicas: 2, metrics: [], behavior: null } } });
    expect(hpa.spec).toMatchObject({ minReplicas: 2, maxReplicas: 8, metrics: [] });
    expect(hpa.spec).not.toHaveProperty("behavior");
  });

  it("operates as RFC 6902 has it, one patch after another", () => {
    const { hpa } = change(
      {
        target: { ...HPA, name: "vllm-llama-8b" },
        json6902: [
          { op: "test", path: "/spec/minReplicas", value: 1 },
          { op: "copy", from: "/spec/maxReplicas", path: "/spec/minReplicas" },
          { op: "remove", path: "/spec/behavior/scaleUp" },
          { op: "add", path: "/spec/metrics/-", value: { type: "Resource" } },
        ],
      },
      { target: HPA, merge: { spec: { maxReplicas: 20 } } },
    );
    expect(hpa.spec).toMatchObject({ minReplicas: 8, maxReplicas: 20 });
    expect(hpa.spec.metrics).toHaveLength(2);
    expect(hpa.spec.behavior).not.toHaveProperty("scaleUp");
  });

  it("replaces an object, or brings one", () => {
    const spec = { minReplicas: 3 };
    const { hpa, hpas } = change({ target: HPA, replace: { ...HPA, metadata: { name: "vllm-llama-8b" }, spec } });
    expect([hpa.spec, hpas?.length]).toEqual([spec, 1]);
    const second = { ...HPA, metadata: { name: "a-second" }, spec };
    const brought = change({ target: { ...HPA, name: "a-second" }, replace: second });
    expect(brought.hpas?.map(({ metadata }) => metadata)).toEqual([
      { namespace: "inference", name: "a-second" },
      expect.objectContaining({ name: "vllm-llama-8b" }),
    ]);
  });

  it("changes what the simulation itself overrides", () => {
    const { simulation } = change({
      target: { kind: "InferenceSimulation" },
      merge: { spec: { overrides: { gateway: { policy: { policy: "least-queue" } } } } },
    });
    expect(simulation?.spec.overrides.gateway?.policy).toEqual({ policy: "least-queue" });
  });

  it("does not let a key named __proto__ change what objects are", () => {
    const merge = JSON.parse('{"spec":{"__proto__":{"polluted":true}}}') as Json;
    change({ target: HPA, merge });
    change({ target: HPA, json6902: [{ op: "add", path: "/__proto__/polluted", value: true }] });
    expect(({} as Json).polluted).toBeUndefined();
  });

  it.each([
    {
      name: "a kind that is not mirrored",
      patch: { target: { kind: "StatefulSet" }, merge: {} },
      says: "spec.candidates[0].patches[0].target: the simulation mirrors no StatefulSet; name an object, or bring one with replace",
    },
    {
      name: "an object that is not there",
      patch: { target: { ...HPA, name: "other" }, merge: {} },
      says: "spec.candidates[0].patches[0].target: there is no HorizontalPodAutoscaler inference/other; name one that is mirrored",
    },
    {
      name: "an operation that can't be done",
      patch: { target: HPA, json6902: [{ op: "remove", path: "/spec/nothing/here" }] },
      says: "spec.candidates[0].patches[0].json6902[0]: remove /spec/nothing/here can't be done: there is nothing at this path",
    },
    {
      name: "a test that fails",
      patch: { target: HPA, json6902: [{ op: "test", path: "/spec/minReplicas", value: 7 }] },
      says: "spec.candidates[0].patches[0].json6902[0]: test /spec/minReplicas can't be done: the value there is another",
    },
    {
      name: "another object's name",
      patch: { target: HPA, merge: { metadata: { name: "other" } } },
      says: "spec.candidates[0].patches[0].merge.metadata.name: is other, not vllm-llama-8b; set it to vllm-llama-8b",
    },
    {
      name: "a manifest without a name",
      patch: { target: { kind: "ScaledObject" }, replace: { kind: "ScaledObject", metadata: {} } },
      says: "spec.candidates[0].patches[0].replace.metadata.name: is required; set it to the object's name",
    },
    {
      name: "more of the simulation than its overrides",
      patch: { target: { kind: "InferenceSimulation" }, merge: { spec: { run: { seed: 2 } } } },
      says: "spec.candidates[0]: changes more of the simulation than spec.overrides; keep traffic, run and objectives as they are",
    },
    {
      name: "an override that can't be",
      patch: { target: { kind: "InferenceSimulation" }, merge: { spec: { overrides: { replicas: -1 } } } },
      says: "spec.candidates[0]: spec.overrides.replicas: must be at least 0, got -1",
    },
    {
      name: "two kinds of patch in one",
      patch: { target: HPA, merge: {}, replace: {} },
      says: "spec.candidates[0].patches[0]: exactly one of merge, json6902 and replace must be set",
    },
  ])("refuses $name, at its field", ({ patch, says }) => expect(change(patch).problems).toEqual([says]));
});
