import type { HpaSpec } from "../../src/controlplane/hpa/spec.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import { findGpu, findModel } from "../../src/model/catalogue/index.ts";
import type { AutoscalerScenario, Scenario, WorkloadScenario } from "../../src/twin/scenario.ts";
import type { SyntheticWorkload } from "../../src/workload/sources/index.ts";

const model = findModel("meta-llama/Llama-3.1-8B-Instruct");
const gpu = findGpu("H100");
if (model === undefined || !("hardware" in gpu)) throw new Error("the catalogue has lost the tests' model or GPU");

export const chat = (rate: number, over: Partial<SyntheticWorkload> = {}): SyntheticWorkload => ({
  clients: [
    {
      name: "chat",
      rate,
      arrival: { process: "poisson" },
      prompt: { distribution: "lognormal", mean: 600, deviation: 500, min: 1, max: 4000 },
      output: { distribution: "lognormal", mean: 200, deviation: 150, min: 1, max: 1000 },
    },
  ],
  pattern: [],
  ...over,
});

export const workload = (over: Partial<WorkloadScenario> = {}): WorkloadScenario => ({
  kind: "Deployment",
  namespace: "inference",
  name: "llama",
  container: "vllm",
  modelName: "llama",
  replicas: 2,
  minReadySeconds: 0,
  gpusPerReplica: 1,
  engine: {
    mode: "vllm",
    maxNumSeqs: 64,
    maxNumBatchedTokens: 2048,
    maxModelLen: 8192,
    blockSize: 16,
    numGpuBlocks: 4000,
    prefixCaching: true,
    chunkedPrefill: true,
    longPrefillTokenThreshold: 0,
    asyncScheduling: true,
  },
  gpuMemoryUtilization: 0.92,
  latency: latencyModels.schema.parse({ name: "trained-physics" }),
  shape: model.shape,
  hardware: gpu.hardware,
  parallelism: { tp: 1, pp: 1, dp: 1, expertParallel: false },
  start: {
    scheduleSeconds: { mean: 1, deviation: 0.5 },
    imagePullSeconds: { mean: 10, deviation: 3 },
    modelLoadSeconds: { mean: 20, deviation: 5 },
    engineInitSeconds: { mean: 30, deviation: 5 },
    probe: { initialDelaySeconds: 15, periodSeconds: 10 },
  },
  stop: { gracePeriodSeconds: 30, preStopSeconds: 5, shutdownTimeoutSeconds: 0 },
  ...over,
});

/** An HPA on waiting requests per pod, as a quickstart would have it. */
export const waitingHpa = (target: number, over: Partial<HpaSpec> = {}): AutoscalerScenario => ({
  namespace: "inference",
  name: "llama",
  workload: "llama",
  spec: {
    minReplicas: 1,
    maxReplicas: 8,
    metrics: [
      {
        type: "Pods",
        metric: "vllm:num_requests_waiting",
        selector: {},
        target: { type: "AverageValue", milli: target * 1000 },
      },
    ],
    featureGates: { scaleToZero: false, configurableTolerance: true },
    kubernetesMinor: 36,
    ...over,
  },
  syncPeriodMicros: 15_000_000,
  downscaleStabilizationSeconds: 300,
  tolerance: 0.1,
  driver: "Simulated",
});

export const scenario = (over: Partial<Scenario> = {}): Scenario => ({
  simulation: "inference/test",
  name: "baseline",
  seed: 7,
  horizonMicros: 600e6,
  warmUpMicros: 0,
  workloads: [workload()],
  gateway: { kind: "policy", policy: { policy: "least-queue" }, scrapeIntervalMicros: 50_000 },
  metrics: { scrapeIntervalMicros: 15e6, lookBackMicros: 300e6 },
  autoscalers: [],
  traffic: { kind: "synthetic", synthetic: chat(8) },
  ...over,
});
