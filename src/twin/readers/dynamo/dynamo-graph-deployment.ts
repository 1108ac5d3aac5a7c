import { isMapping, mappingOf } from "../../../model/mapping.ts";
import { objectText } from "../../../model/object-text.ts";
import type { Problem } from "../../../model/problem.ts";
import { type Composite, compositeReader, type MadeObject, type Origin } from "../../composite.ts";
import { listIn, madeBy, numberIn, type Said, saidIn, textIn, withContainer, withDefaults } from "../../made-spec.ts";
import { type Manifest, refOf } from "../../manifest.ts";

/**
 * NVIDIA Dynamo's DynamoGraphDeployment: a Deployment or LeaderWorkerSet of each worker. Its frontend is simulated as an
 * endpoint picker that does about the same. Source: Dynamo 1.3, deploy/operator/api/{v1alpha1,v1beta1} and
 * deploy/operator/internal/dynamo/graph.go.
 */
export const dynamoGraphDeployment = compositeReader({
  kind: "DynamoGraphDeployment",
  group: "nvidia.com",
  summary:
    "what Dynamo's operator makes of a DynamoGraphDeployment: its workers, and its frontend as an endpoint picker",
  controller: "Dynamo 1.3",
  render: (manifest) => new GraphRenderer(manifest).composite(),
});

interface Component {
  readonly name: string;
  /** `spec.services.Name` or `spec.components[0]`. */
  readonly path: string;
  readonly said: Said;
  readonly type: string;
  readonly role: "prefill" | "decode" | "both";
}

class GraphRenderer {
  readonly #manifest: Manifest;
  readonly #problems: Problem[] = [];

  constructor(manifest: Manifest) {
    this.#manifest = manifest;
  }

  composite(): Composite {
    const components = this.#components();
    const workers = components.filter(({ type }) => /^(worker|prefill|decode)$/.test(type));
    const prefills = workers.some(({ role }) => role === "prefill");
    // Beside workers that only prefill, the others decode.
    const roles = workers.map((one) => (prefills && one.role === "both" ? { ...one, role: "decode" as const } : one));
    for (const { type, path } of components) {
      if (type === "planner")
        this.#tell(
          path,
          "its planner is simulated where spec.overrides.autoscaler.controller is a dynamo-planner, not from here",
        );
      else if (type === "epp")
        this.#tell(path, "its own endpoint picker is not read; it is simulated as the frontend is");
    }
    const frontend = components.find(({ type }) => type === "frontend");
    return {
      workloads: roles.map((one) => this.#worker(one)),
      others: this.#frontend(frontend, prefills),
      problems: this.#problems,
    };
  }

  /** `services` by name in v1alpha1, a list of `components` in v1beta1. */
  #components(): readonly Component[] {
    const spec = saidIn(this.#manifest, "spec");
    const listed = listIn(spec, "components").map((said, i) => ({
      name: textIn(said, "name") ?? "",
      path: `spec.components[${i}]`,
      said,
    }));
    const named = Object.entries(saidIn(spec, "services")).map(([name, said]) => ({
      name,
      path: `spec.services.${name}`,
      said: mappingOf(said),
    }));
    return [...listed, ...named].map((one) => ({ ...one, ...kindOf(one.name, one.said) }));
  }

