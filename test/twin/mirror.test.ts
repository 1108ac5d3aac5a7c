import { describe, expect, it } from "vitest";
import { describeSource } from "../../src/model/known.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { scenarioDigest } from "../../src/twin/digest.ts";
import type { Mirrored } from "../../src/twin/mirror.ts";
import { LOOKED_FOR } from "../../src/twin/readers/pod/launch.ts";
import { type Json, Quickstart } from "./quickstart.ts";

const good = (quickstart: Quickstart, simulation?: Json): Mirrored & { warnings: readonly string[] } => {
  const result = quickstart.mirror({}, simulation);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return { ...result.value, warnings: result.warnings.map(describeProblem) };
};

/** `value, from` of one path. */
const told = ({ values }: Mirrored, path: string): readonly [unknown, string] | undefined => {
  const found = values.filter((one) => one.path === path);
  expect(found.length, `${path} is told once`).toBeLessThanOrEqual(1);
  return found[0] === undefined ? undefined : [found[0].value, describeSource(found[0].from)];
};

const D = "Deployment/inference/vllm-llama-8b";
const H = "HorizontalPodAutoscaler/inference/vllm-llama-8b";
const C = "spec.template.spec.containers[0]";
const W = "workloads[vllm-llama-8b]";
const A = "autoscalers[vllm-llama-8b]";
const SIM = "InferenceSimulation/inference/chat-preview";

interface Change {
  /** The field, as `explain` names it. */
  readonly field: string;
  readonly change: (q: Quickstart) => void;
  readonly path: string;
  readonly value: unknown;
  /** Where the value is from, if not the field itself. */
  readonly from?: string;
}

