import { isMapping } from "../../../model/mapping.ts";
import { objectText } from "../../../model/object-text.ts";
import type { Problem } from "../../../model/problem.ts";
import { type Composite, compositeReader, type MadeObject, type Origin } from "../../composite.ts";
import {
  listIn,
  madeBy,
  mergedSpecs,
  numberIn,
  type Said,
  saidIn,
  textIn,
  withContainer,
  withDefaults,
} from "../../made-spec.ts";
import { type Manifest, type ObservedCluster, refOf } from "../../manifest.ts";
import { kvOffloadingOf } from "./kv-offloading.ts";
import { type LoraWords, loraWordsOf, saysModules } from "./llm-lora.ts";
import { poolLabels, routerOf } from "./llm-picker.ts";
import { replicasOf, scalerOf } from "./llm-scaler.ts";
import { type ManagedDevices, managedDevicesOf } from "./managed-devices.ts";
import { modelSourceOf } from "./model-source.ts";

/**
 * KServe's LLMInferenceService: a Deployment or LeaderWorkerSet that decodes, perhaps another that prefills, their autoscalers,
 * and an InferencePool with its endpoint picker.
 * Source: KServe v0.20 (its main of 21 August 2026, aaac4e29), config/llmisvcconfig/*.yaml and pkg/controller/v1alpha2/llmisvc.
 */
export const llmInferenceService = compositeReader({
  kind: "LLMInferenceService",
  group: "serving.kserve.io",
  summary: "what KServe makes of an LLMInferenceService: decode and prefill, their autoscalers and endpoint picker",
  controller: "KServe v0.20",
  render: (manifest, cluster) => {
    const problems: Problem[] = [];
    return { ...new LlmRenderer(manifest, specOf(manifest, cluster, problems), problems).all(), problems };
  },
});

/** Where KServe's own configurations are, and how they are called (config_merge.go). */
const SYSTEM = "kserve";
const WELL_KNOWN = "kserve-config-llm-";

/** Configurations that the service builds on are merged below its own spec, later ones over earlier ones. */
const specOf = (manifest: Manifest, cluster: Pick<ObservedCluster, "get">, problems: Problem[]): Said => {
  const spec = saidIn(manifest, "spec");
  const { namespace } = refOf(manifest);
  const bases = listIn(spec, "baseRefs").map((ref, i): Said => {
    const name = textIn(ref, "name") ?? "";
    const base = [namespace, SYSTEM]
      .flatMap((place) => cluster.get("LLMInferenceServiceConfig", place, name) ?? [])
      .at(0);
    if (base !== undefined) return saidIn(base, "spec");
    // What KServe brings itself is simulated whether it is named or not.
    if (name.startsWith(WELL_KNOWN)) return {};
    problems.push({
      severity: "warning",
      reason: "ConfigNotFound",
      object: objectText(refOf(manifest)),
      field: `spec.baseRefs[${i}].name`,
      message: `builds on LLMInferenceServiceConfig ${name}, which is neither in namespace ${namespace} nor in ${SYSTEM}: what it says is not simulated`,
      fix: "mirror it too",
    });
    return {};
  });
  return mergedSpecs(
    bases.reduce((all, one) => mergedSpecs(all, one), {}),
    spec,
  );
};

interface Part {
  /** The service's spec, or its prefill's. */
  readonly said: Said;
  /** `spec` or `spec.prefill`. */
  readonly path: string;
  readonly role: "decode" | "prefill" | "both";
}

/** A flag whose value a field of the spec says. */
interface SpecFlag {
  readonly flag: string;
  /** Of the variable that carries it. */
  readonly name: string;
  readonly value: string;
  readonly from: string;
}

/** Takes the pool's requests in front of a server that decodes. */
const ROUTING_SIDECAR = { name: "llm-d-routing-sidecar", restartPolicy: "Always", ports: [{ containerPort: 8000 }] };

const GRACE = 60;
const PRE_STOP = 15;

class LlmRenderer {
  readonly #maker: Manifest;
  readonly #spec: Said;
  readonly #model: string;
  readonly #lora: LoraWords;
  readonly #devices: ManagedDevices | undefined;
  readonly #problems: Problem[];

  constructor(maker: Manifest, spec: Said, problems: Problem[]) {
    this.#maker = maker;
    this.#spec = spec;
    this.#problems = problems;
    this.#model = textIn(saidIn(spec, "model"), "name") ?? maker.metadata.name;
    this.#devices = managedDevicesOf(maker);
    const { namespace } = refOf(maker);
    this.#lora = loraWordsOf(spec, { namespace, model: this.#model, object: objectText(refOf(maker)) }, problems);
  }

