import type { EnginePerformance } from "../controlplane/controller.ts";
import { latencyModels } from "../latency/models/index.ts";
import { perRank } from "../latency/per-rank.ts";
import { Batch } from "../model/batch.ts";
import type { WorkloadScenario } from "./scenario.ts";

/** Shares of the KV cache that are looked at for the best throughput: as many as Dynamo's profile grid has. */
const FILLS = 100;

/**
 * What a profile of a workload's engine would measure, by its latency model: in place of the sweep that NVIDIA Dynamo's
 * planner is given (its mode `rapid` computes that one too). Prompts come one after another, in chunks of the step's budget;
 * decode steps are of equal contexts. Data-parallel ranks are alike.
 */
export const enginePerformance = (workload: WorkloadScenario): EnginePerformance => {
  const { shape, hardware, parallelism, engine, latency, eager = false, gpusPerReplica } = workload;
  const { mode, asyncScheduling, maxNumBatchedTokens, maxNumSeqs, numGpuBlocks, blockSize, ranks = 1 } = engine;
  const whole = latencyModels.create(latency, { shape, hardware, parallelism, mode, eager, asyncScheduling });
  const model = mode === "blis" ? whole : perRank(whole, ranks);
  const gpusPerRank = gpusPerReplica / ranks;
  const kvTokens = numGpuBlocks * blockSize;
  const prefillSeconds = (isl: number): number => {
    const prompt = Math.max(1, Math.round(isl));
    let micros = 0;
    for (let start = 0; start < prompt; start += maxNumBatchedTokens) {
      const batch = new Batch(shape.slidingWindow ?? 0);
      batch.addPrefill(start, Math.min(maxNumBatchedTokens, prompt - start), prompt);
      micros += model.step(batch);
    }
    return micros / 1e6;
  };
  const itlSeconds = (concurrency: number, context: number): number => {
    const requests = Math.min(maxNumSeqs, Math.max(1, Math.round(concurrency)));
    const window = shape.slidingWindow ?? 0;
    const batch = new Batch(window);
    const length = Math.max(1, Math.round(context));
    batch.addDecodes(requests, requests * length, requests * Math.min(length, window));
    return model.step(batch) / 1e6;
  };
  return {
    ttftSeconds: (isl) => model.toQueue(Math.max(1, Math.round(isl))) / 1e6 + prefillSeconds(isl),
    prefillTokensPerGpu: (isl) => isl / prefillSeconds(isl) / gpusPerRank,
    itlSeconds: (concurrency, context) => itlSeconds(concurrency / ranks, context),
    bestDecodeTokensPerGpu: (most, context) => {
      const fullest = Math.min(maxNumSeqs, Math.max(1, Math.floor(kvTokens / Math.max(1, context))));
      for (let fill = FILLS; fill >= 1; fill -= 1) {
        const requests = Math.max(1, Math.floor((fullest * fill) / FILLS));
        const seconds = itlSeconds(requests, context);
        if (seconds <= most || requests === 1) return requests / seconds / gpusPerRank;
      }
      return 1 / itlSeconds(1, context) / gpusPerRank;
    },
  };
};
