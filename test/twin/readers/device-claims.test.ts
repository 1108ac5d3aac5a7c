import { describe, expect, it } from "vitest";
import { describeSource } from "../../../src/model/known.ts";
import { describeProblem, type Problem } from "../../../src/model/problem.ts";
import type { Manifest } from "../../../src/twin/manifest.ts";
import { deployment } from "../../../src/twin/readers/kubernetes/deployment.ts";
import { leaderWorkerSet } from "../../../src/twin/readers/leader-worker-set/leader-worker-set.ts";
import type { GpuReading } from "../../../src/twin/readers/pod/gpu.ts";

/* Claims of dynamic resource allocation, as llm-d's modelservice chart renders them and as NVIDIA's and AMD's drivers document them. */

const template = (requests: readonly object[], apiVersion = "resource.k8s.io/v1", name = "gpus"): Manifest => ({
  apiVersion,
  kind: "ResourceClaimTemplate",
  metadata: { name, namespace: "ns" },
  spec: { spec: { devices: { requests } } },
});
const exactly = (asked: object) => ({ name: "gpu", exactly: { deviceClassName: "gpu.nvidia.com", ...asked } });
const cel = (expression: string) => ({ selectors: [{ cel: { expression } }] });
const engine = {
  name: "vllm",
  image: "vllm/vllm-openai:v0.22.0",
  args: ["--model", "a/b"],
  resources: { claims: [{ name: "accelerator" }] as object[] },
  readinessProbe: { httpGet: { path: "/health", port: 8000 } },
};
const pods = (pod: object = {}): object => ({
  resourceClaims: [{ name: "accelerator", resourceClaimTemplateName: "gpus" }],
  containers: [engine],
  ...pod,
});
const cluster = (objects: readonly Manifest[]) => ({
  get: (kind: string, namespace: string, name: string) =>
    objects.find(
      (one) => one.kind === kind && (one.metadata.namespace ?? "") === namespace && one.metadata.name === name,
    ),
});

interface Told {
  readonly gpu: GpuReading | undefined;
  readonly problems: readonly string[];
  readonly errors: readonly string[];
}

const read = (objects: readonly Manifest[], pod: object = pods()): Told => {
  const manifest = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "app", namespace: "ns" },
    spec: { template: { spec: pod } },
  };
  const result = deployment.read(manifest, cluster(objects));
  const problems: readonly Problem[] = result.ok ? result.warnings : result.problems;
  const of = (severity: string) => problems.filter((one) => one.severity === severity).map(describeProblem);
  return { gpu: result.ok ? result.value.gpu : undefined, problems: of("warning"), errors: of("error") };
};

const POD = "Deployment/ns/app: spec.template.spec";
const TEMPLATE = "ResourceClaimTemplate/ns/gpus";