/** A change of each field of the quickstart's manifests that is read, and the value that has to follow. */
const CHANGES: readonly Change[] = [
  { field: `${D} spec.replicas`, change: (q) => (q.deployment.spec.replicas = 5), path: `${W}.replicas`, value: 5 },
  {
    field: `${D} spec.minReadySeconds`,
    change: (q) => (q.deployment.spec.minReadySeconds = 9),
    path: `${W}.minReadySeconds`,
    value: 9,
  },
  {
    field: `${D} spec.template.spec.terminationGracePeriodSeconds`,
    change: (q) => (q.pod.terminationGracePeriodSeconds = 200),
    path: `${W}.stop.gracePeriodSeconds`,
    value: 200,
  },
  {
    field: `${D} spec.template.spec.nodeSelector["nvidia.com/gpu.product"]`,
    change: (q) => (q.pod.nodeSelector["nvidia.com/gpu.product"] = "NVIDIA-H200"),
    path: `${W}.gpu`,
    value: "H200-SXM",
  },
  { field: `${D} ${C}.name`, change: (q) => (q.container.name = "engine"), path: `${W}.container`, value: "engine" },
  {
    field: `${D} ${C}.image`,
    change: (q) => (q.container.image = "vllm/vllm-openai:v0.11.0"),
    path: `${W}.engine.version`,
    value: "v0.11.0",
  },
  {
    field: `${D} ${C}.command[2]`,
    change: (q) => (q.container.command[2] = "Qwen/Qwen3-14B"),
    path: `${W}.model.id`,
    value: "Qwen/Qwen3-14B",
  },
  {
    field: `${D} ${C}.args[0]`,
    change: (q) => q.setFlag("served-model-name", "chat"),
    path: `${W}.servedName`,
    value: "chat",
  },
  {
    field: `${D} ${C}.args[1]`,
    change: (q) => {
      q.setFlag("tensor-parallel-size", 2);
      q.container.resources.limits["nvidia.com/gpu"] = "2";
    },
    path: `${W}.parallelism.tp`,
    value: 2,
  },
  {
    field: `${D} ${C}.args[2]`,
    change: (q) => q.setFlag("gpu-memory-utilization", 0.8),
    path: `${W}.gpuMemoryUtilization`,
    value: 0.8,
  },
  {
    field: `${D} ${C}.args[3]`,
    change: (q) => q.setFlag("max-model-len", "4k"),
    path: `${W}.engine.maxModelLen`,
    value: 4000,
  },
  {
    field: `${D} ${C}.env[0].value`,
    change: (q) => (q.container.env[0].value = "32"),
    path: `${W}.engine.maxNumSeqs`,
    value: 32,
  },
  {
    field: `${D} ${C}.args[4]`,
    change: (q) => q.setFlag("max-num-seqs", 48),
    path: `${W}.engine.maxNumSeqs`,
    value: 48,
  },
  {
    field: `${D} ${C}.args[6]`,
    change: (q) => q.setFlag("max-num-batched-tokens", 2048),
    path: `${W}.engine.maxNumBatchedTokens`,
    value: 2048,
  },
  {
    field: `${D} ${C}.args[7]`,
    change: (q) => (q.container.args[7] = "--no-enable-prefix-caching"),
    path: `${W}.engine.prefixCaching`,
    value: false,
  },
  {
    field: `${D} ${C}.args[8]`,
    change: (q) => q.setFlag("shutdown-timeout", 30),
    path: `${W}.stop.shutdownTimeoutSeconds`,
    value: 30,
  },
  { field: `${D} ${C}.args[10]`, change: (q) => q.setFlag("block-size", 32), path: `${W}.engine.blockSize`, value: 32 },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.setFlag("num-gpu-blocks-override", 9000),
    path: `${W}.engine.numGpuBlocks`,
    value: 9000,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.setFlag("kv-cache-memory-bytes", 8 * 2 ** 30),
    path: `${W}.engine.numGpuBlocks`,
    value: 4096,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.setFlag("kv-cache-dtype", "fp8"),
    path: `${W}.engine.kvElementBytes`,
    value: 1,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.setFlag("quantization", "fp8"),
    path: `${W}.model.weightBytes`,
    value: 1,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.setFlag("dtype", "float32"),
    path: `${W}.model.dtypeBytes`,
    value: 4,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.setFlag("long-prefill-token-threshold", 512),
    path: `${W}.engine.longPrefillTokenThreshold`,
    value: 512,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.container.args.push("--no-async-scheduling"),
    path: `${W}.engine.asyncScheduling`,
    value: false,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => {
      q.setFlag("max-num-batched-tokens", 16_384);
      q.container.args.push("--no-enable-chunked-prefill");
    },
    path: `${W}.engine.chunkedPrefill`,
    value: false,
  },
  {
    field: `${D} ${C}.args[10]`,
    change: (q) => q.container.args.push("--enforce-eager"),
    path: `${W}.start.engineInit.meanSeconds`,
    value: 7.5,
  },
  {
    field: `${D} ${C}.resources.limits["nvidia.com/gpu"]`,
    change: (q) => (q.container.resources.limits["nvidia.com/gpu"] = "2"),
    path: `${W}.gpusPerReplica`,
    value: 2,
  },
  {
    field: `${D} ${C}.startupProbe.initialDelaySeconds`,
    change: (q) => (q.container.startupProbe.initialDelaySeconds = 40),
    path: `${W}.start.probe.initialDelaySeconds`,
    value: 40,
  },
  {
    field: `${D} ${C}.startupProbe.periodSeconds`,
    change: (q) => (q.container.startupProbe.periodSeconds = 3),
    path: `${W}.start.probe.periodSeconds`,
    value: 3,
  },
  {
    field: `${D} ${C}.readinessProbe.periodSeconds`,
    change: (q) => {
      delete q.container.startupProbe;
      q.container.readinessProbe.periodSeconds = 7;
    },
    path: `${W}.start.probe.periodSeconds`,
    value: 7,
  },
  {
    field: `${D} ${C}.lifecycle.preStop.exec.command`,
    change: (q) => (q.container.lifecycle.preStop.exec.command = ["sh", "-c", "sleep 20"]),
    path: `${W}.stop.preStopSeconds`,
    value: 20,
  },
  {
    field: `${D} ${C}.lifecycle.preStop.sleep.seconds`,
    change: (q) => (q.container.lifecycle.preStop = { sleep: { seconds: 8 } }),
    path: `${W}.stop.preStopSeconds`,
    value: 8,
  },
  {
    field: `${D} spec.template.spec.volumes[0].hostPath`,
    change: (q) => (q.pod.volumes[0] = { name: "models", hostPath: { path: "/mnt" } }),
    path: `${W}.start.modelLoad.meanSeconds`,
    value: 5.2,
    from: `derived: 16.1 GB of weights at 3.1 GB/s, from a disk of the node (${D} spec.template.spec.volumes[0].hostPath)`,
  },
  {
    field: `${H} spec.scaleTargetRef`,
    change: (q) => {
      for (const place of [q.deployment.metadata, q.hpa.spec.scaleTargetRef, q.simulation.spec.mirror.workloads[0]])
        place.name = "other";
    },
    path: `${A}.target`,
    value: "other",
  },
  { field: `${H} spec.minReplicas`, change: (q) => (q.hpa.spec.minReplicas = 3), path: `${A}.minReplicas`, value: 3 },
  { field: `${H} spec.maxReplicas`, change: (q) => (q.hpa.spec.maxReplicas = 12), path: `${A}.maxReplicas`, value: 12 },
  {
    field: `${H} spec.metrics[0].pods.metric.name`,
    change: (q) => (q.hpa.spec.metrics[0].pods.metric.name = "vllm:num_requests_running"),
    path: `${A}.metrics[0].metric`,
    value: "vllm:num_requests_running",
  },
  {
    field: `${H} spec.metrics[0].pods.target.averageValue`,
    change: (q) => (q.hpa.spec.metrics[0].pods.target.averageValue = "2500m"),
    path: `${A}.metrics[0].target.averageValue`,
    value: 2.5,
  },
  {
    field: `${H} spec.metrics[0].type`,
    change: (q) => (q.hpa.spec.metrics[0] = { type: "External", external: q.hpa.spec.metrics[0].pods }),
    path: `${A}.metrics[0].type`,
    value: "External",
  },
  ...(["scaleUp", "scaleDown"] as const).flatMap((direction): Change[] => {
    const rules = (q: Quickstart): Json => q.hpa.spec.behavior[direction];
    const at = `behavior.${direction}`;
    return [
      {
        field: `${H} spec.${at}.stabilizationWindowSeconds`,
        change: (q) => (rules(q).stabilizationWindowSeconds = 77),
        path: `${A}.${at}.stabilizationWindowSeconds`,
        value: 77,
      },
      {
        field: `${H} spec.${at}.selectPolicy`,
        change: (q) => (rules(q).selectPolicy = "Min"),
        path: `${A}.${at}.selectPolicy`,
        value: "Min",
      },
      {
        field: `${H} spec.${at}.tolerance`,
        change: (q) => (rules(q).tolerance = "50m"),
        path: `${A}.${at}.tolerance`,
        value: 0.05,
      },
      {
        field: `${H} spec.${at}.policies[0].type`,
        change: (q) => (rules(q).policies[0].type = "Percent"),
        path: `${A}.${at}.policies[0].type`,
        value: "Percent",
      },
      {
        field: `${H} spec.${at}.policies[0].value`,
        change: (q) => (rules(q).policies[0].value = 6),
        path: `${A}.${at}.policies[0].value`,
        value: 6,
      },
      {
        field: `${H} spec.${at}.policies[0].periodSeconds`,
        change: (q) => (rules(q).policies[0].periodSeconds = 90),
        path: `${A}.${at}.policies[0].periodSeconds`,
        value: 90,
      },
    ];
  }),
  { field: `${SIM} spec.run.seed`, change: (q) => (q.simulation.spec.run.seed = 11), path: "run.seed", value: 11 },
  {
    field: `${SIM} spec.run.horizon`,
    change: (q) => (q.simulation.spec.run.horizon = "3h"),
    path: "run.horizon",
    value: "3h",
  },
  {
    field: `${SIM} spec.run.warmUp`,
    change: (q) => (q.simulation.spec.run.warmUp = "1m"),
    path: "run.warmUp",
    value: "1m",
  },
  {
    field: `${SIM} spec.workload.synthetic.clients[0].rate`,
    change: (q) => (q.simulation.spec.workload.synthetic.clients[0].rate = 3),
    path: "traffic.clients[chat].rate",
    value: 3,
  },
];

