import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../src/twin/manifest.ts";
import type { WorkloadReading } from "../../../src/twin/reader.ts";
import { deployment as reader } from "../../../src/twin/readers/kubernetes/deployment.ts";

const deployment = { read: (one: Manifest) => reader.read(one, { get: () => undefined }) };

const engine = {
  name: "vllm",
  image: "vllm/vllm-openai:v0.22.0",
  args: ["--model", "a/b"],
  resources: { limits: { "nvidia.com/gpu": 1 } },
  readinessProbe: { httpGet: { path: "/health", port: 8000 } },
};
const manifest = (pod: object, template: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "app", namespace: "ns" },
  spec: { template: { ...template, spec: { containers: [engine], ...pod } } },
});
const read = (pod: object, template: object = {}): WorkloadReading => {
  const result = deployment.read(manifest(pod, template));
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const fieldOf = (known: { from: { kind: string } } | undefined): string | undefined =>
  known?.from.kind === "field" ? (known.from as unknown as { field: string }).field : undefined;

describe("the engine's container", () => {
  const sidecar = { name: "proxy", image: "envoy" };
  const idle = { name: "router", command: ["vllm", "serve", "x/y"] };
  it.each([
    { name: "the only one", containers: [engine], container: "vllm" },
    { name: "behind a sidecar", containers: [sidecar, engine], container: "vllm" },
    { name: "the one with a GPU among two that run vLLM", containers: [idle, engine], container: "vllm" },
    { name: "without a GPU if none has one", containers: [sidecar, idle], container: "router" },
  ])("$name", ({ containers, container }) => expect(read({ containers }).container.value).toBe(container));
});

describe("replicas", () => {
  it("are 1 unless said", () => {
    expect(read({}).replicas).toEqual({ value: 1, from: { kind: "default", why: "Kubernetes: replicas is 1" } });
  });
});

describe("the version", () => {
  it.each([
    ["vllm/vllm-openai:v0.22.0", "v0.22.0"],
    ["vllm/vllm-openai:v0.11.1-x86_64", "v0.11.1"],
    ["registry.example/mirror/vllm-openai:0.9", "0.9"],
    ["vllm/vllm-openai:latest", undefined],
    ["vllm/vllm-openai@sha256:0123", undefined],
    ["ghcr.io/llm-d/llm-d-cuda:v0.9.0", undefined],
  ])("of %s is %s", (image, version) => {
    const containers = [{ ...engine, image, command: ["vllm", "serve"] }];
    expect(read({ containers }).version?.value).toBe(version);
  });
});

describe("GPU hints", () => {
  const affinity = (key: string, ...values: string[]) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values }] }],
        },
      },
    },
  });
  const product = "nvidia.com/gpu.product";
  it.each([
    {
      name: "nodeSelector",
      pod: { nodeSelector: { [product]: "NVIDIA-L4" } },
      types: ["NVIDIA-L4"],
      field: `spec.template.spec.nodeSelector["${product}"]`,
    },
    { name: "GKE", pod: { nodeSelector: { "cloud.google.com/gke-accelerator": "nvidia-l4" } }, types: ["nvidia-l4"] },
    { name: "Karpenter", pod: { nodeSelector: { "karpenter.k8s.aws/instance-gpu-name": "h100" } }, types: ["h100"] },
    {
      name: "an AWS machine",
      pod: { nodeSelector: { "node.kubernetes.io/instance-type": "p5.48xlarge" } },
      types: ["H100-SXM"],
    },
    {
      name: "a newer AWS machine",
      pod: { nodeSelector: { "node.kubernetes.io/instance-type": "p5en.48xlarge" } },
      types: ["H200-SXM"],
    },
    {
      name: "an Azure machine",
      pod: { nodeSelector: { "node.kubernetes.io/instance-type": "Standard_ND96isr_H100_v5" } },
      types: ["H100-SXM"],
    },
    {
      name: "a Google machine",
      pod: { nodeSelector: { "node.kubernetes.io/instance-type": "a2-ultragpu-8g" } },
      types: ["A100-SXM-80GB"],
    },
    {
      name: "required affinity, every value",
      pod: affinity(product, "NVIDIA-L4", "NVIDIA-L40S"),
      types: ["NVIDIA-L4", "NVIDIA-L40S"],
      field:
        "spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values[0]",
    },
    {
      name: "the product before the machine",
      pod: { nodeSelector: { "node.kubernetes.io/instance-type": "g6.xlarge", [product]: "NVIDIA-L40S" } },
      types: ["NVIDIA-L40S"],
    },
    {
      name: "a label of the pods",
      pod: {},
      template: { metadata: { labels: { "inference.optimization/acceleratorName": "H100" } } },
      types: ["H100"],
      field: 'spec.template.metadata.labels["inference.optimization/acceleratorName"]',
    },
    { name: "nothing", pod: { nodeSelector: { pool: "gpu" } }, types: [] },
  ])("$name", ({ pod, template = {}, types, field }) => {
    const { gpu } = read(pod, template);
    expect(gpu.types.map(({ value }) => value)).toEqual(types);
    if (field !== undefined) expect(fieldOf(gpu.types[0])).toBe(field);
  });

  it.each([
    { name: "a number", limits: { "nvidia.com/gpu": 4 }, count: 4 },
    { name: "a text", limits: { "nvidia.com/gpu": "4" }, count: 4 },
    { name: "AMD's", limits: { "amd.com/gpu": "8" }, count: 8 },
    { name: "none", limits: { cpu: "4" }, count: undefined },
  ])("are counted by resources.limits: $name", ({ limits, count }) => {
    expect(read({ containers: [{ ...engine, resources: { limits } }] }).gpu.count?.value).toBe(count);
  });

  it.each([
    {
      name: "a slice",
      limits: { "nvidia.com/mig-1g.10gb": 1 },
      message: "nvidia.com/mig-1g.10gb is a MIG slice of a GPU, which is not modelled",
    },
    { name: "a half", limits: { "nvidia.com/gpu": "500m" }, message: 'must be a whole number of GPUs, not "500m"' },
  ])("are whole: $name is refused", ({ limits, message }) => {
    const result = deployment.read(manifest({ containers: [{ ...engine, resources: { limits } }] }));
    expect(result.ok ? [] : result.problems.map((problem) => problem.message)).toEqual([message]);
  });
});

