import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { EngineConfig, EngineTiming } from "../../src/engine/engine.ts";
import type { EngineState } from "../../src/model/engine-state.ts";
import type { Histogram } from "../../src/model/metric-family.ts";
import type { Request } from "../../src/model/request.ts";
import { instant, micros, type SimTime } from "../../src/sim/time.ts";
import { anyAborts, anyConfig, anyRequests } from "../engine/any.ts";
import { type CreateEngine, type Drive, drive } from "../engine/drive.ts";
import { forAllSeeds, seedsOf } from "../for-all-seeds.ts";
import { StepEngine } from "../oracle/step-engine.ts";

const SEEDS = seedsOf(60);
/** For laws about steps: the engine itself asks for the times of steps that it may not take. */
const oracle: CreateEngine = (...args) => new StepEngine(...args);

/** Every figure matters, so that a batch that differs shows in time. */
const timing: EngineTiming = {
  step: (batch) =>
    micros(
      batch.requests === 0
        ? 1
        : 500 + 7 * batch.prefillTokens + 3 * batch.decodes + (batch.decodeContext >> 3) + (batch.prefillReach >> 5),
    ),
  toQueue: (prompt) => micros(100 + prompt),
  perToken: micros(13),
  atFinish: micros(29),
};

/** Everything that can be told of a run, in a form that compares. */
const digest = ({ facts, firstTokens, state, end }: Drive): string =>
  JSON.stringify({
    facts: facts.map((fact) => ({ ...fact, request: fact.request.id })),
    firstTokens: [...firstTokens],
    end,
    counters: state.counters,
    histograms: Object.values(state.histograms).map(({ counts, sum: total }: Histogram) => [counts.join(), total]),
  });

const usable = (config: EngineConfig): number => config.numGpuBlocks - (config.mode === "vllm" ? 1 : 0);
/** As `expect`, where it would be asked a million times. */
const holds = (law: boolean, what: string): void => {
  if (!law) throw new Error(what);
};
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

const cases = (["vllm", "blis"] as const).flatMap((mode) => [
  { name: "engine", mode, create: createEngine },
  { name: "oracle", mode, create: oracle },
]);

describe.each(cases)("$name in $mode mode", ({ mode, create }) => {
  it("ends every request once, holds the rest, and is empty when idle", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      const requests = anyRequests(rng, config);
      const arrivals = requests.map((r) => r.arrival);
      const run = drive(config, requests, {
        create,
        timing,
        aborts: anyAborts(rng, requests),
        watch: (_state, now, { held, ended }) => {
          const arrived = arrivals.filter((at) => at <= now).length;
          const due = arrivals.filter((at) => at < now).length;
          holds(
            held + ended.size <= arrived && held + ended.size >= due,
            `${held} held, ${ended.size} ended of ${arrived}`,
          );
        },
      });
      expect(run.facts.map((fact) => fact.request.id).sort((a, b) => a - b)).toEqual(requests.map((r) => r.id));
      expect(run.held).toBe(0);
      expect([run.state.running, run.state.waiting, run.state.usedBlocks]).toEqual([0, 0, 0]);
      const { success } = run.state.counters;
      const rejected = run.facts.filter((fact) => fact.outcome === "rejected").length;
      expect(success.stop + success.length + success.abort + rejected).toBe(requests.length);
    });
  });

  it("neither loses nor invents tokens", () => {
    let preempted = 0;
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      const run = drive(config, anyRequests(rng, config), { create, timing });
      const served = run.facts.filter((fact) => fact.outcome !== "rejected");
      for (const fact of served) {
        const most = config.maxModelLen - fact.request.promptTokens;
        expect(fact.outputTokens).toBe(Math.min(fact.request.outputTokens, most));
        expect(fact.outcome).toBe(fact.request.outputTokens > most ? "length" : "stop");
        expect(fact.cachedTokens % config.blockSize).toBe(0);
        expect(fact.cachedTokens).toBeLessThanOrEqual(fact.request.promptTokens - (mode === "vllm" ? 1 : 0));
      }
      const { counters } = run.state;
      const outputs = sum(served.map((fact) => fact.outputTokens));
      const preemptions = sum(served.map((fact) => fact.preemptions));
      const needed = sum(served.map((fact) => fact.request.promptTokens - fact.cachedTokens + fact.outputTokens - 1));
      preempted += preemptions;
      expect(counters.preemptions).toBe(preemptions);
      expect(counters.promptTokens).toBe(sum(served.map((fact) => fact.request.promptTokens)));
      expect(counters.promptTokensCached).toBe(sum(served.map((fact) => fact.cachedTokens)));
      if (mode === "vllm" || preemptions === 0) expect(counters.generationTokens).toBe(outputs);
      if (create !== oracle) return;
      const computed = sum(run.steps.map((step) => step.prefillTokens + step.decodes));
      if (preemptions > 0) expect(computed).toBeGreaterThanOrEqual(mode === "vllm" ? needed - outputs : needed);
      else {
        // An asynchronous scheduler wastes one slot on each request that stops by itself.
        const wasted = mode === "vllm" && config.asyncScheduling ? served.length : 0;
        expect(computed).toBeGreaterThanOrEqual(needed);
        expect(computed).toBeLessThanOrEqual(needed + wasted);
      }
    });
    expect(preempted).toBeGreaterThan(SEEDS);
  });

  it("keeps to its blocks, slots and budget", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      const requests = anyRequests(rng, config);
      const run = drive(config, requests, {
        create,
        timing,
        aborts: anyAborts(rng, requests),
        watch: (state) => {
          const { usedBlocks, freeBlocks, kvUsage, running } = state;
          holds(usedBlocks + freeBlocks === usable(config), `${usedBlocks} used + ${freeBlocks} free`);
          holds(Math.min(usedBlocks, freeBlocks) >= 0, `${usedBlocks} used, ${freeBlocks} free`);
          holds(Math.abs(kvUsage - usedBlocks / usable(config)) < 1e-12, `usage ${kvUsage}`);
          holds(running <= config.maxNumSeqs, `${running} running`);
        },
      });
      for (const step of run.steps) {
        holds(step.requests <= config.maxNumSeqs, `${step.requests} in a step`);
        holds(step.prefillTokens + step.decodes <= config.maxNumBatchedTokens, "budget");
      }
    });
  });

  it("tells causes before effects", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      const requests = anyRequests(rng, config);
      const run = drive(config, requests, { create, timing, aborts: anyAborts(rng, requests) });
      let told: SimTime = instant(0);
      for (const fact of run.facts) {
        expect(fact.toldAt).toBeGreaterThanOrEqual(told);
        told = fact.toldAt;
        expect(fact.queued).toBeGreaterThanOrEqual(fact.request.arrival);
        if (fact.scheduled !== undefined) expect(fact.scheduled).toBeGreaterThanOrEqual(fact.queued);
        if (fact.firstToken !== undefined) expect(fact.firstToken).toBeGreaterThan(fact.scheduled as number);
        expect(fact.end).toBeGreaterThanOrEqual(fact.firstToken ?? fact.queued);
        if (fact.outcome === "stop" || fact.outcome === "length") expect(fact.firstToken).toBeDefined();
        if (mode === "vllm" && fact.firstToken !== undefined) {
          expect(run.firstTokens.get(fact.request.id)).toBe(fact.firstToken);
        }
      }
    });
  });

  it("observes each histogram as often as vLLM does", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      const run = drive(config, anyRequests(rng, config), { create, timing });
      const { histograms, counters } = run.state;
      const served = run.facts.filter((fact) => fact.outcome !== "rejected");
      expect(histograms.timeToFirstToken.count).toBe(served.length);
      expect(histograms.e2eLatency.count).toBe(served.length);
      expect(histograms.e2eLatency.sum * 1e6).toBeCloseTo(sum(served.map((f) => f.end - f.request.arrival)), 3);
      expect(histograms.generationTokens.sum).toBe(sum(served.map((f) => f.outputTokens)));
      if (mode === "blis") return;
      expect(histograms.interTokenLatency.count).toBe(counters.generationTokens - served.length);
      expect(histograms.interTokenLatency.sum).toBeCloseTo(histograms.decodeTime.sum, 6);
      expect(histograms.inferenceTime.sum).toBeCloseTo(histograms.prefillTime.sum + histograms.decodeTime.sum, 6);
    });
  });

  it("is the same every time, and however often somebody looks", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      const requests = anyRequests(rng, config);
      const aborts = anyAborts(rng, requests);
      const plain = digest(drive(config, requests, { create, timing, aborts }));
      expect(digest(drive(config, requests, { create, timing, aborts }))).toBe(plain);
      expect(digest(drive(config, requests, { create, timing, aborts, cuts: rng }))).toBe(plain);
    });
  });
});