/** A field of spec.overrides each, and the value that it takes the place of. */
const OVERRIDES: readonly (Omit<Change, "change"> & { readonly overrides: Json })[] = [
  { field: "replicas", overrides: { replicas: 4 }, path: `${W}.replicas`, value: 4 },
  {
    field: "hardware.gpu",
    overrides: { hardware: { gpu: "A100-SXM-80GB" } },
    path: `${W}.gpu`,
    value: "A100-SXM-80GB",
  },
  { field: "model.id", overrides: { model: { id: "Qwen/Qwen3-8B" } }, path: `${W}.model.id`, value: "Qwen/Qwen3-8B" },
  { field: "model.layers", overrides: { model: { layers: 16 } }, path: `${W}.model.layers`, value: 16 },
  { field: "model.weightBytes", overrides: { model: { weightBytes: 1 } }, path: `${W}.model.weightBytes`, value: 1 },
  { field: "engine.mode", overrides: { engine: { mode: "blis" } }, path: `${W}.engine.mode`, value: "blis" },
  {
    field: "engine.latencyModel",
    overrides: { engine: { latencyModel: "roofline" } },
    path: `${W}.latencyModel`,
    value: "roofline",
  },
  { field: "engine.maxNumSeqs", overrides: { engine: { maxNumSeqs: 9 } }, path: `${W}.engine.maxNumSeqs`, value: 9 },
  {
    field: "engine.maxNumBatchedTokens",
    overrides: { engine: { maxNumBatchedTokens: 999 } },
    path: `${W}.engine.maxNumBatchedTokens`,
    value: 999,
  },
  {
    field: "engine.numGpuBlocks",
    overrides: { engine: { numGpuBlocks: 5000 } },
    path: `${W}.engine.numGpuBlocks`,
    value: 5000,
  },
  {
    field: "engine.longPrefillTokenThreshold",
    overrides: { engine: { longPrefillTokenThreshold: 64 } },
    path: `${W}.engine.longPrefillTokenThreshold`,
    value: 64,
  },
  {
    field: "engine.maxModelLen",
    overrides: { engine: { maxModelLen: 2000 } },
    path: `${W}.engine.maxModelLen`,
    value: 2000,
  },
  ...(["schedule", "imagePull", "modelLoad", "engineInit", "untilReady"] as const).map((phase) => ({
    field: `start.${phase}.mean`,
    overrides: { start: { [phase]: { mean: "12s", deviation: "3s" } } },
    path: `${W}.start.${phase}.meanSeconds`,
    value: 12,
  })),
  {
    field: "start.modelLoad.deviation",
    overrides: { start: { modelLoad: { mean: "12s", deviation: "3s" } } },
    path: `${W}.start.modelLoad.deviationSeconds`,
    value: 3,
  },
  {
    field: "gateway.policy",
    overrides: { gateway: { policy: { policy: "least-queue" } } },
    path: "gateway.policy",
    value: "least-queue",
  },
  {
    field: "gateway.scrapeInterval",
    overrides: { gateway: { scrapeInterval: "200ms" } },
    path: "gateway.scrapeIntervalSeconds",
    value: 0.2,
  },
  {
    field: "metrics.scrapeInterval",
    overrides: { metrics: { scrapeInterval: "15s" } },
    path: "metrics.scrapeIntervalSeconds",
    value: 15,
  },
  {
    field: "autoscaler.syncPeriod",
    overrides: { autoscaler: { syncPeriod: "30s" } },
    path: `${A}.syncPeriodSeconds`,
    value: 30,
  },
  {
    field: "autoscaler.downscaleStabilization",
    overrides: { autoscaler: { downscaleStabilization: "1m" } },
    path: `${A}.downscaleStabilizationSeconds`,
    value: 60,
  },
  { field: "autoscaler.tolerance", overrides: { autoscaler: { tolerance: 0.2 } }, path: `${A}.tolerance`, value: 0.2 },
];

describe("a value follows the field that it is said to come from", () => {
  it.each(CHANGES)("$field ($path)", ({ field, change, path, value, from = field }) => {
    const before = good(new Quickstart());
    const quickstart = new Quickstart();
    change(quickstart);
    const after = good(quickstart);
    expect(told(before, path)?.[0]).not.toEqual(value);
    if (path !== `${W}.engine.version`)
      expect(scenarioDigest(after.scenario)).not.toBe(scenarioDigest(before.scenario));
    expect(told(after, path)).toEqual([value, from]);
  });

  it.each(OVERRIDES)("spec.overrides.$field ($path)", ({ field, overrides, path, value }) => {
    const quickstart = new Quickstart();
    const before = good(quickstart);
    quickstart.simulation.spec.overrides = overrides;
    const after = good(quickstart);
    expect(told(before, path)?.[0]).not.toEqual(value);
    expect(told(after, path)).toEqual([value, `override spec.overrides.${field}`]);
    expect(scenarioDigest(after.scenario)).not.toBe(scenarioDigest(before.scenario));
  });

  it("is tried for every field that the quickstart's values name", () => {
    const tried = new Set(CHANGES.map(({ field }) => field));
    const named = good(new Quickstart())
      .values.flatMap(({ from }) => (from.kind === "field" ? [`${from.object} ${from.field}`] : []))
      .filter((field) => !field.startsWith(SIM));
    expect(named.filter((field) => !tried.has(field))).toEqual([]);
  });
});

