import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { describeProblem } from "../../../src/model/problem.ts";
import { simulationSpec } from "../../../src/schema/simulation-spec.ts";
import type { Manifest } from "../../../src/twin/manifest.ts";
import { compositeReaders, workloadReaders } from "../../../src/twin/readers/index.ts";
import { podLabelsOf } from "../../../src/twin/readers/pod/pod-template-of.ts";
import type { Json } from "../quickstart.ts";

const cluster = (...others: readonly Manifest[]) => ({
  get: (kind: string, namespace: string, name: string) =>
    others.find((one) => one.kind === kind && one.metadata.namespace === namespace && one.metadata.name === name),
});

const read = (manifest: Json, ...others: readonly Manifest[]) => {
  const reader = workloadReaders.find(({ kind }) => kind === manifest.kind);
  const result = reader?.read(manifest, cluster(...others));
  if (result === undefined) throw new Error(`no reader of ${String(manifest.kind)}`);
  const told = (result.ok ? result.warnings : result.problems).map(describeProblem);
  return { reading: result.ok ? result.value : undefined, told };
};

const good = (manifest: Json, ...others: readonly Manifest[]) => {
  const { reading, told } = read(manifest, ...others);
  if (reading === undefined) throw new Error(told.join("\n"));
  return { ...reading, told };
};

/** Of the vLLM production stack's chart, as a StatefulSet. */
const STATEFUL: Json = `
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: qwen3-14b, namespace: serving, labels: { app: qwen3-14b } }
spec:
  serviceName: qwen3-14b
  replicas: 3
  minReadySeconds: 20
  selector: { matchLabels: { app: qwen3-14b } }
  template:
    metadata: { labels: { app: qwen3-14b, llm-d.ai/role: decode } }
    spec:
      terminationGracePeriodSeconds: 90
      nodeSelector: { nvidia.com/gpu.product: NVIDIA-H100-80GB-HBM3 }
      containers:
        - name: vllm
          image: vllm/vllm-openai:v0.22.0
          args: ["--model", "Qwen/Qwen3-14B", "--max-model-len", "32768"]
          env: [{ name: HF_HOME, value: /models }]
          resources: { limits: { nvidia.com/gpu: "1" } }
          readinessProbe: { httpGet: { path: /health, port: 8000 }, periodSeconds: 5 }
          volumeMounts: [{ name: models, mountPath: /models }]
  volumeClaimTemplates:
    - metadata: { name: models }
      spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 100Gi } } }
`;

/** The example of the LeaderWorkerSet project (docs/examples/vllm/GPU/lws.yaml). */
const LEADERS: Json = `
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: { name: vllm, namespace: serving }
spec:
  replicas: 2
  leaderWorkerTemplate:
    size: 2
    restartPolicy: RecreateGroupOnPodRestart
    leaderTemplate:
      metadata: { labels: { role: leader } }
      spec:
        containers:
          - name: vllm-leader
            image: vllm/vllm-openai:v0.8.5
            env: [{ name: HF_TOKEN, value: $HF_TOKEN }]
            command:
              - sh
              - -c
              - "bash /vllm-workspace/examples/online_serving/multi-node-serving.sh leader --ray_cluster_size=$(LWS_GROUP_SIZE);
                 python3 -m vllm.entrypoints.openai.api_server --port 8080 --model meta-llama/Llama-3.1-405B-Instruct --tensor-parallel-size 8 --pipeline_parallel_size 2"
            resources: { limits: { nvidia.com/gpu: "8", memory: 1124Gi } }
            ports: [{ containerPort: 8080 }]
            readinessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 15, periodSeconds: 10 }
    workerTemplate:
      spec:
        containers:
          - name: vllm-worker
            image: vllm/vllm-openai:v0.8.5
            command: [sh, -c, "bash /vllm-workspace/examples/online_serving/multi-node-serving.sh worker --ray_address=$(LWS_LEADER_ADDRESS)"]
            resources: { limits: { nvidia.com/gpu: "8", memory: 1124Gi } }
`;