describe("engine at work", () => {
  it("never stands still while a request is in its queue", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, "vllm");
      const requests = anyRequests(rng, config);
      const served = requests.filter((r) => r.promptTokens < config.maxModelLen);
      let before = { now: 0, busy: 0, working: false };
      drive(config, requests, {
        timing,
        watch: (state, now, { ended }) => {
          const busy = state.counters.busyMicros;
          holds(!before.working || busy - before.busy === now - before.now, `busy from ${before.now} to ${now}`);
          const isQueued = (r: Request): boolean =>
            r.arrival + timing.toQueue(r.promptTokens) <= now && !ended.has(r.id);
          before = { now, busy, working: served.some(isQueued) };
        },
      });
    });
  });

  it("lets nobody wait who fits", () => {
    let looked = 0;
    forAllSeeds(SEEDS, (rng) => {
      const plain = { asyncScheduling: false, longPrefillTokenThreshold: 0, chunkedPrefill: true };
      const config = { ...anyConfig(rng, "vllm"), ...plain };
      const spent: number[] = [];
      const counting: EngineTiming = {
        ...timing,
        step: (batch) => {
          spent.push(batch.prefillTokens + batch.decodes);
          return timing.step(batch);
        },
      };
      let before: EngineState["counters"] | undefined;
      drive(config, anyRequests(rng, config), {
        create: oracle,
        timing: counting,
        watch: ({ counters, waiting, running, freeBlocks }) => {
          const ended = ({ success }: EngineState["counters"]): number => success.stop + success.length;
          const quiet =
            before?.steps === counters.steps - 1 &&
            before.preemptions === counters.preemptions &&
            ended(before) === ended(counters);
          const budgetLeft = (spent[counters.steps - 1] as number) < config.maxNumBatchedTokens;
          if (quiet && budgetLeft && waiting > 0 && running < config.maxNumSeqs) {
            looked += 1;
            // Nobody needs more than the longest context.
            holds(
              freeBlocks * config.blockSize < config.maxModelLen,
              `somebody waits beside ${freeBlocks} free blocks`,
            );
          }
          before = counters;
        },
      });
    });
    expect(looked).toBeGreaterThan(100);
  });
});