describe("deploy/examples/quickstart/simulations.yaml", () => {
  it.each(["simulation", "shadow"] as const)("has a %s that is mirrored without a warning", (which) => {
    const quickstart = new Quickstart();
    expect(good(quickstart, quickstart[which]).warnings).toEqual([]);
  });
});

describe("the quickstart", () => {
  const mirrored = good(new Quickstart());

  it("is mirrored from the objects that it names", () => {
    expect(mirrored.reads.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      "Deployment vllm-llama-8b",
      "HorizontalPodAutoscaler vllm-llama-8b",
    ]);
  });

  it("tells every path once, and the scenario's own settings", () => {
    const paths = mirrored.values.map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    const [workload] = mirrored.scenario.workloads;
    for (const [name, value] of Object.entries(workload?.engine ?? {}).filter(([, one]) => typeof one !== "object"))
      expect(told(mirrored, `${W}.engine.${name}`)?.[0], name).toBe(value);
  });

  it("has as many KV blocks as fit beside the weights", () => {
    const [workload] = mirrored.scenario.workloads;
    expect(told(mirrored, `${W}.engine.numGpuBlocks`)).toEqual([
      workload?.engine.numGpuBlocks,
      "derived: per GPU, 79.65 GiB (less the driver's) x 0.92, less 14.96 GiB of weights and 1.34 GiB for activations and the rest, over 2097152 bytes per block",
    ]);
    expect(workload?.engine.numGpuBlocks).toBeGreaterThan(28_000);
    expect(workload?.engine.numGpuBlocks).toBeLessThan(30_000);
  });

  it("ends at its horizon as a Preview, never as a Shadow", () => {
    expect(mirrored.scenario.horizonMicros).toBe(2 * 3600e6);
    const quickstart = new Quickstart();
    expect(good(quickstart, quickstart.shadow).scenario.horizonMicros).toBeUndefined();
  });

  it("is the same, digest and all, however often it is mirrored", () => {
    const again = good(new Quickstart());
    expect(again).toEqual(mirrored);
    expect(scenarioDigest(again.scenario)).toBe(scenarioDigest(mirrored.scenario));
  });

  it("leaves what it is given as it is", () => {
    const quickstart = new Quickstart();
    good(quickstart);
    expect(quickstart).toEqual(new Quickstart());
  });
});

describe("what no field tells", () => {
  it("gets vLLM's default for the image's version and the GPU", () => {
    const quickstart = new Quickstart();
    quickstart.container.args = [];
    const newer = good(quickstart);
    expect(told(newer, `${W}.engine.maxNumSeqs`)).toEqual([
      1024,
      "default: vLLM 0.22 default on GPUs with 70 GiB or more",
    ]);
    expect(told(newer, `${W}.gpuMemoryUtilization`)).toEqual([0.92, "default: vLLM 0.22 default"]);
    quickstart.container.image = "vllm/vllm-openai:v0.11.0";
    quickstart.pod.nodeSelector = { "nvidia.com/gpu.product": "NVIDIA-L40S" };
    quickstart.container.args = ["--max-model-len=8192"];
    const older = good(quickstart);
    expect(told(older, `${W}.engine.maxNumSeqs`)).toEqual([
      256,
      "default: vLLM 0.11 default on GPUs with less than 70 GiB",
    ]);
    expect(told(older, `${W}.gpuMemoryUtilization`)).toEqual([0.9, "default: vLLM 0.11 default"]);
    quickstart.container.image = "registry.example/team/vllm-openai:latest";
    expect(told(good(quickstart), `${W}.engine.version`)?.[1]).toBe(
      "default: the image's tag doesn't tell; the newest that is known",
    );
  });

  it("has replicas that stay as they are without an autoscaler", () => {
    const quickstart = new Quickstart();
    quickstart.gone.add(quickstart.hpa);
    const { scenario, values } = good(quickstart);
    expect(scenario.autoscalers).toEqual([]);
    expect(values.find(({ path }) => path === "autoscalers")?.from.kind).toBe("default");
  });

  it("is scaled from outside where the simulation says so, with an HPA or without", () => {
    const quickstart = new Quickstart();
    quickstart.shadow.spec.mirror.autoscaler = { driver: "External" };
    const mirrored = good(quickstart, quickstart.shadow);
    expect(told(mirrored, `${A}.driver`)).toEqual([
      "External",
      "InferenceSimulation/inference/chat-shadow spec.mirror.autoscaler.driver",
    ]);
    quickstart.gone.add(quickstart.hpa);
    expect(good(quickstart, quickstart.shadow).scenario.autoscalers).toEqual([]);
  });

  it("takes --max-model-len auto for what the KV cache holds", () => {
    const quickstart = new Quickstart();
    quickstart.setFlag("max-model-len", "auto");
    quickstart.setFlag("num-gpu-blocks-override", 1001);
    expect(told(good(quickstart), `${W}.engine.maxModelLen`)).toEqual([
      16_000,
      "derived: --max-model-len auto: what the KV cache holds",
    ]);
  });

  it.each([
    {
      name: "no volume: downloaded at each start",
      change: (q: Quickstart) => (q.container.volumeMounts = []),
      seconds: 21.2,
    },
    {
      name: "an emptyDir: the same",
      change: (q: Quickstart) => (q.pod.volumes[0] = { name: "models", emptyDir: {} }),
      seconds: 21.2,
    },
    { name: "a claim", change: () => {}, seconds: 51.4 },
    { name: "a claim, streamed", change: (q: Quickstart) => q.setFlag("load-format", "runai_streamer"), seconds: 15 },
    { name: "dummy weights", change: (q: Quickstart) => q.setFlag("load-format", "dummy"), seconds: 0 },
  ])("has weights loaded from $name", ({ change, seconds }) => {
    const quickstart = new Quickstart();
    change(quickstart);
    expect(told(good(quickstart), `${W}.start.modelLoad.meanSeconds`)?.[0]).toBe(seconds);
  });
});