describe("probes and hooks", () => {
  const life = (more: object) => read({ containers: [{ ...engine, ...more }] }).life;
  it.each([
    { name: "Kubernetes' own period", more: {}, delay: 0, period: 10 },
    {
      name: "readiness",
      more: { readinessProbe: { initialDelaySeconds: 20, periodSeconds: 5 } },
      delay: 20,
      period: 5,
    },
    {
      name: "startup before readiness",
      more: { startupProbe: { initialDelaySeconds: 15, periodSeconds: 3 } },
      delay: 15,
      period: 3,
    },
    {
      name: "readiness that waits longer than startup",
      more: { startupProbe: { periodSeconds: 3 }, readinessProbe: { initialDelaySeconds: 60 } },
      delay: 60,
      period: 3,
    },
    { name: "a period of 0, which means unset", more: { readinessProbe: { periodSeconds: 0 } }, delay: 0, period: 10 },
  ])("$name", ({ more, delay, period }) => {
    const { probeInitialDelaySeconds, probePeriodSeconds } = life(more);
    expect([probeInitialDelaySeconds.value, probePeriodSeconds.value]).toEqual([delay, period]);
  });

  it.each([
    { name: "sleep", preStop: { sleep: { seconds: 5 } }, seconds: 5 },
    { name: "exec sleep", preStop: { exec: { command: ["/bin/sleep", "15"] } }, seconds: 15 },
    {
      name: "a shell that sleeps",
      preStop: { exec: { command: ["/bin/sh", "-c", "echo bye; sleep 1.5m"] } },
      seconds: 90,
    },
    { name: "two sleeps", preStop: { exec: { command: ["sh", "-c", "sleep 5 && sleep 2"] } }, seconds: 7 },
    { name: "none", preStop: undefined, seconds: 0 },
    {
      name: "what doesn't sleep",
      preStop: { httpGet: { path: "/drain", port: 8000 } },
      seconds: 0,
      warning: "UnknownPreStop",
    },
  ])("preStop: $name", ({ preStop, seconds, warning }) => {
    const result = deployment.read(manifest({ containers: [{ ...engine, lifecycle: { preStop } }] }));
    expect(result.ok && result.value.life.preStopSeconds.value).toBe(seconds);
    expect(result.ok && result.warnings.map(({ reason }) => reason)).toEqual(warning === undefined ? [] : [warning]);
  });
});

describe("where the weights are", () => {
  const volumes = [
    { name: "claim", persistentVolumeClaim: { claimName: "c" } },
    { name: "disk", hostPath: { path: "/x" } },
    { name: "scratch", emptyDir: {} },
    { name: "nfs", nfs: { server: "s", path: "/" } },
  ];
  const storage = (more: object, ...mounts: readonly (readonly [string, string])[]) =>
    read({
      volumes,
      containers: [{ ...engine, ...more, volumeMounts: mounts.map(([name, mountPath]) => ({ name, mountPath })) }],
    }).storage;
  it.each([
    { name: "the default cache", more: {}, mounts: [["claim", "/root/.cache/huggingface"]], where: "network" },
    {
      name: "HF_HOME",
      more: { env: [{ name: "HF_HOME", value: "/models" }] },
      mounts: [["disk", "/models/"]],
      where: "node",
    },
    {
      name: "the longest mount",
      more: { env: [{ name: "HF_HOME", value: "/data/hf" }] },
      mounts: [
        ["claim", "/data"],
        ["scratch", "/data/hf"],
      ],
      where: "download",
    },
    {
      name: "--download-dir",
      more: { args: ["--model=a/b", "--download-dir=/d"] },
      mounts: [["nfs", "/d"]],
      where: "network",
    },
    { name: "a path", more: { args: ["--model=/mnt/models/x"] }, mounts: [["claim", "/mnt/models"]], where: "network" },
    { name: "a path without a volume", more: { args: ["--model=/app/x"] }, mounts: [], where: "node" },
    { name: "an id without a volume", more: {}, mounts: [["claim", "/elsewhere"]], where: "download" },
    { name: "a name that only begins alike", more: {}, mounts: [["claim", "/root/.cache/hugging"]], where: "download" },
  ] as const)("$name: $where", ({ more, mounts, where }) => expect(storage(more, ...mounts).value).toBe(where));
});