/** llm-d's wide expert parallelism: one template for all pods of a group. */
const WIDE: Json = `
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
metadata: { name: deepseek-decode, namespace: serving }
spec:
  replicas: 2
  startupPolicy: LeaderCreated
  rolloutStrategy: { type: RollingUpdate, rollingUpdateConfiguration: { maxUnavailable: 1, maxSurge: 0 } }
  leaderWorkerTemplate:
    size: 2
    restartPolicy: RecreateGroupOnPodRestart
    workerTemplate:
      metadata: { labels: { llm-d.ai/role: decode, llm-d.ai/model: deepseek-r1 } }
      spec:
        containers:
          - name: vllm
            image: ghcr.io/llm-d/llm-d-cuda:v0.9.0
            command: ["/bin/bash", "-c"]
            args:
              - >-
                START=$((LWS_WORKER_INDEX * 8));
                vllm serve deepseek-ai/DeepSeek-R1 --data-parallel-size 16 --data-parallel-size-local 8
                --data-parallel-start-rank $START --data-parallel-address $LWS_LEADER_ADDRESS
                --enable-expert-parallel --tensor-parallel-size 1
            resources: { limits: { nvidia.com/gpu: "8", rdma/ib: "1" } }
            readinessProbe: { httpGet: { path: /health, port: 8000 } }
`;

const ROLLOUT: Json = `
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: { name: qwen3-14b, namespace: serving }
spec:
  replicas: 4
  workloadRef: { apiVersion: apps/v1, kind: Deployment, name: qwen3-14b-h100 }
  strategy:
    canary: { maxSurge: 0, maxUnavailable: 1, steps: [{ setWeight: 25 }, { pause: { duration: 10m } }, { setWeight: 100 }] }
`;

const parsed = (text: Json, change: (object: Json) => void = () => {}): Json => {
  const object = load(text) as Json;
  change(object);
  return object;
};

const DEPLOYMENT = parsed(STATEFUL, (one) => {
  one.kind = "Deployment";
  one.metadata.name = "qwen3-14b-h100";
  one.spec.template.spec.volumes = [{ name: "models", persistentVolumeClaim: { claimName: "models" } }];
});

it("reads every kind that a simulation may name, and no other", () => {
  const schema = z.toJSONSchema(simulationSpec, { io: "input", unrepresentable: "any" }) as Json;
  const { kind } = schema.properties.mirror.properties.workloads.items.properties;
  expect([...workloadReaders, ...compositeReaders].map((reader) => reader.kind)).toEqual(kind.enum);
});

describe("a StatefulSet", () => {
  it("is read as a Deployment is, and has ordinals", () => {
    const { told, ...reading } = good(parsed(STATEFUL));
    expect(told).toEqual([]);
    expect(reading).toMatchObject({
      ref: { kind: "StatefulSet", namespace: "serving", name: "qwen3-14b" },
      podPath: "spec.template.spec",
      labels: { app: "qwen3-14b", "llm-d.ai/role": "decode" },
      replicas: { value: 3, from: { kind: "field", field: "spec.replicas" } },
      container: { value: "vllm" },
      version: { value: "v0.22.0" },
      gpu: { count: { value: 1 } },
      life: { minReadySeconds: { value: 20 }, gracePeriodSeconds: { value: 90 } },
      ordinals: { value: "OrderedReady", from: { kind: "default" } },
      // Each new ordinal's claim is empty.
      storage: { value: "download", from: { kind: "field", field: "spec.volumeClaimTemplates[0]" } },
    });
    expect(reading.group).toBeUndefined();
    expect(reading.arguments.number("max-model-len")?.value).toBe(32768);
  });

  it.each([
    ["Parallel", "Parallel", undefined],
    ["OrderedReady", "OrderedReady", undefined],
    ["Sideways", undefined, /must be OrderedReady or Parallel, not "Sideways"/],
  ])("podManagementPolicy %s", (policy, value, problem) => {
    const { reading, told } = read(parsed(STATEFUL, (one) => (one.spec.podManagementPolicy = policy)));
    expect(reading?.ordinals?.value).toBe(value);
    if (problem !== undefined) expect(told.join()).toMatch(problem);
  });

  it("tells that ordinals are simulated from 0", () => {
    const { told } = good(parsed(STATEFUL, (one) => (one.spec.ordinals = { start: 5 })));
    expect(told.join()).toMatch(/spec\.ordinals\.start: .*began at 0/);
  });
});

