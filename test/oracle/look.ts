import type { EngineConfig } from "../../src/engine/engine.ts";
import {
  type EngineCounters,
  type EngineHistograms,
  type EngineState,
  noCounts,
} from "../../src/model/engine-state.ts";
import { noObservations } from "./tally.ts";

/** Ended at the door, so that no rank knows of them. */
export interface TurnedAway {
  abort: number;
  max_num_queued_reqs: number;
  max_num_queued_tokens: number;
}

/** The state of all ranks together. */
export const togetherOf = (
  states: readonly EngineState[],
  { max_num_queued_reqs, max_num_queued_tokens, abort }: TurnedAway,
  config: EngineConfig,
): EngineState => {
  const [only] = states;
  const state = states.length === 1 && only !== undefined ? only : sumOfRanks(states, config);
  const { counters } = state;
  return {
    ...state,
    counters: {
      ...counters,
      success: { ...counters.success, abort: counters.success.abort + abort },
      overloaded: { max_num_queued_reqs, max_num_queued_tokens },
    },
  };
};

const sumOfRanks = (states: readonly EngineState[], config: EngineConfig): EngineState => {
  const total = (of: (state: EngineState) => number): number => states.reduce((sum, state) => sum + of(state), 0);
  return {
    running: total(({ running }) => running),
    waiting: total(({ waiting }) => waiting),
    deferred: total(({ deferred = 0 }) => deferred),
    kvUsage: total(({ kvUsage }) => kvUsage) / states.length,
    usedBlocks: total(({ usedBlocks }) => usedBlocks),
    freeBlocks: total(({ freeBlocks }) => freeBlocks),
    counters: sumOfCounters(
      states.map(({ counters }) => counters),
      config.lockstep === true,
    ),
    histograms: sumOfHistograms(
      states.map(({ histograms }) => histograms),
      config.maxModelLen,
    ),
    ranks: states,
  };
};

/** Ranks in lockstep count the same steps; of the others each has its own, and is busy part of the time. */
const sumOfCounters = (all: readonly EngineCounters[], lockstep: boolean): EngineCounters => {
  const sum = noCounts();
  for (const counters of all) {
    for (const [name, value] of Object.entries(counters)) {
      const key = name as keyof EngineCounters;
      if (key === "success")
        for (const [reason, count] of Object.entries(value as object)) sum.success[reason as "stop"] += count;
      else if (key !== "overloaded") sum[key] += value as number;
    }
  }
  sum.busyMicros /= all.length;
  if (lockstep) sum.steps /= all.length;
  return sum;
};

const sumOfHistograms = (all: readonly EngineHistograms[], maxModelLen: number): EngineHistograms => {
  const sums = noObservations(maxModelLen);
  for (const [name, sum] of Object.entries(sums)) {
    for (const histograms of all) {
      const one = histograms[name as keyof EngineHistograms];
      one?.counts.forEach((count, i) => (sum.counts[i] = (sum.counts[i] as number) + count));
      sum.sum += one?.sum ?? 0;
    }
  }
  return sums;
};