describe("a compile cache on a volume that outlives the pod", () => {
  const secondsWith = (...env: Json[]): unknown => {
    const quickstart = new Quickstart();
    quickstart.container.env = [{ name: "VLLM_CACHE_ROOT", value: "/models/vllm" }, ...env];
    return told(good(quickstart), `${W}.start.engineInit.meanSeconds`)?.[0];
  };

  it("makes starts shorter, unless it is off", () => {
    const off = { name: "VLLM_DISABLE_COMPILE_CACHE", value: "1" };
    expect([secondsWith(), secondsWith({ ...off, value: "0" }), secondsWith(off)]).toEqual([32.5, 32.5, 65]);
  });
});

describe("GPU type", () => {
  const without = (): Quickstart => {
    const quickstart = new Quickstart();
    delete quickstart.pod.nodeSelector;
    return quickstart;
  };
  const node = (name: string, product: string, more: Json = {}): Json => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "nvidia.com/gpu.product": product, ...more } },
  });

  it("is that of the only kind of node the pods may land on, with the memory that its label says", () => {
    const quickstart = without();
    quickstart.others.push(node("a", "NVIDIA-H100-80GB-HBM3", { "nvidia.com/gpu.memory": "81000" }), {
      ...node("b", "NVIDIA-L4"),
      spec: { unschedulable: true },
    });
    const mirrored = good(quickstart);
    expect(told(mirrored, `${W}.gpu`)).toEqual(["H100-SXM", 'Node/a metadata.labels["nvidia.com/gpu.product"]']);
    expect(told(mirrored, `${W}.gpuMemoryMiB`)).toEqual([81_000, 'Node/a metadata.labels["nvidia.com/gpu.memory"]']);
    expect(mirrored.reads.map(({ kind }) => kind)).toContain("Node");
  });

  it("is not guessed from two kinds of nodes", () => {
    const quickstart = without();
    quickstart.others.push(node("a", "NVIDIA-H100-80GB-HBM3"), node("b", "NVIDIA-L4"));
    const result = quickstart.mirror();
    expect(result.ok ? [] : result.problems.map(({ reason, message }) => [reason, message])).toEqual([
      [
        "UnknownGpu",
        "nothing tells the GPU type: nodes with H100-SXM and L4 would take the pods; looked at nodeSelector, required node affinity, labels and nodes",
      ],
    ]);
  });

  const OWN = "or a name of your own with its bf16Tflops, memoryGiB and memoryBandwidthTBs";
  const unknownOf = ({ warnings }: { readonly warnings: readonly string[] }): readonly string[] =>
    warnings.filter((text) => text.includes("gpu"));

  it("is told where a node that would take the pods has one that isn't known, with the nearest names", () => {
    const quickstart = without();
    quickstart.others.push(
      node("a", "NVIDIA-H100-80GB-HBM3"),
      ...["b", "c", "d"].map((name) => node(name, "Tesla-T4")),
      node("e", "NVIDIA-H110-80GB-HBM3", { "node.kubernetes.io/instance-type": "p5.48xlarge" }),
    );
    const mirrored = good(quickstart);
    expect(told(mirrored, `${W}.gpu`)?.[0]).toBe("H100-SXM");
    const simulated = `H100-SXM is simulated, as Node/a metadata.labels["nvidia.com/gpu.product"] says`;
    expect(unknownOf(mirrored)).toEqual([
      `Node/b: metadata.labels["nvidia.com/gpu.product"]: GPU type Tesla-T4 isn't known (2 more say the same); ${simulated}; set spec.overrides.hardware.gpu to what the pods run on: one of A100-SXM-40GB, L4, L40S, ${OWN}`,
      `Node/e: metadata.labels["nvidia.com/gpu.product"]: GPU type NVIDIA-H110-80GB-HBM3 isn't known; ${simulated}; set spec.overrides.hardware.gpu to what the pods run on: one of H100-SXM, A100-PCIe-80GB, A100-SXM-80GB, ${OWN}`,
    ]);
  });

  it("is taken from another label of the node where the surest says less, and that is told where it contradicts", () => {
    const types = (product: string): readonly [unknown, readonly string[]] => {
      const quickstart = without();
      quickstart.others.push(node("a", product, { "node.kubernetes.io/instance-type": "p4d.24xlarge" }));
      const mirrored = good(quickstart);
      return [told(mirrored, `${W}.gpu`)?.[0], unknownOf(mirrored)];
    };
    expect(types("A100")).toEqual(["A100-SXM-40GB", []]);
    expect(types("NVIDIA-A100-SXM4-40GB-MIG-1g.5gb")).toEqual([
      "A100-SXM-40GB",
      [expect.stringMatching(/MIG slice.*A100-SXM-40GB is simulated.*mirror a workload on whole GPUs/)],
    ]);
  });

  it("of nodes is none of a workload's business that says it itself, nor where it is overridden", () => {
    const quickstart = new Quickstart();
    quickstart.others.push(node("b", "Tesla-T4"));
    expect(unknownOf(good(quickstart))).toEqual([]);
    const overridden = without();
    overridden.others.push(node("a", "NVIDIA-H100-80GB-HBM3"), node("b", "Tesla-T4"));
    overridden.simulation.spec.overrides = { hardware: { gpu: "L40S" } };
    expect(unknownOf(good(overridden))).toEqual([]);
  });

  it("is told to be unknown where nothing else tells it, with what the node says", () => {
    const quickstart = without();
    quickstart.others.push(node("b", "Tesla-T4"));
    const result = quickstart.mirror();
    expect(result.ok ? [] : result.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining(`; Node/b metadata.labels["nvidia.com/gpu.product"]: GPU type Tesla-T4 isn't known`),
    ]);
  });

  it("of a node is told where it is a guess, or time-sliced", () => {
    const quickstart = without();
    quickstart.others.push(node("a", "NVIDIA-H100-96GB-SHARED"));
    expect(good(quickstart).warnings).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Node\/a: .*by its letters it is taken for H100-SXM/),
        expect.stringMatching(/^Node\/a: .*time-sliced/),
      ]),
    );
  });
});

