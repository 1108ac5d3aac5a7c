import { describe, expect, it } from "vitest";
import { objectText } from "../../src/model/object-text.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { WATCHED_KINDS } from "../../src/store/kinds.ts";
import { manifestStore, readManifests } from "../../src/store/manifests.ts";
import { StoreError } from "../../src/store/store.ts";
import { refOf } from "../../src/twin/manifest.ts";

const object = (apiVersion: string, kind: string, name: string, rest = ""): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata:\n  name: ${name}\n${rest}`;
const SIMULATION = "servetwin.dev/v1alpha1";
const told = (text: string): string[] => readManifests(text, "a.yaml").problems.map(describeProblem);

describe("readManifests", () => {
  it("says of each object where it begins, and puts the namespace in where there is one", () => {
    const text = `# head\n---\n${object("apps/v1", "Deployment", "a")}---\n${object("v1", "Node", "node-1")}---\n${object("v1", "Service", "s", "  namespace: x\n")}`;
    const { objects, problems } = readManifests(text, "a.yaml");
    expect(problems).toEqual([]);
    expect(objects.map(({ object, file, line }) => [object.kind, object.metadata.namespace, file, line])).toEqual([
      ["Deployment", "default", "a.yaml", 3],
      ["Node", undefined, "a.yaml", 8],
      ["Service", "x", "a.yaml", 13],
    ]);
  });

  it("unfolds Lists, typed ones too, and keeps fields that it does not know", () => {
    const list = readManifests(
      "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n  data: {k: v}\n- apiVersion: example.com/v1\n  kind: Thing\n  metadata: {name: b}\n  strange: [1]\n",
      "a.yaml",
    );
    expect(list.objects.map(({ object, line }) => [object.kind, line])).toEqual([
      ["ConfigMap", 4],
      ["Thing", 8],
    ]);
    expect(list.objects[1]?.object.strange).toEqual([1]);
    const typed = readManifests(
      '{"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "a"}}]}',
      "a.json",
    );
    expect(typed.objects[0]?.object).toMatchObject({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "a" },
    });
  });

  it.each<[string, string, RegExp]>([
    [
      "no name",
      "\napiVersion: v1\nkind: Pod\nmetadata: {generateName: x-}\n",
      /^a.yaml:2: metadata.name: .*Pod is missing/,
    ],
    ["no metadata", "apiVersion: v1\nkind: Pod\n", /^a.yaml:1: metadata.name: /],
    ["a name that is a number", "apiVersion: v1\nkind: Pod\nmetadata: {name: 5}\n", /must be text, not 5/],
    [
      "a namespace that is none",
      "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: on}\n",
      /metadata.namespace .*must be text, not true/,
    ],
    ["no kind", "apiVersion: v1\nmetadata: {name: a}\n", /kind is missing/],
    ["no apiVersion", "kind: Pod\nmetadata: {name: a}\n", /apiVersion is missing; .*apps\/v1/],
    ["an item that is none", "apiVersion: v1\nkind: List\nitems:\n- 5\n", /^a.yaml:4: .*no Kubernetes object/],
    ["a text", "hello\n", /^a.yaml:1: .*no Kubernetes object/],
    ["Helm's values", "image: {tag: x}\n", /no Kubernetes object/],
    ["malformed YAML", "a: 1\n- b\n", /^a.yaml:2: this is no YAML that can be read/],
  ])("one problem for %s", (_name, text, message) => {
    const problems = told(text);
    expect(problems.filter((problem) => !problem.includes("YAML 1.1"))).toHaveLength(1);
    expect(problems[0]).toMatch(message);
    expect(readManifests(text, "a.yaml").objects).toEqual([]);
  });

  it.each<[string, string, string, string | undefined]>([
    ["error", SIMULATION, "InferenceSimulaton", "did you mean InferenceSimulation?"],
    ["error", SIMULATION, "Sweep", "there is: InferenceSimulation"],
    ["warning", "autoscaling/v2", "HorizontalPodAutoscalar", "did you mean HorizontalPodAutoscaler?"],
    ["warning", "apps/v1", "Deploymnt", "did you mean Deployment?"],
    ["warning", "v1", "Deployment", "did you mean apps/v1?"],
    ["warning", "autoscalling/v2", "HorizontalPodAutoscaler", "did you mean autoscaling/v2?"],
    ["warning", "autoscaling/v1", "HorizontalPodAutoscaler", "convert it to autoscaling/v2"],
  ])("%s: %s %s", (severity, apiVersion, kind, fix) => {
    const { objects, problems } = readManifests(object(apiVersion, kind, "a"), "a.yaml");
    expect(objects).toHaveLength(1);
    expect(problems).toMatchObject([{ severity, fix, object: `${kind}/default/a`, file: "a.yaml", line: 1 }]);
  });

  it.each([
    ["v1", "Service"],
    ["v1", "Pod"],
    ["apps/v1", "StatefulSet"],
    ["serving.kserve.io/v1beta1", "InferenceService"],
    ["serving.knative.dev/v1", "Service"],
    ["keda.sh/v1alpha1", "ScaledObject"],
    ["example.com/v1", "Deploy"],
    ["kustomize.config.k8s.io/v1beta1", "Kustomization"],
  ])("not a word of %s %s", (apiVersion, kind) => expect(told(object(apiVersion, kind, "a"))).toEqual([]));

  it("refuses more than 10 MiB", () => {
    expect(told(`# ${"x".repeat(10 * 2 ** 20)}`)).toEqual(["a.yaml: holds more than 10 MiB; split it"]);
  });
});

