import { describe, expect, it } from "vitest";
import { emptyHeld, type Held } from "../../src/operator/held.ts";
import { read } from "../../src/operator/read.ts";
import { Relevance } from "../../src/operator/relevance.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { WATCHED_KINDS } from "../../src/store/kinds.ts";
import { ManifestObjects } from "../../src/store/manifest-objects.ts";
import { manifestStore, readManifests } from "../../src/store/manifests.ts";
import type { Store } from "../../src/store/store.ts";

const deployment = (name: string, more = "") => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: a }
spec:
  replicas: 2
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      nodeSelector: { nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3 }
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.11.0
          args: ["--model=meta-llama/Llama-3.1-8B-Instruct"]
          resources: { limits: { nvidia.com/gpu: "1" } }
${more}`;
const hpa = (name: string, target: string, most = 4) => `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: ${name}, namespace: a }
spec:
  maxReplicas: ${most}
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: ${target} }
  metrics:
    - { type: Pods, pods: { metric: { name: vllm:num_requests_waiting }, target: { type: AverageValue, averageValue: "2" } } }
`;
const simulation = (name: string, workload: string, namespace = "a") => `
apiVersion: servetwin.dev/v1alpha1
kind: InferenceSimulation
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  mirror: { workloads: [{ kind: Deployment, name: ${workload} }] }
  workload: { profile: { preset: chatbot, rate: 1 } }
`;
const first = [
  deployment("one"),
  deployment("two"),
  hpa("one", "one"),
  simulation("sim", "one"),
  simulation("other", "two"),
];

/** The objects as the texts have them, before and after a change, as a store would hold them. */
const world = async (texts: readonly string[] = first) => {
  const objects = new ManifestObjects(WATCHED_KINDS);
  const set = (next: readonly string[]) => objects.replace(next.map((text, i) => readManifests(text, `${i}.yaml`)));
  set(texts);
  const held = new Map<string, Held>();
  const store = { get: (ref) => objects.get(ref), list: (kind, namespace) => objects.list(kind, namespace) } as Store;
  for (const stored of objects.list("InferenceSimulation")) {
    const key = `${stored.object.metadata.namespace}/${stored.object.metadata.name}`;
    const parts = {
      store: manifestStore(texts.map((text, i) => ({ file: `${i}.yaml`, text }))),
      limits: DEFAULT_LIMITS,
    };
    const found = await read(stored, { ...parts, allowedUrls: [], mirrorNamespaces: [] });
    const one = emptyHeld(key);
    held.set(key, one);
    if (!found.ok) one.problems = found.problems;
    else
      Object.assign(one, {
        simulation: found.value.simulation,
        scenario: found.value.scenario,
        reads: found.value.reads,
      });
  }
  const relevance = new Relevance(store, held, []);
  // What was there when it began to lead has been seen once.
  for (const { kind, apiVersion } of WATCHED_KINDS) {
    for (const { object } of objects.list(kind)) {
      if (object.apiVersion !== apiVersion) continue;
      const { namespace = "", name } = object.metadata;
      relevance.concerned({ apiVersion, kind, namespace, name });
    }
  }
  const change = (next: readonly string[]): string[] => [
    ...new Set(set(next).flatMap((ref) => relevance.concerned(ref))),
  ];
  return { change, relevance, objects, held };
};

const without = (text: string, ...put: readonly string[]) => [...first.filter((one) => one !== text), ...put];

describe("a change", () => {
  it.each([
    ["of a mirrored Deployment", without(deployment("one"), deployment("one", "  minReadySeconds: 5")), ["a/sim"]],
    ["of an autoscaler that was read", without(hpa("one", "one"), hpa("one", "one", 9)), ["a/sim"]],
    ["of one that leaves its workload", without(hpa("one", "one"), hpa("one", "elsewhere")), ["a/sim"]],
    ["that deletes it", without(hpa("one", "one")), ["a/sim"]],
    ["of one that comes to a workload", [...first, hpa("two", "two")], ["a/other"]],
    ["of one for somebody else", [...first, hpa("three", "three")], []],
    ["of a Deployment that nobody mirrors", [...first, deployment("three")], []],
    [
      "of a router that comes",
      [...first, deployment("three").replace("--model=meta-llama/Llama-3.1-8B-Instruct", "--routing-logic=session")],
      ["a/other", "a/sim"],
    ],
    ["of a simulation", without(simulation("sim", "one"), simulation("sim", "two")), ["a/sim"]],
    ["that adds one elsewhere", [...first, simulation("far", "one", "b")], ["b/far"]],
  ])("%s", async (_, next, concerned) => {
    const { change } = await world();
    expect(change(next)).toEqual(concerned);
  });

  it("concerns whoever could not be read, and whoever is being read", async () => {
    const { change, held } = await world([...first, simulation("lost", "nobody")]);
    (held.get("a/other") as Held).reading = true;
    expect(change([...first, simulation("lost", "nobody"), deployment("three")])).toEqual(["a/lost", "a/other"]);
  });

  it("of a status alone concerns nobody, and once more neither", async () => {
    const { relevance, objects } = await world();
    const ref = { apiVersion: "servetwin.dev/v1alpha1", kind: "InferenceSimulation", namespace: "a", name: "sim" };
    objects.setStatus(ref, { phase: "Running" });
    expect(relevance.concerned(ref)).toEqual([]);
  });
});