describe("claimed GPUs", () => {
  it("are as many as the template's request says, each at its field", () => {
    const { gpu, problems } = read([template([exactly({ count: 4 })])]);
    expect(problems).toEqual([]);
    expect(gpu).toMatchObject({ claimed: true, resource: undefined, count: { value: 4 } });
    expect(gpu?.count && describeSource(gpu.count.from)).toBe(
      `${TEMPLATE} spec.spec.devices.requests[0].exactly.count`,
    );
  });

  it.each([
    ["one where nothing is said", [exactly({})], 1],
    ["of v1beta1, which has no exactly", [{ name: "gpu", deviceClassName: "gpu.nvidia.com", count: 2 }], 2],
    ["of AMD", [exactly({ deviceClassName: "gpu.amd.com", count: 8 })], 8],
    ["the sum of several requests", [exactly({ count: 4 }), exactly({ count: 2 })], 6],
    ["beside a network device", [exactly({ count: 2 }), exactly({ deviceClassName: "dra.net", count: 8 })], 2],
    ["none where they are for an administrator's eyes", [exactly({ adminAccess: true })], 0],
  ])("%s", (_, requests, count) => {
    const { gpu, problems } = read([template(requests)]);
    expect([gpu?.count?.value, problems]).toEqual([count, []]);
  });

  it("are of the one request that the container names", () => {
    const two = template([
      { ...exactly({ count: 4 }), name: "many" },
      { ...exactly({ count: 1 }), name: "one" },
    ]);
    const claims = [{ name: "accelerator", request: "one" }];
    expect(read([two], pods({ containers: [{ ...engine, resources: { claims } }] })).gpu?.count?.value).toBe(1);
    claims[0] = { name: "accelerator", request: "none" };
    expect(read([two], pods({ containers: [{ ...engine, resources: { claims } }] })).errors).toEqual([
      `${POD}.resourceClaims[0].resourceClaimTemplateName: of ResourceClaimTemplate gpus: it has no request of the name none`,
    ]);
  });

  it("take the first of several alternatives, which is told", () => {
    const firstAvailable = [
      { name: "large", deviceClassName: "gpu.nvidia.com", count: 1 },
      { name: "small", deviceClassName: "gpu.nvidia.com", count: 2 },
    ];
    const { gpu, problems } = read([template([{ name: "gpu", firstAvailable }])]);
    expect(gpu?.count?.value).toBe(1);
    expect(problems).toEqual([
      `${TEMPLATE}: spec.spec.devices.requests[0].firstAvailable: of 2 alternatives the first is simulated, whatever is free`,
    ]);
  });

  it("are not read beside GPUs of a device plugin", () => {
    const resources = { limits: { "nvidia.com/gpu": 2 }, claims: [{ name: "accelerator" }] };
    expect(read([], pods({ containers: [{ ...engine, resources }] })).gpu?.count?.value).toBe(2);
  });

  it("of a class of one's own are known by its DeviceClass", () => {
    const own = template([exactly({ deviceClassName: "large", count: 2 })]);
    const deviceClass = (expression: string): Manifest => ({
      apiVersion: "resource.k8s.io/v1",
      kind: "DeviceClass",
      metadata: { name: "large" },
      spec: cel(expression),
    });
    const h200 = deviceClass(
      `device.driver == 'gpu.nvidia.com' && device.attributes['gpu.nvidia.com'].productName == 'NVIDIA H200'`,
    );
    const { gpu, problems } = read([own, h200]);
    expect([gpu?.count?.value, gpu?.types.map(({ value }) => value), problems]).toEqual([2, ["NVIDIA-H200"], []]);
    expect(read([own, deviceClass(`device.driver == "nic.example.com"`)]).gpu?.count?.value).toBe(0);
    expect(read([own])).toMatchObject({
      gpu: { count: undefined, claimed: true },
      problems: [
        `${TEMPLATE}: spec.spec.devices.requests[0].exactly.deviceClassName: DeviceClass large isn't here, which says whether its devices are GPUs; mirror it too`,
      ],
    });
  });
});

