import { Batch } from "../model/batch.ts";
import type { LatencyModel } from "./latency-model.ts";

/**
 * A model of `ranks` data-parallel ranks that is asked for the batch of one. The models are made for the batches of all
 * ranks together, equally spread: each rank's step lasts as if the others had the same.
 */
export const perRank = (model: LatencyModel, ranks: number): LatencyModel => {
  if (ranks === 1) return model;
  let all = new Batch();
  const { perToken, atFinish } = model;
  return {
    perToken,
    atFinish,
    toQueue: (promptTokens) => model.toQueue(promptTokens),
    step: (batch) => {
      if (all.window !== batch.window) all = new Batch(batch.window);
      all.assignTimes(batch, ranks);
      return model.step(all);
    },
  };
};
