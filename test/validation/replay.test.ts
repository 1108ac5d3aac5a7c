import { describe, expect, it } from "vitest";
import type { EngineTiming } from "../../src/engine/engine.ts";
import { micros } from "../../src/sim/time.ts";
import type { ClosedLoad, MeasuredRun, PoolLoad } from "../../src/validation/measured-run.ts";
import { replay } from "../../src/validation/replay.ts";
import type { Server } from "../../src/validation/server.ts";
import { shapeOf } from "../latency/fixtures.ts";

/** A step takes 10 ms, and 10 us more per prompt token. */
const timing: EngineTiming = {
  step: (batch) => micros(10_000 + 10 * batch.prefillTokens),
  toQueue: () => micros(0),
  perToken: micros(0),
  atFinish: micros(0),
};

const server = (engines: number, asyncScheduling = false): Server => ({
  context: {
    shape: shapeOf("Qwen/Qwen3-8B"),
    hardware: { id: "any" } as Server["context"]["hardware"],
    parallelism: { tp: 1, pp: 1, dp: 1, expertParallel: false },
    mode: "vllm",
  },
  config: {
    mode: "vllm",
    maxNumSeqs: 128,
    maxNumBatchedTokens: 8192,
    maxModelLen: 2048,
    blockSize: 16,
    numGpuBlocks: 20_000,
    prefixCaching: true,
    chunkedPrefill: true,
    longPrefillTokenThreshold: 0,
    asyncScheduling,
  },
  engines,
});

const runOf = (load: MeasuredRun["load"]): MeasuredRun => ({
  id: "r",
  deployment: "r",
  server: {} as MeasuredRun["server"],
  load,
  measured: {},
  stages: [],
  peers: {},
  suspect: false,
});

const pool: PoolLoad = {
  kind: "pool",
  systemPrompts: 10,
  promptsPerSystemPrompt: 10,
  systemTokens: 96,
  promptTokens: 800,
  outputTokens: 11,
  stages: [
    { ratePerSecond: 0.5, durationSeconds: 400, requests: 200 },
    { ratePerSecond: 0.5, durationSeconds: 400, requests: 200 },
  ],
};

describe("a pool of prompts", () => {
  const { stages, completed, failed } = replay(runOf(pool), server(1), timing, 1);

  it("serves every request of every stage", () => {
    expect([completed, failed]).toEqual([400, 0]);
    expect(stages).toHaveLength(2);
  });

  it("computes each prompt once: the first hundred are cold, all later ones find all but the last block", () => {
    const [cold, warm] = stages as [(typeof stages)[0], (typeof stages)[0]];
    // At half a request a second steps hardly ever overlap: a warm request waits for one step of at most 16 tokens.
    expect(warm?.ttft_mean).toBeGreaterThanOrEqual(10);
    expect(warm?.ttft_mean).toBeLessThan(10.7);
    // Half of the first stage is cold: some 800 or 700 tokens of 10 us.
    expect(cold?.ttft_mean).toBeCloseTo(10 + (100 * 7.1) / 200, 0);
    expect(cold?.ttft_p99).toBeGreaterThan(16);
  });

  it("streams a token per step", () => {
    expect(stages[1]?.itl_mean).toBeGreaterThanOrEqual(10);
    expect(stages[1]?.itl_mean).toBeLessThan(10.2);
    expect(stages[1]?.e2e_mean).toBeCloseTo((stages[1]?.ttft_mean ?? 0) + 10 * (stages[1]?.itl_mean ?? 0), 6);
  });

  it("draws the same requests from the same seed, others from another", () => {
    const one = replay(runOf(pool), server(1), timing, 1).overall;
    expect(one).toEqual(replay(runOf(pool), server(1), timing, 1).overall);
    expect(one).not.toEqual(replay(runOf(pool), server(1), timing, 2).overall);
  });

  it("is cold in each of several engines", () => {
    const ttft = (engines: number): number =>
      replay(
        runOf({ ...pool, stages: [{ ratePerSecond: 0.5, durationSeconds: 400, requests: 200 }] }),
        server(engines),
        timing,
        1,
      ).overall.ttft_mean ?? 0;
    // Three, since a hundred prompts in turn would meet the same of four engines again.
    expect(ttft(3)).toBeGreaterThan(ttft(1));
  });

  it("gives a request up after 300 s, as the load generator's client does", () => {
    const slow: EngineTiming = { ...timing, step: () => micros(40_000_000) };
    const stage = { ratePerSecond: 0.1, durationSeconds: 100, requests: 10 };
    const gone = replay(runOf({ ...pool, stages: [stage] }), server(1), slow, 1);
    expect([gone.completed, gone.failed]).toEqual([0, 10]);
    expect(gone.overall).toEqual({});
  });
});

describe("a closed loop", () => {
  const load: ClosedLoad = {
    kind: "closed",
    concurrency: 4,
    requests: 40,
    shortest: 1,
    promptTokens: 100,
    outputTokens: 51,
  };

  it("keeps that many in flight, each as long as said", () => {
    const { overall, completed } = replay(runOf(load), server(1), timing, 1);
    expect(completed).toBe(40);
    // Four at once, all in step: ten rounds of 51 steps of 10 ms, the first of each with 400 prompt tokens.
    expect(overall.ttft_mean).toBeCloseTo(14, 6);
    expect(overall.tpot_mean).toBeCloseTo(10, 6);
    expect(overall.output_tokens_per_s).toBeCloseTo((40 * 51) / (10 * 0.514), 3);
    expect(overall.itl_median).toBeCloseTo(10, 0);
  });

  it("draws lengths from a band where the nominal ones are the longest", () => {
    const { overall } = replay(runOf({ ...load, shortest: 0.5 }), server(1), timing, 1);
    expect(overall.e2e_mean).toBeLessThan(520);
    expect(overall.e2e_mean).toBeGreaterThan(300);
  });
});