interface Bad {
  readonly name: string;
  readonly change: (q: Quickstart) => void;
  /** Of each error, as the condition and the command line show it. */
  readonly errors: readonly string[];
}

const BAD: readonly Bad[] = [
  {
    name: "a workload that does not exist",
    change: (q) => (q.simulation.spec.mirror.workloads[0].name = "vllm-lama-8b"),
    errors: [
      "spec.mirror.workloads[0].name: Deployment vllm-lama-8b does not exist in namespace inference; did you mean vllm-llama-8b?; name a Deployment of namespace inference",
    ],
  },
  {
    name: "a workload in another namespace",
    change: (q) => (q.simulation.metadata.namespace = "elsewhere"),
    errors: [
      "spec.mirror.workloads[0].name: Deployment vllm-llama-8b does not exist in namespace elsewhere; there is no Deployment in it; name a Deployment of namespace elsewhere",
    ],
  },
  {
    name: "a Deployment that is not vLLM",
    change: (q) => (q.pod.containers = [{ name: "web", image: "nginx:1.29", command: ["nginx", "-g", "daemon off;"] }]),
    errors: [
      `${D}: spec.template.spec.containers: no container runs a model server that is known: looked for ${LOOKED_FOR}; found web (nginx -g daemon off;); mirror a workload that serves with vLLM, SGLang or TensorRT-LLM`,
    ],
  },
  {
    name: "a TP that the GPU count can't hold",
    change: (q) => q.setFlag("tensor-parallel-size", 4),
    errors: [
      `${D}: ${C}.args[1]: tensor 4 x pipeline 1 x data 1 parallel needs 4 GPUs, but the container has 1; set --tensor-parallel-size to at most 1, or ask for 4 GPUs in resources.limits`,
    ],
  },
  {
    name: "a TP that does not divide the heads",
    change: (q) => {
      q.setFlag("tensor-parallel-size", 3);
      q.container.resources.limits["nvidia.com/gpu"] = "3";
    },
    errors: [
      `${D}: ${C}.args[1]: meta-llama/Llama-3.1-8B-Instruct has 32 attention heads, which 3 GPUs can't share evenly; choose --tensor-parallel-size from 1, 2, 4, 8, 16`,
      `${D}: ${C}.args[1]: meta-llama/Llama-3.1-8B-Instruct has 8 KV heads, which 3 GPUs can't share evenly; choose --tensor-parallel-size from 1, 2, 4, 8`,
    ],
  },
  {
    name: "a model that does not fit the GPU memory",
    change: (q) => (q.container.command[2] = "meta-llama/Llama-3.3-70B-Instruct"),
    errors: [
      `${D}: ${C}.args[1]: meta-llama/Llama-3.3-70B-Instruct needs 133.5 GiB per GPU on 1 x H100-SXM before any KV cache (131.4 GiB of weights), but 72.8 GiB are there at a memory utilisation of 0.92; set --tensor-parallel-size to at least 2, or choose a GPU with more memory`,
    ],
  },
  {
    name: "a context that the KV cache does not hold",
    change: (q) => q.setFlag("num-gpu-blocks-override", 500),
    errors: [
      `${D}: ${C}.args[3]: one request of max_model_len (16384) needs 1024 KV blocks, but there are 499 of 16 tokens; the estimated maximum model length is 7984; set --max-model-len to at most 7984, or give the cache more memory`,
    ],
  },
  {
    name: "an unknown model without overrides.model",
    change: (q) => (q.container.command[2] = "acme/chat-9b"),
    errors: [
      `${D}: ${C}.command[2]: the catalogue has no model acme/chat-9b; the nearest are {models}; set spec.overrides.model.id to a known model, or give its architecture in spec.overrides.model, or its config.json in spec.overrides.model.config (missing: layers, hidden, heads, intermediate, vocab)`,
    ],
  },
  {
    name: "no GPU type",
    change: (q) => delete q.pod.nodeSelector,
    errors: [
      `${D}: spec.template.spec.nodeSelector: nothing tells the GPU type: looked at nodeSelector, required node affinity, labels and nodes; set spec.overrides.hardware.gpu to one of {gpus}`,
    ],
  },
  {
    name: "a GPU type that nobody knows",
    change: (q) => (q.pod.nodeSelector["nvidia.com/gpu.product"] = "NVIDIA-GTX-970"),
    errors: [
      `${D}: spec.template.spec.nodeSelector["nvidia.com/gpu.product"]: GPU type NVIDIA-GTX-970 isn't known; set spec.overrides.hardware.gpu to one of {gpus}`,
    ],
  },
  {
    name: "no GPU at all",
    change: (q) => delete q.container.resources,
    errors: [
      `${D}: spec.template.spec.containers: the engine asks for no GPU: looked for nvidia.com/gpu, amd.com/gpu in resources.limits, and for GPUs in resources.claims; set it on the engine's container`,
    ],
  },
  {
    name: "a budget below the sequences",
    change: (q) => q.setFlag("max-num-batched-tokens", 50),
    errors: [
      `${D}: ${C}.args[6]: max_num_batched_tokens (50) is less than max_num_seqs (64); set --max-num-batched-tokens to at least 64, or --max-num-seqs to at most 50`,
    ],
  },
  {
    name: "an HPA that targets nothing",
    change: (q) => (q.hpa.spec.scaleTargetRef.name = "vllm-llama-8"),
    errors: [
      `${H}: spec.scaleTargetRef.name: targets nothing: Deployment vllm-llama-8 does not exist in namespace inference; did you mean vllm-llama-8b?; correct the name, or delete the autoscaler`,
    ],
  },
  {
    name: "a named HPA that targets nothing",
    change: (q) => {
      q.hpa.spec.scaleTargetRef.name = "gone";
      q.simulation.spec.mirror.autoscaler = { name: "vllm-llama-8b" };
    },
    errors: [
      `${H}: spec.scaleTargetRef.name: targets nothing: Deployment gone does not exist in namespace inference; correct the name, or delete the autoscaler`,
    ],
  },
  {
    name: "a named HPA that scales something else",
    change: (q) => {
      q.others.push({ ...q.deployment, metadata: { name: "web", namespace: "inference" } });
      q.hpa.spec.scaleTargetRef.name = "web";
      q.simulation.spec.mirror.autoscaler = { name: "vllm-llama-8b" };
    },
    errors: [
      `${H}: spec.scaleTargetRef: scales Deployment web, which the simulation does not mirror; add it to spec.mirror.workloads, or name an autoscaler of vllm-llama-8b`,
    ],
  },
  {
    name: "a named HPA that does not exist",
    change: (q) => (q.simulation.spec.mirror.autoscaler = { name: "vllm-llama-8" }),
    errors: [
      "spec.mirror.autoscaler.name: HorizontalPodAutoscaler vllm-llama-8 does not exist in namespace inference; did you mean vllm-llama-8b?; name one that exists, or leave the name out to have it found by its scaleTargetRef",
    ],
  },
  {
    name: "an autoscaler that is wanted and not found",
    change: (q) => {
      q.gone.add(q.hpa);
      q.simulation.spec.mirror.autoscaler = {};
    },
    errors: [
      "spec.mirror.autoscaler: no HorizontalPodAutoscaler in namespace inference has Deployment vllm-llama-8b as its scaleTargetRef; create it, name it in spec.mirror.autoscaler.name, or leave spec.mirror.autoscaler out",
    ],
  },
  {
    name: "two HPAs on one Deployment",
    change: (q) => q.others.push({ ...q.hpa, metadata: { name: "second", namespace: "inference" } }),
    errors: [
      `HorizontalPodAutoscaler/inference/second: spec.scaleTargetRef: scales Deployment vllm-llama-8b, as ${H} does: the two would fight; delete one, or name the one to simulate in spec.mirror.autoscaler.name`,
    ],
  },
  {
    name: "maxReplicas beyond the bounds of the installation",
    change: (q) => (q.hpa.spec.maxReplicas = 20_000),
    errors: [`${H}: spec.maxReplicas: 20000 replicas are more than 10000; set at most 10000`],
  },
  {
    name: "an HPA that the API server would refuse",
    change: (q) => Object.assign(q.hpa.spec, { minReplicas: 4, maxReplicas: 2 }),
    errors: [`${H}: spec.maxReplicas: Invalid value: 2: must be greater than or equal to \`minReplicas\``],
  },
  {
    name: "a value of the wrong type",
    change: (q) => (q.deployment.spec.replicas = "two"),
    errors: [`${D}: spec.replicas: must be a whole number >= 0, not "two"`],
  },
  {
    name: "an argument that YAML made a number of",
    change: (q) => q.container.args.push("--port", 8000),
    errors: [`${D}: ${C}.args[11]: must be text, not 8000; quote it: "8000"`],
  },
  {
    name: "more KV blocks than any GPU holds",
    change: (q) => q.setFlag("num-gpu-blocks-override", "1T"),
    errors: [`${D}: ${C}.args[10]: 1099511627776 KV blocks are more than any GPU holds; about 28949 fit; leave it out`],
  },
  {
    name: "no room for a single request",
    change: (q) => (q.container.env[0].value = "0"),
    errors: [`${D}: ${C}.env[0].value: --max-num-seqs must be from 1 to 1000000, not 0; set a number within`],
  },
  {
    name: "a grace period beyond all clocks",
    change: (q) => (q.pod.terminationGracePeriodSeconds = 2 ** 50),
    errors: [
      `${D}: spec.template.spec.terminationGracePeriodSeconds: 1125899906842624 s is longer than a year; set at most 31536000`,
    ],
  },
  {
    name: "a scrape interval of nothing",
    change: (q) => (q.simulation.spec.overrides = { metrics: { scrapeInterval: "0s" } }),
    errors: ["spec.overrides.metrics.scrapeInterval: must be longer than 0s; set 1s or more, or leave it out"],
  },
];