describe("kinds of gateways", () => {
  it.each([
    ["serving.knative.dev/v1", "Service"],
    ["gateway.networking.k8s.io/v1alpha2", "TCPRoute"],
    ["gateway.networking.k8s.io/v1", "Gateway"],
    ["monitoring.coreos.com/v1", "Prometheus"],
    ["monitoring.coreos.com/v1alpha1", "ScrapeConfig"],
    ["llm-d.ai/v1alpha2", "InferenceModelRewrite"],
    ["inference.networking.x-k8s.io/v1alpha1", "InferencePoolImport"],
    ["inference.networking.x-k8s.io/v1alpha2", "InferencePool"],
    ["inference.networking.k8s.io/v1", "InferencePool"],
  ])("%s %s is no slip of another", (apiVersion, kind) => expect(told(object(apiVersion, kind, "a"))).toEqual([]));

  it.each([
    ["inference.networking.k8s.io/v1", "InferencPool", /did you mean InferencePool/],
    ["inference.networking.k8s.io/v1beta1", "InferencePool", /read as if it were inference.networking.k8s.io\/v1/],
    ["v1", "InferencePool", /did you mean inference.networking.k8s.io\/v1/],
    ["gateway.networking.k8s.io/v1", "HTTPRoutes", /did you mean HTTPRoute/],
  ])("%s %s is one", (apiVersion, kind, says) => {
    const problems = told(object(apiVersion, kind, "a"));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(says);
  });
});