  all(): Omit<Composite, "problems"> {
    const prefill = this.#spec.prefill;
    const parts: Part[] = [{ said: this.#spec, path: "spec", role: isMapping(prefill) ? "decode" : "both" }];
    if (isMapping(prefill)) parts.push({ said: prefill, path: "spec.prefill", role: "prefill" });
    const workloads = parts.map((part) => this.#workload(part));
    const scalers = parts.flatMap((part, i) => {
      const scaling = part.said.scaling;
      if (!isMapping(scaling)) return [];
      const target = (workloads[i] as MadeObject).manifest;
      const name = `${this.#maker.metadata.name}-kserve${part.role === "prefill" ? "-prefill" : ""}`;
      return scalerOf(this.#maker, { scaling, path: `${part.path}.scaling`, target, name, model: this.#model });
    });
    const devices = this.#devices === undefined ? [] : [this.#devices.template];
    return { workloads, others: [...scalers, ...devices, ...routerOf(this.#maker, this.#spec)] };
  }

  #workload(part: Part): MadeObject {
    const { said, path, role } = part;
    const isGroup = isMapping(said.worker);
    const suffix = `${isGroup ? "-mn" : ""}${role === "prefill" ? "-prefill" : ""}`;
    const labels = { ...poolLabels(this.#maker.metadata.name), "llm-d.ai/role": role, ...labelsIn(said) };
    const metadata = madeBy(this.#maker, `${this.#maker.metadata.name}-kserve${suffix}`, labels);
    const pod = this.#pod(part);
    const at = isGroup ? "spec.leaderWorkerTemplate.leaderTemplate" : "spec.template";
    const claiming = (spec: Said): Said => this.#devices?.into(spec) ?? spec;
    const template = { metadata: { labels, annotations: saidIn(said, "annotations") }, spec: claiming(pod.spec) };
    const replicas = replicasOf(said);
    const origins: Origin[] = [
      { made: "spec.replicas", from: `${path}.${said.replicas === undefined ? "scaling.minReplicas" : "replicas"}` },
      { made: "metadata", from: "metadata" },
      { made: `${at}.spec`, from: `${path}.template` },
      ...pod.origins(`${at}.spec`),
    ];
    if (!isGroup) {
      const manifest = {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata,
        spec: { replicas, selector: { matchLabels: labels }, template, strategy: rollingIn(said) },
      };
      return { manifest, origins, template: this.#templateOf(role, false) };
    }
    const { data, local, pipeline } = parallelismIn(said);
    const worker = { metadata: template.metadata, spec: claiming(saidIn(said, "worker")) };
    const size = pipeline ?? Math.max(1, Math.ceil((data ?? 1) / (local ?? 1)));
    const manifest = {
      apiVersion: "leaderworkerset.x-k8s.io/v1",
      kind: "LeaderWorkerSet",
      metadata,
      spec: { replicas, leaderWorkerTemplate: { size, leaderTemplate: template, workerTemplate: worker } },
    };
    origins.push({ made: "spec.leaderWorkerTemplate.workerTemplate.spec", from: `${path}.worker` });
    return { manifest, origins, template: this.#templateOf(role, true) };
  }

  #templateOf(role: Part["role"], group: boolean): string {
    const part = role === "both" ? "" : `${role}-`;
    return `kserve-config-llm-${part}${group ? "worker-data-parallel" : "template"}`;
  }

  /** @returns the spec of its pods, and which of its fields are taken from outside the part's own template */
  #pod({ said, path, role }: Part): { readonly spec: Said; readonly origins: (at: string) => readonly Origin[] } {
    const user = saidIn(said, "template");
    const port = role === "decode" ? 8001 : 8000;
    const source = modelSourceOf(textIn(saidIn(this.#spec, "model"), "uri") ?? "");
    const place = { object: objectText(refOf(this.#maker)), field: `${path}.kvCacheOffloading` };
    const offloading = kvOffloadingOf(said, place, this.#problems);
    const flags = this.#flags(said, path, offloading.config);
    let first = 0;
    let lora: LoraWords = [];
    let own: readonly unknown[] = [];
    const { containers, index } = withContainer(listIn(user, "containers"), "main", (main) => {
      const env = listIn(main, "env");
      first = env.length;
      lora = this.#loraOf(main, path);
      own = Array.isArray(main.args) ? main.args : [];
      return {
        image: "ghcr.io/llm-d/llm-d-cuda:v0.9.0",
        ...probes(port),
        ...(Array.isArray(main.command) ? {} : { command: ["/bin/bash", "-c", this.#script(port, user, flags), "--"] }),
        ...main,
        ...(lora.length === 0 ? {} : { args: [...lora.map(({ text }) => text), ...own] }),
        env: withDefaults([...env, ...flags.map(({ name, value }) => ({ name, value }))], ENVIRONMENT),
        volumeMounts: withDefaults(listIn(main, "volumeMounts"), [...source.mounts, ...offloading.mounts, ...MOUNTS]),
      };
    });
    const spec = {
      terminationGracePeriodSeconds: GRACE,
      ...user,
      containers,
      initContainers: withDefaults(listIn(user, "initContainers"), [
        ...source.initContainers,
        ...(role === "decode" ? [ROUTING_SIDECAR] : []),
      ]),
      volumes: withDefaults(listIn(user, "volumes"), [...source.volumes, ...offloading.volumes, ...VOLUMES]),
    };
    const initial = listIn(user, "initContainers").length;
    return {
      spec,
      origins: (at) => [
        ...flags.map(({ from }, i) => ({ made: `${at}.containers[${index}].env[${first + i}].value`, from })),
        { made: `${at}.initContainers[${initial}].args[0]`, from: "spec.model.uri" },
        ...lora.map(({ from }, i) => ({ made: `${at}.containers[${index}].args[${i}]`, from })),
        // The user's come behind them, and so win.
        ...(lora.length === 0 ? [] : own).map((_, i) => ({
          made: `${at}.containers[${index}].args[${lora.length + i}]`,
          from: `${path}.template.containers[${index}].args[${i}]`,
        })),
      ],
    };
  }

  #loraOf(main: Said, path: string): LoraWords {
    if (this.#lora.length === 0 || !saysModules(main)) return this.#lora;
    this.#problems.push({
      severity: "warning",
      reason: "Contradiction",
      object: objectText(refOf(this.#maker)),
      field: "spec.model.lora",
      message: `container main of ${path}.template says --lora-modules itself: KServe adds nothing there, neither adapters nor their bounds`,
      fix: "say it in one place",
    });
    return [];
  }

  /** Flags that are taken from the spec go in by variables, so that each is known by its field. */
  #flags(said: Said, path: string, kvTransfer: string | undefined): readonly SpecFlag[] {
    const parallelism = parallelismIn(said);
    const flag = (name: string, key: string, value: unknown, from = `${path}.parallelism.${key}`) =>
      value === undefined ? [] : [{ flag: name, name: `KSERVE_${key.toUpperCase()}`, value: String(value), from }];
    const group = isMapping(said.worker) && parallelism.pipeline === undefined;
    return [
      ...flag("--served-model-name", "name", this.#model, "spec.model.name"),
      ...flag("--tensor-parallel-size", "tensor", parallelism.tensor),
      ...flag("--pipeline-parallel-size", "pipeline", parallelism.pipeline),
      ...(group ? flag("--data-parallel-size", "data", parallelism.data ?? 1) : []),
      ...(group ? flag("--data-parallel-size-local", "dataLocal", parallelism.local ?? 1) : []),
      // `eval` takes its quotes away.
      ...(kvTransfer === undefined
        ? []
        : flag("--kv-transfer-config", "kv_transfer", `'${kvTransfer}'`, `${path}.kvCacheOffloading`)),
    ];
  }

  #script(port: number, user: Said, flags: readonly SpecFlag[]): string {
    const grace = numberIn(user, "terminationGracePeriodSeconds") ?? GRACE;
    const said = flags.map(({ flag, name }) => `${flag} \${${name}}`).join(" ");
    const experts = saidIn(this.#spec, "parallelism").expert === true ? " --enable-expert-parallel" : "";
    const own = `--port ${port} --shutdown-timeout ${Math.max(0, grace - PRE_STOP)}${experts}`;
    return `eval "exec vllm serve /mnt/models ${said} ${own} \${VLLM_ADDITIONAL_ARGS:-} $@"`;
  }
}

const parallelismIn = (said: Said) => {
  const parallelism = saidIn(said, "parallelism");
  const [tensor, pipeline, data, local] = ["tensor", "pipeline", "data", "dataLocal"].map((key) =>
    numberIn(parallelism, key),
  );
  return { tensor, pipeline, data, local };
};

const labelsIn = (said: Said): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(saidIn(said, "labels")).map(([key, value]) => [key, String(value)]));

const rollingIn = (said: Said): unknown => {
  const strategy = said.rolloutStrategy;
  return isMapping(strategy) ? { type: "RollingUpdate", rollingUpdate: strategy } : undefined;
};

const ENVIRONMENT = [{ name: "HF_HUB_CACHE", value: "/models" }];
const MOUNTS = [
  { name: "home", mountPath: "/home" },
  { name: "dshm", mountPath: "/dev/shm" },
  { name: "model-cache", mountPath: "/models" },
];
const VOLUMES = [
  { name: "home", emptyDir: {} },
  { name: "dshm", emptyDir: { medium: "Memory", sizeLimit: "1Gi" } },
  { name: "model-cache", emptyDir: {} },
];

const probes = (port: number): Said => ({
  ports: [{ containerPort: port }],
  readinessProbe: { httpGet: { path: "/health", port }, periodSeconds: 1, failureThreshold: 2 },
  startupProbe: { httpGet: { path: "/health", port }, periodSeconds: 10, failureThreshold: 60 },
  lifecycle: { preStop: { exec: { command: ["/bin/sleep", String(PRE_STOP)] } } },
});
