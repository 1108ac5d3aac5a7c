import { describe, expect, it } from "vitest";
import type { EngineConfig, EngineListener, EngineTiming } from "../../src/engine/engine.ts";
import { createEngine } from "../../src/engine/macro-engine.ts";
import type { EngineState } from "../../src/model/engine-state.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Request } from "../../src/model/request.ts";
import type { Rng } from "../../src/sim/rng.ts";
import { instant, micros, NEVER, type SimTime, START } from "../../src/sim/time.ts";
import { anyAborts, anyConfig, anyRequests, between, oneOf } from "../engine/any.ts";
import type { CreateEngine } from "../engine/drive.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { StepEngine } from "../oracle/step-engine.ts";

/** SEEDS=20000 looks longer. */
const SEEDS = Number(process.env.SEEDS ?? 1500);
const oracle: CreateEngine = (...args) => new StepEngine(...args);

/** Every figure matters, and overheads may be absent, so that arrivals meet the ends of steps. */
const anyTiming = (rng: Rng): EngineTiming => {
  const grain = oneOf(rng, [1, 100]);
  const overhead = rng.next() < 0.5 ? 1 : 0;
  return {
    step: (batch) => {
      if (batch.requests === 0) return micros(1);
      const { prefillTokens, decodes, decodeContext, prefillReach } = batch;
      const time = 500 + 7 * prefillTokens + 3 * decodes + (decodeContext >> 3) + (prefillReach >> 5);
      return micros(Math.ceil(time / grain) * grain);
    },
    toQueue: (prompt) => micros(overhead * (100 + prompt)),
    perToken: micros(overhead * 13),
    atFinish: micros(overhead * 29),
  };
};

interface Doing {
  readonly at: SimTime;
  readonly kind: "submit" | "abort" | "look" | "advance" | "abort-all";
  readonly request?: Request;
}

/** Does all that is asked for, in order, and wakes the engine when it is due. Tells all that can be seen of it. */
const replay = (create: CreateEngine, config: EngineConfig, timing: EngineTiming, doings: readonly Doing[]) => {
  const seen: string[] = [];
  let wakes = 0;
  const listener: EngineListener = {
    firstToken: (request, at) => void seen.push(`first ${request.id} ${at}`),
    finished: (facts: Finished) => void seen.push(JSON.stringify({ ...facts, request: facts.request.id })),
  };
  const engine = create(config, timing, listener, START);
  const shows = (state: EngineState): string =>
    JSON.stringify({
      ...state,
      histograms: Object.values(state.histograms).map(({ counts, sum }) => [counts.join(), sum]),
    });
  const wake = (until: number): void => {
    for (; engine.due <= until && engine.due !== NEVER; wakes += 1) engine.advance(engine.due);
  };
  for (const { at, kind, request } of doings) {
    wake(at - 1);
    if (kind === "submit") engine.submit(request as Request, at);
    if (kind === "abort") engine.abort((request as Request).id, at);
    if (kind === "abort-all") engine.abortAll(at);
    if (kind === "advance") engine.advance(at);
    if (kind === "look") seen.push(`${at} ${shows(engine.look(at))}`);
    seen.push(`${at} ${kind} ${engine.held}`);
  }
  wake(Number.MAX_VALUE);
  const end = Number(doings.at(-1)?.at ?? 0) + 1e9;
  seen.push(shows(engine.look(instant(end))));
  return { seen, wakes };
};

const anyDoings = (rng: Rng, requests: readonly Request[]): readonly Doing[] => {
  const horizon = Number(requests.at(-1)?.arrival ?? 0) + 60_000;
  const some = (kind: Doing["kind"], most: number): Doing[] =>
    Array.from({ length: rng.below(most + 1) }, () => ({ at: instant(rng.below(horizon)), kind }));
  return [
    ...requests.map((request): Doing => ({ at: request.arrival, kind: "submit", request })),
    ...anyAborts(rng, requests).map(
      ({ id, at }): Doing => ({ at, kind: "abort", request: requests.find((r) => r.id === id) as Request }),
    ),
    ...some("look", oneOf(rng, [0, 3, 60])),
    ...some("advance", oneOf(rng, [0, 3, 30])),
    ...(rng.next() < 0.05 ? some("abort-all", 1) : []),
  ].sort((a, b) => a.at - b.at);
};

const compare = (rng: Rng, config: EngineConfig, requests: readonly Request[]): { macro: number; steps: number } => {
  const [timing, doings] = [anyTiming(rng), anyDoings(rng, requests)];
  const exact = replay(oracle, config, timing, doings);
  const macro = replay(createEngine, config, timing, doings);
  macro.seen.forEach((line, i) => {
    if (line !== exact.seen[i])
      expect(macro.seen.slice(Math.max(0, i - 3), i + 2)).toEqual(exact.seen.slice(Math.max(0, i - 3), i + 2));
  });
  expect(macro.seen.length).toBe(exact.seen.length);
  return { macro: macro.wakes, steps: exact.wakes };
};

describe.each(["vllm", "blis"] as const)("the engine in %s mode does what the oracle does", (mode) => {
  it("where everything runs short", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      compare(rng, config, anyRequests(rng, config));
    });
  });

  it("where tokens are short", () => {
    forAllSeeds(SEEDS, (rng) => {
      const config = anyConfig(rng, mode);
      // The reference simulator also allows budgets below the batch.
      const least = mode === "blis" && rng.next() < 0.5 ? 1 : config.maxNumSeqs;
      const small = { maxNumBatchedTokens: least + rng.below(6), longPrefillTokenThreshold: between(rng, 0, 8) };
      compare(rng, { ...config, ...small, chunkedPrefill: true }, anyRequests(rng, config));
    });
  });

  it("in long runs, at a fraction of the wakes", () => {
    let [macro, steps] = [0, 0];
    forAllSeeds(SEEDS / 5, (rng) => {
      const config = {
        ...anyConfig(rng, mode),
        maxModelLen: 4000,
        maxNumSeqs: between(rng, 4, 40),
        maxNumBatchedTokens: 4000,
        numGpuBlocks: 4001 + rng.below(4000),
      };
      let at = 0;
      const requests = Array.from({ length: between(rng, 1, 40) }, (_, id): Request => {
        at += rng.below(60_000);
        return { id, arrival: instant(at), promptTokens: between(rng, 1, 900), outputTokens: between(rng, 1, 600) };
      });
      const one = compare(rng, config, requests);
      macro += one.macro;
      steps += one.steps;
    });
    expect(macro * 3).toBeLessThan(steps);
  });
});
