import { latencyModels } from "../../src/latency/models/index.ts";
import { findGpu, findModel } from "../../src/model/catalogue/index.ts";
import type { Scenario } from "../../src/twin/scenario.ts";

/** Qwen3-14B on H100 under the chatbot preset of BLIS: `replicas` of it take `requests` requests, 5 per second and replica if nothing else is said. */
export const benchScenario = (replicas: number, requests: number, ratePerSecond = 5 * replicas): Scenario => {
  const model = findModel("Qwen/Qwen3-14B");
  const gpu = findGpu("H100");
  if (model === undefined || !("hardware" in gpu)) throw new Error("the catalogue has lost the bench's model or GPU");
  const none = { mean: 0, deviation: 0 };
  return {
    simulation: "bench/bench",
    name: "baseline",
    seed: 1,
    horizonMicros: Math.round((requests / ratePerSecond) * 1e6),
    warmUpMicros: 0,
    workloads: [
      {
        kind: "Deployment",
        namespace: "bench",
        name: "qwen",
        container: "vllm",
        modelName: "Qwen/Qwen3-14B",
        replicas,
        minReadySeconds: 0,
        gpusPerReplica: 1,
        engine: {
          mode: "vllm",
          maxNumSeqs: 256,
          maxNumBatchedTokens: 8192,
          maxModelLen: 8192,
          blockSize: 16,
          numGpuBlocks: 16_000,
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
          scheduleSeconds: none,
          imagePullSeconds: none,
          modelLoadSeconds: none,
          engineInitSeconds: none,
          probe: { initialDelaySeconds: 0, periodSeconds: 10 },
        },
        stop: { gracePeriodSeconds: 30, preStopSeconds: 0, shutdownTimeoutSeconds: 0 },
      },
    ],
    gateway: { kind: "policy", policy: { policy: "least-queue" }, scrapeIntervalMicros: 50_000 },
    metrics: { scrapeIntervalMicros: 15_000_000, lookBackMicros: 300_000_000 },
    autoscalers: [],
    traffic: {
      kind: "synthetic",
      synthetic: {
        clients: [
          {
            name: "chat",
            rate: ratePerSecond,
            arrival: { process: "poisson" },
            prompt: { distribution: "normal", mean: 256, deviation: 100, min: 2, max: 800 },
            output: { distribution: "normal", mean: 256, deviation: 100, min: 1, max: 1024 },
          },
        ],
        pattern: [],
      },
    },
  };
};