describe("manifestStore", () => {
  const text = [
    object("apps/v1", "Deployment", "b"),
    object("apps/v1", "Deployment", "a", "  namespace: zoo\n"),
    object("apps/v1", "Deployment", "a-b"),
    object(SIMULATION, "InferenceSimulation", "s", "spec: {mode: Preview}\nstatus: {phase: Old}\n"),
    object("v1", "ConfigMap", "c", "data: {t: äb}\nbinaryData: {b: AP8=}\n"),
    object("example.com/v1", "Deployment", "other"),
  ].join("---\n");
  const ref = { apiVersion: SIMULATION, kind: "InferenceSimulation", namespace: "default", name: "s" };

  it("lists in order of namespace and name, of a kind only what a cluster would", () => {
    const store = manifestStore([{ file: "a.yaml", text }], ".");
    const names = (namespace?: string) =>
      store.list("Deployment", namespace).map(({ object: { metadata } }) => `${metadata.namespace}/${metadata.name}`);
    expect(names()).toEqual(["default/a-b", "default/b", "zoo/a"]);
    expect(names("zoo")).toEqual(["zoo/a"]);
    expect(names("none")).toEqual([]);
    expect(store.list("ConfigMap")).toHaveLength(1);
    expect(store.list("Pod")).toEqual([]);
  });

  it("lists a kind that is watched in two groups as one, and no stranger of its name", () => {
    const pools = [
      object("inference.networking.x-k8s.io/v1alpha2", "InferencePool", "b"),
      object("inference.networking.k8s.io/v1", "InferencePool", "c"),
      object("inference.networking.k8s.io/v1", "InferencePool", "b"),
      object("inference.networking.x-k8s.io/v1alpha2", "InferencePool", "a"),
      object("example.com/v1", "InferencePool", "other"),
    ].join("---\n");
    const store = manifestStore([{ file: "a.yaml", text: pools }]);
    expect(store.problems).toEqual([]);
    expect(store.list("InferencePool").map(({ object: { metadata } }) => metadata.name)).toEqual(["a", "b", "b", "c"]);
  });

  it("keeps the status that is written, not one that was copied from a cluster", async () => {
    const store = manifestStore([{ file: "a.yaml", text }]);
    expect(store.get(ref)?.object).not.toHaveProperty("status");
    expect(store.get(ref)?.object.metadata.generation).toBe(1);
    const heard: string[] = [];
    store.onChange(({ name }) => heard.push(name));
    await store.writeStatus(ref, { phase: "Running" });
    expect(store.get(ref)?.object.status).toEqual({ phase: "Running" });
    expect(store.get(ref)?.object.metadata.generation).toBe(1);
    expect(heard).toEqual(["s"]);
    await expect(store.writeStatus({ ...ref, name: "x" }, {})).rejects.toMatchObject({ kind: "gone" });
    await expect(store.writeStatus({ ...ref, name: "x" }, {})).rejects.toBeInstanceOf(StoreError);
  });

  it("reads keys of ConfigMaps as bytes", async () => {
    const store = manifestStore([{ file: "a.yaml", text }]);
    expect(await store.configMapKey("default", "c", "t")).toEqual(Buffer.from("äb"));
    expect(await store.configMapKey("default", "c", "b")).toEqual(Buffer.from([0, 255]));
    expect(await store.configMapKey("default", "c", "toString")).toBeUndefined();
    expect(await store.configMapKey("default", "x", "t")).toBeUndefined();
  });

  it("names both places of what is said twice, and takes the first", () => {
    const twice = (image: string): string => object("apps/v1", "Deployment", "a", `spec: {image: ${image}}\n`);
    const store = manifestStore([
      { file: "1.yaml", text: twice("one") },
      { file: "2.yaml", text: `---\n${twice("two")}` },
    ]);
    expect(
      store.get({ apiVersion: "apps/v1", kind: "Deployment", namespace: "default", name: "a" })?.object.spec,
    ).toEqual({ image: "one" });
    expect(store.problems.map(describeProblem)).toEqual([
      "2.yaml:2: Deployment/default/a: is defined here and in 1.yaml:1, which is the one that counts; remove one of them, or give it another name or namespace",
    ]);
    expect(store.problems[0]?.severity).toBe("error");
  });
});

describe("an object's name for people", () => {
  it.each(WATCHED_KINDS)("has the namespace of a $kind if it has one", ({ apiVersion, kind, clusterScoped }) => {
    const read = readManifests(object(apiVersion, kind, "a"), "a.yaml").objects[0]?.object;
    const wanted = clusterScoped === true ? `${kind}/a` : `${kind}/default/a`;
    expect(read && objectText(refOf(read))).toBe(wanted);
    const { namespace = "", name } = read?.metadata ?? { name: "" };
    expect(objectText({ kind, namespace, name })).toBe(wanted);
  });
});