describe("a LeaderWorkerSet", () => {
  it("is its leader's command on the GPUs of a whole group", () => {
    const { told, ...reading } = good(parsed(LEADERS));
    expect(told).toEqual([]);
    expect(reading).toMatchObject({
      podPath: "spec.leaderWorkerTemplate.leaderTemplate.spec",
      labels: {
        role: "leader",
        "leaderworkerset.sigs.k8s.io/name": "vllm",
        "leaderworkerset.sigs.k8s.io/worker-index": "0",
      },
      replicas: { value: 2 },
      container: { value: "vllm-leader" },
      gpu: { count: { value: 16, from: { kind: "derived" } } },
      ordinals: { value: "Parallel" },
      group: { size: { value: 2 }, leaderGpus: 8, workerGpus: 8, workersAfterLeader: { value: false } },
    });
    const flags = ["tensor-parallel-size", "pipeline-parallel-size"].map(
      (flag) => reading.arguments.number(flag)?.value,
    );
    expect(flags).toEqual([8, 2]);
    expect(reading.arguments.text("model")?.from).toMatchObject({
      field: "spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].command[2]",
    });
  });

  it("has its leader in the workers' template where it has none of its own", () => {
    const { told, ...reading } = good(parsed(WIDE));
    expect(told).toEqual([]);
    expect(reading).toMatchObject({
      podPath: "spec.leaderWorkerTemplate.workerTemplate.spec",
      gpu: { count: { value: 16 } },
      group: { size: { value: 2 }, leaderGpus: 8, workerGpus: 8 },
    });
    expect(reading.arguments.number("data-parallel-size")?.value).toBe(16);
  });

  it("gives its pods' variables to their commands", () => {
    const { arguments: said } = good(
      parsed(LEADERS, (one) => {
        const [container] = one.spec.leaderWorkerTemplate.leaderTemplate.spec.containers;
        container.command = [
          "sh",
          "-c",
          "vllm serve a/b -pp $LWS_GROUP_SIZE --data-parallel-address $(LWS_LEADER_ADDRESS)",
        ];
      }),
    );
    expect(said.number("pipeline-parallel-size")?.value).toBe(2);
    expect(said.text("data-parallel-address")?.value).toBe("vllm-0.vllm.serving");
  });

  it("knows the pod's own place in its group by the label too, as SGLang's manifests ask for it", () => {
    const { arguments: said } = good(
      parsed(LEADERS, (one) => {
        const [container] = one.spec.leaderWorkerTemplate.leaderTemplate.spec.containers;
        const fieldPath = "metadata.labels['leaderworkerset.sigs.k8s.io/worker-index']";
        container.env = [
          { name: "LWS_WORKER_INDEX", valueFrom: { fieldRef: { fieldPath } } },
          { name: "POD_IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        ];
        container.command = ["vllm", "serve", "a/b", "--node-rank=$(LWS_WORKER_INDEX)", "--master-addr=$(POD_IP)"];
      }),
    );
    expect(said.problems.map(({ message }) => message).join("\n")).not.toMatch(/LWS_WORKER_INDEX/);
    expect(said.problems.map(({ message }) => message).join("\n")).toMatch(/POD_IP/);
  });

  it("counts a leader without GPUs, and other GPUs of its workers", () => {
    const { gpu, group } = good(
      parsed(LEADERS, (one) => {
        const { leaderTemplate, workerTemplate } = one.spec.leaderWorkerTemplate;
        one.spec.leaderWorkerTemplate.size = 5;
        delete leaderTemplate.spec.containers[0].resources;
        workerTemplate.spec.containers[0].resources.limits["nvidia.com/gpu"] = "4";
        workerTemplate.spec.nodeSelector = { pool: "workers" };
      }),
    );
    expect(gpu.count?.value).toBe(16);
    expect(group).toMatchObject({ leaderGpus: 0, workerGpus: 4, workers: { nodeSelector: { pool: "workers" } } });
  });

  it("of size 1 is no group", () => {
    const { group, gpu } = good(parsed(LEADERS, (one) => (one.spec.leaderWorkerTemplate.size = 1)));
    expect(group).toBeUndefined();
    expect(gpu.count?.value).toBe(8);
  });

  it.each([
    [
      "restartPolicy None",
      (one: Json) => (one.spec.leaderWorkerTemplate.restartPolicy = "None"),
      /restartPolicy: None is not modelled/,
    ],
    [
      "an exclusive topology",
      (one: Json) => (one.metadata.annotations = { "leaderworkerset.sigs.k8s.io/exclusive-topology": "rack" }),
      /exclusive-topology"\]: is not modelled/,
    ],
    [
      "LeaderReady behind a probe",
      (one: Json) => (one.spec.startupPolicy = "LeaderReady"),
      /spec\.startupPolicy: .*no group gets ready/,
    ],
    [
      "hybrid load balancing",
      (one: Json) =>
        (one.spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].command[2] += " --data-parallel-hybrid-lb"),
      /each pod answers requests of its own/,
    ],
  ])("names %s as not simulated", (_, change, told) => expect(good(parsed(LEADERS, change)).told.join()).toMatch(told));

  it.each([
    ["size 0", (one: Json) => (one.spec.leaderWorkerTemplate.size = 0), /size must be equal or greater than 1/],
    [
      "another startup policy",
      (one: Json) => (one.spec.startupPolicy = "Later"),
      /must be LeaderCreated or LeaderReady, not "Later"/,
    ],
    [
      "a leader that isn't vLLM",
      (one: Json) => (one.spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].command = ["sleep", "1"]),
      /leaderTemplate\.spec\.containers: no container runs a model server that is known/,
    ],
    [
      "no templates",
      (one: Json) => delete one.spec.leaderWorkerTemplate,
      /no container runs a model server that is known.*it has no containers/,
    ],
  ])("refuses %s", (_, change, told) => {
    const { reading, told: problems } = read(parsed(LEADERS, change));
    expect(reading).toBeUndefined();
    expect(problems.join()).toMatch(told);
  });

  it("has no workers after its leader unless it says so", () => {
    const { group } = good(
      parsed(LEADERS, (one) => {
        one.spec.startupPolicy = "LeaderReady";
        delete one.spec.leaderWorkerTemplate.leaderTemplate.spec.containers[0].readinessProbe;
      }),
    );
    expect(group?.workersAfterLeader).toMatchObject({ value: true, from: { field: "spec.startupPolicy" } });
  });
});