  #worker(component: Component): MadeObject {
    const { name, path, said, role } = component;
    const { namespace: _, ...metadata } = madeBy(
      this.#manifest,
      `${this.#manifest.metadata.name}-${name.toLowerCase()}`,
    );
    const labels = { ...graphLabels(this.#manifest), "nvidia.com/dynamo-component": name, "llm-d.ai/role": role };
    const { pod, origins } = podOf(said, path);
    const nodes = numberIn(saidIn(said, "multinode"), "nodeCount") ?? 1;
    const head = { metadata: { ...metadata, namespace: this.#manifest.metadata.namespace ?? "default", labels } };
    const template = { metadata: { labels }, spec: pod };
    const replicas = numberIn(said, "replicas") ?? 1;
    const moved = (at: string): readonly Origin[] => [
      { made: "spec.replicas", from: `${path}.replicas` },
      ...origins.map(({ made, from }) => ({ made: `${at}.${made}`, from })),
    ];
    if (nodes === 1) {
      const spec = { replicas, selector: { matchLabels: labels }, template };
      const manifest = { apiVersion: "apps/v1", kind: "Deployment", ...head, spec };
      return { manifest, origins: moved("spec.template"), template: "its operator's defaults" };
    }
    const spec = {
      replicas,
      leaderWorkerTemplate: { size: nodes, leaderTemplate: template, workerTemplate: template },
    };
    return {
      manifest: { apiVersion: "leaderworkerset.x-k8s.io/v1", kind: "LeaderWorkerSet", ...head, spec },
      origins: [
        ...moved("spec.leaderWorkerTemplate.leaderTemplate"),
        ...moved("spec.leaderWorkerTemplate.workerTemplate"),
        { made: "spec.leaderWorkerTemplate.size", from: `${path}.multinode.nodeCount` },
      ],
      template: "its operator's defaults",
    };
  }

  /** An endpoint picker and its pool in the place of the frontend's router. */
  #frontend(frontend: Component | undefined, prefills: boolean): readonly MadeObject[] {
    const { name } = this.#manifest.metadata;
    const mode = frontend === undefined ? "round-robin" : routerMode(frontend.said);
    this.#tell(
      frontend?.path ?? "spec",
      `Dynamo's router (${mode}) is simulated as an endpoint picker that ${mode === "kv" ? "prefers cached prefixes and few running requests" : "picks at random"}`,
      "say how requests are routed in spec.overrides.gateway",
    );
    const pool = `${name}-frontend`;
    const labels = { "nvidia.com/dynamo-graph-deployment-name": name, "nvidia.com/dynamo-component-type": "frontend" };
    const args = ["--pool-name", pool, "--config-text", JSON.stringify(pickerConfig(mode === "kv", prefills))];
    const made = (manifest: Manifest): MadeObject => ({ manifest, origins: [], template: "its frontend's router" });
    return [
      made({
        apiVersion: "inference.networking.k8s.io/v1",
        kind: "InferencePool",
        metadata: madeBy(this.#manifest, pool),
        spec: {
          selector: { matchLabels: graphLabels(this.#manifest) },
          targetPorts: [{ number: 8000 }],
          endpointPickerRef: { name: pool, port: { number: 9002 } },
        },
      }),
      made({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: madeBy(this.#manifest, pool, labels),
        spec: {
          replicas: 1,
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: "frontend", command: ["/app/epp"], args }] } },
        },
      }),
    ];
  }

  #tell(field: string, message: string, fix?: string): void {
    const object = objectText(refOf(this.#manifest));
    const more = fix === undefined ? {} : { fix };
    this.#problems.push({ severity: "warning", reason: "NotModelled", object, field, message, ...more });
  }
}

const graphLabels = ({ metadata }: Manifest) => ({
  "nvidia.com/dynamo-graph-deployment-name": metadata.name,
  "nvidia.com/dynamo-component-type": "worker",
});

/** What a component is, and what a worker is for: by its type and sub-type, else by its own flags. */
const kindOf = (name: string, said: Said): Pick<Component, "type" | "role"> => {
  const type =
    textIn(said, "componentType") ?? textIn(said, "type") ?? (/^frontend$/i.test(name) ? "frontend" : "worker");
  const sub = textIn(said, "subComponentType") ?? type;
  const container = mainOf(said);
  const args = [...listOf(container.command), ...listOf(container.args)].join(" ");
  const prefills = sub === "prefill" || /--is-prefill-worker\b|--disaggregation-mode[ =]prefill\b/.test(args);
  const decodes = sub === "decode" || /--is-decode-worker\b|--disaggregation-mode[ =]decode\b/.test(args);
  return { type, role: prefills ? "prefill" : decodes ? "decode" : "both" };
};

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);

const mainOf = (said: Said): Said => {
  const containers = listIn(saidIn(said, "podTemplate", "spec"), "containers");
  return containers.find(({ name }) => name === "main") ?? saidIn(said, "extraPodSpec", "mainContainer");
};

const routerMode = (said: Said): string => {
  const env = [...listIn(said, "envs"), ...listIn(mainOf(said), "env")];
  const byEnv = env.find(({ name }) => name === "DYN_ROUTER_MODE")?.value;
  const args = [...listOf(mainOf(said).command), ...listOf(mainOf(said).args)].join(" ");
  const [, byFlag] = /--router-mode[ =]["']?([a-z-]+)/.exec(args) ?? [];
  return byFlag ?? (typeof byEnv === "string" ? byEnv : "round-robin");
};

/** A pod's spec, and where its fields are from: below `spec.template`. */
const podOf = (said: Said, path: string): { readonly pod: Said; readonly origins: readonly Origin[] } => {
  if (isMapping(said.podTemplate)) {
    const pod = saidIn(said, "podTemplate", "spec");
    const { containers } = withContainer(listIn(pod, "containers"), "main", (main) => ({ ...PROBES, ...main }));
    return { pod: { ...pod, containers }, origins: [{ made: "spec", from: `${path}.podTemplate.spec` }] };
  }
  const { mainContainer: _, ...rest } = saidIn(said, "extraPodSpec");
  const gpus = textIn(saidIn(said, "resources", "limits"), "gpu");
  const { containers, index } = withContainer(listIn(rest, "containers"), "main", (main) => ({
    ...PROBES,
    ...Object.fromEntries(Object.keys(PROBES).flatMap((key) => (isMapping(said[key]) ? [[key, said[key]]] : []))),
    ...main,
    ...mainOf(said),
    env: withDefaults(listIn(mainOf(said), "env"), listIn(said, "envs")),
    ...(gpus === undefined ? {} : { resources: { limits: { "nvidia.com/gpu": gpus } } }),
  }));
  const container = `spec.containers[${index}]`;
  return {
    pod: { ...rest, containers },
    origins: [
      { made: "spec", from: `${path}.extraPodSpec` },
      { made: container, from: `${path}.extraPodSpec.mainContainer` },
      { made: `${container}.resources.limits["nvidia.com/gpu"]`, from: `${path}.resources.limits.gpu` },
    ],
  };
};

/** Of a worker's system server, where nothing else is said (ai-dynamo, deploy/operator/internal/dynamo/component_worker.go). */
const PROBES: Said = {
  readinessProbe: {
    httpGet: { path: "/health", port: 9090 },
    periodSeconds: 10,
    timeoutSeconds: 4,
    failureThreshold: 3,
  },
  startupProbe: { httpGet: { path: "/live", port: 9090 }, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 720 },
};

/** Prefixes count by Dynamo's overlap weight, load by its active blocks (lib/kv-router, kv_router cost function). */
const pickerConfig = (byPrefix: boolean, prefills: boolean): Said => {
  const scorers = byPrefix ? ["prefix-cache-scorer", "active-request-scorer"] : [];
  const picker = byPrefix ? "max-score-picker" : "random-picker";
  const scored = [...scorers.map((pluginRef) => ({ pluginRef, weight: 1 })), { pluginRef: picker }];
  const types = [...scorers, picker].map((type) => ({ type }));
  const head = { apiVersion: "llm-d.ai/v1alpha1", kind: "EndpointPickerConfig" };
  if (!prefills) {
    const plugins = [{ type: "single-profile-handler" }, ...types];
    return { ...head, plugins, schedulingProfiles: [{ name: "default", plugins: scored }] };
  }
  return {
    ...head,
    plugins: [
      ...["prefill-filter", "decode-filter", "always-disagg-pd-decider"].map((type) => ({ type })),
      ...types,
      { type: "disagg-profile-handler", parameters: { deciders: { prefill: "always-disagg-pd-decider" } } },
    ],
    schedulingProfiles: ["prefill", "decode"].map((name) => ({
      name,
      plugins: [{ pluginRef: `${name}-filter` }, ...scored],
    })),
  };
};
