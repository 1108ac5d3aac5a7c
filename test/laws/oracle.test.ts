import { describe, expect, it } from "vitest";
import type { EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import type { Batch } from "../../src/model/batch.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { anyAborts } from "../engine/any.ts";
import { type CreateEngine, type Drive, drive } from "../engine/drive.ts";
import { chosenFamilies, shortages, type Workload } from "../engine/families.ts";
import { anyDoings, anyTiming, replay } from "../engine/replay.ts";
import { forAllSeeds, seedsOf } from "../for-all-seeds.ts";
import { StepEngine } from "../oracle/step-engine.ts";

const SEEDS = seedsOf(10);
const oracle: CreateEngine = (...args) => new StepEngine(...args);

/** As `expect`, where it would be asked a million times. */
const holds = (law: boolean, what: string): void => {
  if (!law) throw new Error(what);
};
const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

const isBounded = (batch: Batch, config: EngineConfig): void => {
  const { maxNumBatchedTokens, encoderBudget = maxNumBatchedTokens, maxNumSeqs, lora, pipelineStages = 1 } = config;
  const tokens = batch.prefillTokens + batch.decodeTokens;
  holds(tokens <= maxNumBatchedTokens, `${tokens} tokens in a step`);
  holds(batch.requests <= maxNumSeqs, `${batch.requests} requests in a step`);
  holds(batch.encoderTokens <= encoderBudget, `${batch.encoderTokens} tokens encoded in a step`);
  // With several steps under way those who run needn't be in each, and the next one may have more adapters (as in vLLM).
  if (lora !== undefined && pipelineStages === 1) holds(batch.adapters <= lora.maxLoras, `${batch.adapters} adapters`);
};

const usable = ({ mode, numGpuBlocks, ranks = 1 }: EngineConfig): number =>
  ranks * (numGpuBlocks - (mode === "vllm" ? 1 : 0));

/** Runs a workload and keeps watch. */
const watched = ({ config, requests, hangsUp, kv }: Workload, rng: Rng): Drive => {
  const ended = new Set<number>();
  const engines: StepEngine[] = [];
  const create: CreateEngine = (_, timing, listener, start) => {
    const bounded: EngineTiming = {
      ...timing,
      step: (batch) => {
        isBounded(batch, config);
        return timing.step(batch);
      },
    };
    const watching: EngineListener = {
      ...listener,
      firstToken: (...[request, at]: Parameters<typeof listener.firstToken>) => {
        holds(!ended.has(request.id), `first token of ${request.id} after its end`);
        listener.firstToken(request, at);
      },
      finished: (facts: Parameters<typeof listener.finished>[0]) => {
        holds(!ended.has(facts.request.id), `${facts.request.id} ends twice`);
        ended.add(facts.request.id);
        listener.finished(facts);
      },
    };
    const engine = new StepEngine(config, bounded, watching, start);
    engines.push(engine);
    return engine;
  };
  return drive(config, requests, {
    create,
    timing: anyTiming(rng),
    aborts: hangsUp ? anyAborts(rng, requests) : [],
    kv,
    watch: ({ usedBlocks, freeBlocks, kvUsage }) => {
      for (const engine of engines) engine.audit();
      holds(usedBlocks + freeBlocks === usable(config), `${usedBlocks} used + ${freeBlocks} free`);
      holds(Math.min(usedBlocks, freeBlocks) >= 0, `${usedBlocks} used, ${freeBlocks} free`);
      holds(Math.abs(kvUsage - usedBlocks / usable(config)) < 1e-12, `usage ${kvUsage}`);
    },
  });
};

const cases = chosenFamilies(() => true).flatMap((family) => family.modes.map((mode) => ({ ...family, mode })));

describe.each(cases)("the oracle, $name in $mode mode", ({ mode, of }) => {
  it.each(Object.entries(shortages))("keeps its laws where %s runs short", (_, anyShort) => {
    forAllSeeds(SEEDS, (rng) => {
      const workload = of(rng, anyShort(rng, mode));
      const { config, requests } = workload;
      const { facts, state, held, steps } = watched(workload, rng);
      expect(facts.map(({ request }) => request.id).sort((a, b) => a - b)).toEqual(requests.map(({ id }) => id));
      expect([held, state.running, state.waiting, state.usedBlocks]).toEqual([0, 0, 0, 0]);
      const count = (...outcomes: readonly string[]): number =>
        facts.filter(({ outcome }) => outcomes.includes(outcome)).length;
      const { success, overloaded, ...counters } = state.counters;
      expect(success.stop).toBe(count("stop"));
      expect(success.length).toBe(count("length"));
      expect(success.error).toBe(count("failed"));
      expect(success.abort).toBe(count("aborted", "timed-out"));
      expect(sum(Object.values(overloaded))).toBe(count("overloaded"));
      if (config.lockstep !== true) expect(counters.steps).toBe(steps.length);
      for (const { outcome, request, outputTokens, firstToken, scheduled, queued, end, toldAt } of facts) {
        const { promptTokens, deadline = Number.POSITIVE_INFINITY, arrival } = request;
        const most = Math.min(request.maxTokens ?? Number.POSITIVE_INFINITY, config.maxModelLen - promptTokens);
        if (outcome === "stop" || outcome === "length") {
          holds(outputTokens === Math.min(request.outputTokens, most), `${outputTokens} outputs`);
          holds(firstToken !== undefined, "an end without a first token");
          if (mode === "vllm") holds(toldAt <= deadline, `ended at ${toldAt}, after its deadline ${deadline}`);
        }
        if (outcome === "timed-out") holds(toldAt === Math.max(deadline, arrival), `timed out at ${toldAt}`);
        holds(outputTokens <= Math.min(request.outputTokens, Math.max(0, most)), "too many outputs");
        holds(scheduled === undefined || scheduled >= queued, "scheduled before it was queued");
        holds(
          firstToken === undefined || (scheduled !== undefined && firstToken > scheduled),
          "a token before its step",
        );
        holds(end >= (firstToken ?? queued), "an end before the first token");
      }
      if (mode === "vllm") expect(counters.generationTokens).toBe(sum(facts.map((fact) => fact.outputTokens)));
      expect(counters.acceptedTokens).toBeLessThanOrEqual(counters.draftTokens);
    });
  });

  it("is the same however often somebody looks", () => {
    forAllSeeds(SEEDS / 2, (rng) => {
      const workload = of(rng, shortages.everything(rng, mode));
      const [timing, doings] = [anyTiming(rng), anyDoings(rng, workload)];
      const needed = doings.filter(({ kind }) => kind !== "look" && kind !== "advance");
      const often = replay(oracle, workload.config, timing, doings, workload).seen;
      const seldom = replay(oracle, workload.config, timing, needed, workload).seen;
      const told = (lines: readonly string[]) =>
        lines.filter((line) => line.startsWith("first") || line.startsWith("{"));
      expect(told(often)).toEqual(told(seldom));
      expect(counts(often.at(-1))).toEqual(counts(seldom.at(-1)));
    });
  });
});

/** All but the instant of looking. */
const counts = (line = ""): string => line.slice(line.indexOf(" "));