describe("a Rollout", () => {
  it("has its template in the Deployment that it refers to", () => {
    const { told, ...reading } = good(parsed(ROLLOUT), DEPLOYMENT);
    expect(told.join()).toMatch(/spec\.strategy\.canary\.steps: steps of a canary are not simulated/);
    expect(reading).toMatchObject({
      ref: { kind: "Rollout", name: "qwen3-14b" },
      replicas: { value: 4, from: { field: "spec.replicas" } },
      container: { value: "vllm", from: { object: "Deployment/serving/qwen3-14b-h100" } },
      storage: { value: "network" },
    });
    expect(reading.ordinals).toBeUndefined();
    expect(podLabelsOf(parsed(ROLLOUT), cluster(DEPLOYMENT))).toEqual(DEPLOYMENT.spec.template.metadata.labels);
  });

  it("has one of its own, and strategies that are not simulated", () => {
    const own = parsed(ROLLOUT, (one) => {
      delete one.spec.workloadRef;
      one.spec.template = DEPLOYMENT.spec.template;
      one.spec.strategy = { blueGreen: { activeService: "a" } };
    });
    const { container, told } = good(own);
    expect(container.from).toMatchObject({ object: "Rollout/serving/qwen3-14b" });
    expect(told.join()).toMatch(/spec\.strategy\.blueGreen: a second set of pods/);
  });

  it("says where nothing is behind its reference", () => {
    const { reading, told } = read(parsed(ROLLOUT));
    expect(reading).toBeUndefined();
    expect(told.join()).toMatch(/spec\.workloadRef: names Deployment qwen3-14b-h100 .* does not exist/);
  });
});