describe("bad input", () => {
  it.each(BAD)("$name", ({ change, errors }) => {
    const quickstart = new Quickstart();
    change(quickstart);
    const result = quickstart.mirror();
    const texts = result.ok ? [] : result.problems.filter(({ severity }) => severity === "error").map(describeProblem);
    const generic = texts.map((text) =>
      text
        .replace(/(the nearest are )[^;]+/, "$1{models}")
        .replace(/(hardware\.gpu to one of )H100-SXM, .*/, "$1{gpus}"),
    );
    expect(generic).toEqual(errors);
  });

  it("tells everything at once", () => {
    const quickstart = new Quickstart();
    quickstart.container.command[2] = "acme/chat-9b";
    quickstart.hpa.spec.maxReplicas = 0;
    delete quickstart.pod.nodeSelector;
    const result = quickstart.mirror();
    const reasons = result.ok ? [] : result.problems.map(({ reason }) => reason);
    expect(reasons.sort()).toEqual(["InvalidAutoscaler", "UnknownGpu", "UnknownModel"]);
  });

  it("goes away with the field that its message names", () => {
    const quickstart = new Quickstart();
    quickstart.container.command[2] = "acme/chat-9b";
    delete quickstart.pod.nodeSelector;
    quickstart.simulation.spec.overrides = {
      hardware: { gpu: "H100" },
      model: {
        layers: 40,
        hidden: 4096,
        heads: 32,
        intermediate: 14_336,
        vocab: 64_000,
        maxPositionEmbeddings: 32_768,
      },
    };
    const mirrored = good(quickstart);
    expect(told(mirrored, `${W}.model.layers`)).toEqual([40, "override spec.overrides.model.layers"]);
    expect(told(mirrored, `${W}.model.kvHeads`)).toEqual([32, "derived: as many as attention heads"]);
    expect(told(mirrored, `${W}.gpu`)).toEqual(["H100-SXM", "override spec.overrides.hardware.gpu"]);
  });

  it("holds the mirrored replicas to the installation's bound", () => {
    const quickstart = new Quickstart();
    quickstart.deployment.spec.replicas = 50;
    const result = quickstart.mirror({ limits: { ...DEFAULT_LIMITS, maxReplicas: 20 } });
    expect(result.ok ? [] : result.problems.map(({ reason }) => reason)).toContain("TooManyReplicas");
  });
});

