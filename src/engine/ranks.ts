import type { LoraInfo } from "../model/endpoint.ts";
import type { EngineCounters, EngineGauges, EngineHistograms, EngineState } from "../model/engine-state.ts";
import { Histogram } from "../model/metric-family.ts";

/** Requests of one rank. */
export interface RankLoad {
  readonly waiting: number;
  readonly running: number;
}

/**
 * Index of the data-parallel rank that gets the next request: four times those that wait and those that run, the first
 * of equals. Source: vllm/v1/engine/core_client.py, DPLBAsyncMPClient.get_core_engine_for_request (May 2026); its counts
 * are up to 100 ms old, these are not.
 */
export const chooseRank = (loads: readonly RankLoad[]): number => {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  loads.forEach(({ waiting, running }, i) => {
    const score = 4 * waiting + running;
    if (score >= least) return;
    least = score;
    best = i;
  });
  return best;
};

/** @param steps `together`: all ranks take each step; `apart`: each takes its own */
export const sumOfRanks = (ranks: readonly EngineState[], steps: "together" | "apart"): EngineState => {
  const [first] = ranks as [EngineState];
  const names = Object.keys(first.counters) as (keyof EngineCounters)[];
  const counters = Object.fromEntries(
    names.map((name) => [name, addUp(ranks.map((state) => state.counters[name]))]),
  ) as unknown as EngineCounters;
  if (steps === "together") counters.steps = first.counters.steps;
  counters.busyMicros = steps === "together" ? first.counters.busyMicros : counters.busyMicros / ranks.length;
  return {
    ...sumOfGauges(ranks),
    counters,
    histograms: mergedHistograms(ranks.map((state) => state.histograms)),
    ranks,
  };
};

export const sumOfGauges = (ranks: readonly EngineGauges[]): EngineGauges => {
  const sum = (of: (gauges: EngineGauges) => number): number => ranks.reduce((total, gauges) => total + of(gauges), 0);
  return {
    running: sum(({ running }) => running),
    waiting: sum(({ waiting }) => waiting),
    deferred: sum(({ deferred = 0 }) => deferred),
    ...loraOf(ranks),
    kvUsage: sum(({ kvUsage }) => kvUsage) / ranks.length,
    usedBlocks: sum(({ usedBlocks }) => usedBlocks),
    freeBlocks: sum(({ freeBlocks }) => freeBlocks),
  };
};

/** The newest series wins, so one rank's is seen; all of them together are what a replica has. */
const loraOf = (ranks: readonly EngineGauges[]): Pick<EngineGauges, "lora"> => {
  const infos = ranks.flatMap(({ lora }) => (lora === undefined ? [] : [lora]));
  const [first] = infos;
  if (first === undefined) return {};
  const all = (of: (info: LoraInfo) => readonly string[]): string[] => [...new Set(infos.flatMap(of))].sort();
  return { lora: { max: first.max, running: all(({ running }) => running), waiting: all(({ waiting }) => waiting) } };
};

type Count = number | Record<string, number>;

const addUp = (counts: readonly Count[]): Count => {
  const [first] = counts as [Count];
  if (typeof first === "number") return (counts as readonly number[]).reduce((total, count) => total + count, 0);
  const records = counts as readonly Record<string, number>[];
  return Object.fromEntries(
    Object.keys(first).map((key) => [key, records.reduce((total, record) => total + (record[key] ?? 0), 0)]),
  );
};

const mergedHistograms = (all: readonly EngineHistograms[]): EngineHistograms => {
  const names = Object.keys(all[0] as EngineHistograms) as (keyof EngineHistograms)[];
  const merged = names.map((name) => [name, merge(all.map((one) => one[name] as Histogram))]);
  return Object.fromEntries(merged) as unknown as EngineHistograms;
};

const merge = (parts: readonly Histogram[]): Histogram => {
  const whole = new Histogram((parts[0] as Histogram).bounds);
  for (const { counts, sum } of parts) {
    counts.forEach((count, i) => {
      whole.counts[i] = (whole.counts[i] as number) + count;
    });
    whole.sum += sum;
  }
  return whole;
};
