import { type EngineHistograms, type EngineState, noCounts } from "../../src/model/engine-state.ts";
import type { Fact } from "../../src/model/fact.ts";
import { Histogram } from "../../src/model/metric-family.ts";
import type { Outcome, Request } from "../../src/model/request.ts";
import type { ReportFold } from "../../src/report/fold.ts";
import type {
  AutoscalerView,
  KedaView,
  NodeView,
  PodStatusView,
  ReplicaView,
  WorkloadView,
  WorldView,
} from "../../src/report/world-view.ts";
import { instant, type SimTime } from "../../src/sim/time.ts";

export const at = (seconds: number): SimTime => instant(Math.round(seconds * 1e6));

export const request = (id: number, arrivalSeconds: number, outputTokens = 10): Request => ({
  id,
  arrival: at(arrivalSeconds),
  promptTokens: 100,
  outputTokens,
});

/** What a request goes through, in seconds after its arrival. */
export const finished = (
  of: Request,
  outcome: Outcome,
  {
    queue = 0,
    ttft = 0.1,
    end = 1,
    priority = 0,
  }: { queue?: number; ttft?: number; end?: number; priority?: number } = {},
): Fact => {
  const arrival = of.arrival / 1e6;
  return {
    kind: "finished",
    pod: "a",
    workload: "chat",
    priority,
    facts: {
      request: of,
      outcome,
      queued: of.arrival,
      scheduled: outcome === "rejected" ? undefined : at(arrival + queue),
      firstToken: outcome === "rejected" ? undefined : at(arrival + ttft),
      end: at(arrival + end),
      outputTokens: of.outputTokens,
      cachedTokens: 0,
      preemptions: 0,
    },
  };
};

export const pod = (phase: Extract<Fact, { kind: "pod" }>["phase"], seconds: number, name = "a"): Fact => ({
  kind: "pod",
  at: at(seconds),
  workload: "chat",
  pod: name,
  phase,
});

export const scaled = (from: number, to: number, seconds: number): Fact => ({
  kind: "scaled",
  at: at(seconds),
  workload: "chat",
  from,
  to,
  by: "HorizontalPodAutoscaler/inference/chat",
  reason: "test",
});

const NAMES = [
  "timeToFirstToken",
  "interTokenLatency",
  "timePerOutputToken",
  "e2eLatency",
  "queueTime",
  "inferenceTime",
  "prefillTime",
  "decodeTime",
  "iterationTokens",
  "promptTokens",
  "generationTokens",
  "prefillComputedTokens",
  "maxGenerationTokens",
  "paramsN",
] as const satisfies readonly (keyof EngineHistograms)[];

export const engineState = (
  over: Partial<Omit<EngineState, "counters">> & { counters?: Partial<EngineState["counters"]> } = {},
): EngineState => {
  const histograms = Object.fromEntries(
    NAMES.map((name) => [name, new Histogram([0.01, 0.1, 1])]),
  ) as unknown as EngineHistograms;
  const { counters, ...rest } = over;
  return {
    running: 0,
    waiting: 0,
    kvUsage: 0,
    usedBlocks: 0,
    freeBlocks: 100,
    histograms,
    ...rest,
    counters: {
      ...noCounts(),
      ...counters,
    },
  };
};

export const replica = (state: EngineState = engineState(), over: Partial<ReplicaView> = {}): ReplicaView => ({
  namespace: "inference",
  workload: "chat",
  pod: "chat-0",
  container: "vllm",
  modelName: "llama",
  blockSize: 16,
  numGpuBlocks: 1000,
  gpuMemoryUtilization: 0.9,
  prefixCaching: true,
  maxModelLen: 8192,
  since: at(0),
  state,
  ...over,
});

export const workload = (specReplicas = 1, over: Partial<WorkloadView> = {}): WorkloadView => ({
  namespace: "inference",
  kind: "Deployment",
  name: "chat",
  specReplicas,
  statusReplicas: specReplicas,
  updatedReplicas: specReplicas,
  readyReplicas: specReplicas,
  availableReplicas: specReplicas,
  gpusPerReplica: 1,
  gpu: "H100-SXM",
  ...over,
});

export const autoscaler: AutoscalerView = {
  namespace: "inference",
  name: "chat",
  targetApiVersion: "apps/v1",
  targetKind: "Deployment",
  targetName: "chat",
  minReplicas: 1,
  maxReplicas: 8,
  currentReplicas: 2,
  desiredReplicas: 3,
  conditions: [
    { type: "AbleToScale", status: "True" },
    { type: "ScalingLimited", status: "Unknown" },
  ],
  metrics: [
    { name: "vllm:num_requests_waiting", targetType: "average", target: 5, current: 7.5 },
    { name: "unread", targetType: "value", target: 1, current: undefined },
  ],
};

export const view = (
  seconds: number,
  replicas: readonly ReplicaView[] = [replica()],
  workloads = [workload()],
): WorldView => ({
  now: at(seconds),
  replicas,
  workloads,
  autoscalers: [autoscaler],
});

export const node: NodeView = {
  name: "h100-0",
  pool: "h100",
  labels: { "nvidia.com/gpu.product": "H100" },
  taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
  gpus: 8,
  created: at(5),
  ready: true,
  unschedulable: false,
};

/** One that shows every series a pod can have. */
export const pendingPod: PodStatusView = {
  namespace: "inference",
  name: "chat-1",
  uid: "u",
  owner: { kind: "ReplicaSet", name: "chat" },
  container: "vllm",
  gpus: 4,
  phase: "Pending",
  ready: false,
  unschedulable: true,
  node: "h100-0",
  created: at(1),
  scheduled: at(2),
  readySince: at(3),
  deletion: at(4),
  restarts: 2,
  waitingReason: "ContainerCreating",
};

/** That shows every series it can have. */
export const keda: KedaView = {
  objects: [
    {
      namespace: "inference",
      name: "chat",
      triggerTypes: ["prometheus"],
      paused: false,
      errors: 1,
      metrics: [
        { scaler: "prometheusScaler", triggerIndex: 0, metric: "s0-prometheus", value: 2, active: true, errors: 1 },
      ],
      empty: [{ triggerName: "", metric: "s0-prometheus", ignoreNullValues: true, count: 3 }],
    },
  ],
};

/** As the world lets its report look at it. */
export const sample = (fold: ReportFold, world: WorldView): void => {
  const { now, replicas, workloads } = world;
  const glances = replicas.map(({ pod: name, state: { waiting, running, kvUsage, counters } }) => ({
    pod: name,
    waiting,
    running,
    kvUsage,
    generationTokens: counters.generationTokens,
  }));
  fold.sample({ now, replicas: glances, workloads }, () => world);
};