describe("whatever stands in a manifest", () => {
  const ODD: readonly Json[] = [null, "", "x", -1, 1.5, 1e20, true, [], {}, [null], { a: { b: null } }];
  const pathsOf = (value: Json, path: readonly (string | number)[] = []): readonly (readonly (string | number)[])[] =>
    typeof value !== "object" || value === null
      ? [path]
      : [
          path,
          ...Object.keys(value).flatMap((key) =>
            pathsOf(value[key], [...path, Array.isArray(value) ? Number(key) : key]),
          ),
        ];
  const set = (root: Json, path: readonly (string | number)[], value: Json): void => {
    const at = path.slice(0, -1).reduce((place, key) => place[key], root);
    at[path.at(-1) as string] = value;
  };

  it.each(["deployment", "hpa"] as const)("is mirrored or told as a problem, never thrown over: %s", (which) => {
    const paths = pathsOf(new Quickstart()[which].spec, ["spec"]);
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) {
      for (const odd of ODD) {
        const quickstart = new Quickstart();
        set(quickstart[which], path, structuredClone(odd));
        const result = quickstart.mirror();
        const what = `${path.join(".")} = ${JSON.stringify(odd)}`;
        if (!result.ok)
          expect(
            result.problems.some(({ severity }) => severity === "error"),
            what,
          ).toBe(true);
        else
          for (const { value } of result.value.values)
            if (typeof value === "number") expect(Number.isFinite(value), what).toBe(true);
      }
    }
  });
});

describe("warnings", () => {
  it.each([
    {
      name: "GPUs that lie idle",
      change: (q: Quickstart) => (q.container.resources.limits["nvidia.com/gpu"] = 4),
      warning: `${D}: ${C}.resources.limits["nvidia.com/gpu"]: tensor 1 x pipeline 1 x data 1 parallel uses 1 of the 4 GPUs that each pod holds; set --tensor-parallel-size=4, or ask for 1`,
    },
    {
      name: "more KV blocks than fit",
      change: (q: Quickstart) => q.setFlag("num-gpu-blocks-override", 50_000),
      warning: `${D}: ${C}.args[10]: 50000 KV blocks are given, but about 28949 fit: the real server may run out of memory`,
    },
    {
      name: "a metric that the world does not have",
      change: (q: Quickstart) => (q.hpa.spec.metrics[0].pods.metric.name = "http_requests"),
      warning: `${H}: spec.metrics[0]: no simulated series stands behind the metric "http_requests": the HPA finds no data for it and holds`,
    },
    {
      name: "a grace period that cuts the drain short",
      change: (q: Quickstart) => (q.pod.terminationGracePeriodSeconds = 60),
      warning: `${D}: spec.template.spec.terminationGracePeriodSeconds: terminationGracePeriodSeconds 60 cuts preStop (15 s) and --shutdown-timeout (90 s) short; raise terminationGracePeriodSeconds above their sum`,
    },
    {
      name: "a startup probe that gives up too early",
      change: (q: Quickstart) => (q.container.startupProbe.failureThreshold = 5),
      warning: `${D}: ${C}.startupProbe.failureThreshold: the startup probe gives up after 65 s, but the engine is expected to need 116 s; restarts are not modelled; raise failureThreshold, or set spec.overrides.start`,
    },
    {
      name: "no probe at all",
      change: (q: Quickstart) => {
        delete q.container.startupProbe;
        delete q.container.readinessProbe;
      },
      warning: `${D}: ${C}.readinessProbe: without a readinessProbe Kubernetes routes requests to the pod while the server still loads, and they fail; it is simulated as if they came when the server answers; set a readinessProbe on /health`,
    },
    {
      name: "a GPU guessed by pattern",
      change: (q: Quickstart) => (q.pod.nodeSelector["nvidia.com/gpu.product"] = "NVIDIA-H100-SXM5-80GB"),
      warning: `${D}: spec.template.spec.nodeSelector["nvidia.com/gpu.product"]: NVIDIA-H100-SXM5-80GB isn't a name that is known; by its letters it is taken for H100-SXM; set spec.overrides.hardware.gpu`,
    },
  ])("$name", ({ change, warning }) => {
    const quickstart = new Quickstart();
    change(quickstart);
    expect(good(quickstart).warnings.map((text) => text.replace(/; use a Pods or External .*/, ""))).toEqual([warning]);
  });
});