describe("the type of claimed GPUs", () => {
  it.each([
    [`device.attributes["gpu.nvidia.com"].productName == "NVIDIA H100 80GB HBM3"`, ["NVIDIA-H100-80GB-HBM3"]],
    [`device.attributes['gpu.nvidia.com'].productName in ['NVIDIA L4', 'NVIDIA L40S']`, ["NVIDIA-L4", "NVIDIA-L40S"]],
    [`device.attributes['gpu.nvidia.com'].productName.lowerAscii().matches('^.*h100.*$')`, ["h100"]],
    [`device.attributes["gpu.nvidia.com"].productName.startsWith("H100") && true`, ["H100"]],
    [`device.attributes['gpu.nvidia.com'].productName.matches('Tesla.*|.*RTX')`, []],
    [`device.attributes['gpu.nvidia.com'].productName != 'Tesla T4'`, []],
    [`device.capacity['gpu.nvidia.com'].memory.compareTo(quantity('79Gi')) >= 0`, []],
    [`device.attributes["gpu.nvidia.com"].productName == ${"(".repeat(9)}`, []],
  ])("by %s", (expression, types) => {
    const { gpu, problems } = read([template([exactly(cel(expression))])]);
    expect([gpu?.types.map(({ value }) => value), problems]).toEqual([types, []]);
  });

  it("gives way to what nodes must have", () => {
    const asked = template([exactly(cel(`device.attributes['gpu.nvidia.com'].productName == 'NVIDIA L4'`))]);
    const { gpu } = read([asked], pods({ nodeSelector: { "nvidia.com/gpu.product": "NVIDIA-L40S" } }));
    expect(gpu?.types.map(({ value }) => value)).toEqual(["NVIDIA-L40S"]);
  });

  it.each([
    [
      { deviceClassName: "mig.nvidia.com" },
      "DeviceClass mig.nvidia.com is a MIG slice of a GPU, which is not modelled",
    ],
    [{ deviceClassName: "tpu.google.com" }, "DeviceClass tpu.google.com is a TPU, which is not modelled"],
    [
      cel(`device.attributes["gpu.nvidia.com"].type == "mig"`),
      "devices of type mig are parts of a GPU or something else, which is not modelled",
    ],
  ])("is refused where it isn't modelled: %j", (asked, message) => {
    expect(read([template([exactly(asked)])]).errors).toEqual([expect.stringContaining(message)]);
  });
});

describe("a claim that nothing here tells of", () => {
  it.each([
    [
      { name: "accelerator", resourceClaimTemplateName: "gpus" },
      "resourceClaimTemplateName: ResourceClaimTemplate/ns/gpus isn't here, which says how many GPUs are claimed, and of which type; mirror it too",
    ],
    [
      { name: "accelerator", resourceClaimName: "shared" },
      "resourceClaimName: ResourceClaim shared is one for all pods, which would share its devices: each replica is simulated with GPUs of its own; name a ResourceClaimTemplate, as each pod gets a claim then",
    ],
  ])("is told: %j", (entry, message) => {
    const { gpu, problems } = read([], pods({ resourceClaims: [entry] }));
    expect(gpu).toMatchObject({ count: undefined, claimed: true });
    expect(problems).toEqual([`${POD}.resourceClaims[0].${message}`]);
  });

  it("is told where it takes all of a node", () => {
    const { gpu, problems } = read([template([exactly({ allocationMode: "All" })])]);
    expect(gpu?.count).toBeUndefined();
    expect(problems).toEqual([expect.stringMatching(/All claims as many devices as a node has/)]);
  });

  it("is an error where the pod has none of its name", () => {
    const { errors } = read([], pods({ resourceClaims: [{ name: "other", resourceClaimTemplateName: "gpus" }] }));
    expect(errors).toEqual([
      `${POD}.containers[0].resources.claims[0].name: accelerator is no name of the pod's resourceClaims; name one of them`,
    ]);
  });
});

describe("a group's claims", () => {
  const group = (objects: readonly Manifest[]) =>
    leaderWorkerSet.read(
      {
        apiVersion: "leaderworkerset.x-k8s.io/v1",
        kind: "LeaderWorkerSet",
        metadata: { name: "app", namespace: "ns" },
        spec: { leaderWorkerTemplate: { size: 2, workerTemplate: { spec: pods() } } },
      },
      cluster(objects),
    );

  it("are each pod's", () => {
    const result = group([template([exactly({ count: 8 })])]);
    expect(result.ok && result.value).toMatchObject({
      group: { leaderGpus: 8, workerGpus: 8 },
      gpu: { count: { value: 16 } },
    });
  });

  it("are an error where nothing tells", () => {
    const result = group([]);
    expect(result.ok ? [] : result.problems).toContainEqual(
      expect.objectContaining({
        severity: "error",
        field: "spec.leaderWorkerTemplate.workerTemplate.spec.resourceClaims",
        message: "how many GPUs each pod of a group claims is not known",
      }),
    );
  });
});
