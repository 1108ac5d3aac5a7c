import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { EngineConfig } from "../../src/engine/engine.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Request } from "../../src/model/request.ts";
import { instant, NEVER, START } from "../../src/sim/time.ts";
import { type Drive, drive, plainConfig, plainTiming, request } from "./drive.ts";

/** Steps take 1000 us, and 10 us per prompt token; no overheads; blocks of 4 tokens, 64 usable. */
const run = (said: Partial<EngineConfig>, requests: readonly Request[]): Drive =>
  drive({ ...plainConfig, ...said }, requests);
const of = (outcome: Drive, id: number): Finished => {
  const facts = outcome.facts.find((fact) => fact.request.id === id);
  if (facts === undefined) throw new Error(`request ${id} hasn't ended`);
  return facts;
};
const prefills = (outcome: Drive): readonly number[] => outcome.steps.map((step) => step.prefillTokens);

describe("step loop", () => {
  it("the first token comes out of the step that completes the prefill", () => {
    const outcome = run({}, [request(1, 500, 10, 3)]);
    expect(of(outcome, 1)).toMatchObject({ queued: 500, scheduled: 500, firstToken: 1600, end: 3600, outputTokens: 3 });
    expect(outcome.steps).toEqual([
      { requests: 1, prefillTokens: 10, decodes: 0 },
      { requests: 1, prefillTokens: 0, decodes: 1 },
      { requests: 1, prefillTokens: 0, decodes: 1 },
    ]);
  });

  it("one output token needs no decode step", () => {
    expect(run({}, [request(1, 0, 10, 1)]).steps).toHaveLength(1);
  });

  it("splits a prompt over the token budget into chunks", () => {
    expect(prefills(run({}, [request(1, 0, 150, 1)]))).toEqual([64, 64, 22]);
  });

  it("gives newcomers what the budget has left, and those who run go first", () => {
    const outcome = run({ maxNumBatchedTokens: 20 }, [request(1, 0, 12, 3), request(2, 0, 30, 1)]);
    expect(outcome.steps).toEqual([
      { requests: 2, prefillTokens: 20, decodes: 0 },
      { requests: 2, prefillTokens: 19, decodes: 1 },
      { requests: 2, prefillTokens: 3, decodes: 1 },
    ]);
  });

  it("runs at most max_num_seqs requests", () => {
    const outcome = run(
      { maxNumSeqs: 2 },
      [1, 2, 3].map((id) => request(id, 0, 4, 2)),
    );
    expect(outcome.steps.map((step) => step.requests)).toEqual([2, 2, 1, 1]);
    expect(of(outcome, 3).scheduled).toBe(of(outcome, 1).end);
  });

  it("cuts long prefills at the threshold, so that others get in beside them", () => {
    const outcome = run({ longPrefillTokenThreshold: 16 }, [request(1, 0, 40, 1), request(2, 0, 10, 1)]);
    expect(outcome.steps).toEqual([
      { requests: 2, prefillTokens: 26, decodes: 0 },
      { requests: 1, prefillTokens: 16, decodes: 0 },
      { requests: 1, prefillTokens: 8, decodes: 0 },
    ]);
  });

  it("without chunked prefill a prompt waits until the budget holds it whole", () => {
    const config = { chunkedPrefill: false, maxNumBatchedTokens: 64, maxModelLen: 64 };
    expect(prefills(run(config, [request(1, 0, 40, 1), request(2, 0, 40, 1)]))).toEqual([40, 40]);
    expect(prefills(run({ ...config, chunkedPrefill: true }, [request(1, 0, 40, 1), request(2, 0, 40, 1)]))).toEqual([
      64, 16,
    ]);
  });

  it("a request that is queued at the very instant of a step takes part in it", () => {
    const outcome = run({}, [request(1, 0, 4, 3), request(2, 1040, 4, 1)]);
    expect(of(outcome, 2)).toMatchObject({ scheduled: 1040, firstToken: 2080 });
  });
});

describe("front end's share", () => {
  const timing = { ...plainTiming, perToken: 45 as never, atFinish: 777 as never, toQueue: () => 1000 as never };
  it("delays the queue and enlarges what the client sees, but no step", () => {
    const { facts, state } = drive(plainConfig, [request(1, 0, 10, 3)], { timing });
    expect(facts[0]).toMatchObject({ queued: 1000, scheduled: 1000, firstToken: 2145, end: 4922 });
    expect(state.histograms.interTokenLatency.sum).toBeCloseTo(0.002, 9);
    expect(state.histograms.timeToFirstToken.sum).toBeCloseTo(0.002145, 9);
    expect(state.histograms.prefillTime.sum).toBeCloseTo(0.0011, 9);
    expect(state.histograms.queueTime.sum).toBe(0);
  });

  it("is part of every gap in blis mode", () => {
    const { facts, state } = drive({ ...plainConfig, mode: "blis" }, [request(1, 0, 10, 3)], { timing });
    expect(facts[0]).toMatchObject({ firstToken: 2145, end: 2145 + 2 * 1045 + 777 });
    expect(state.histograms.interTokenLatency.sum).toBeCloseTo(0.00209, 9);
  });
});

describe("asynchronous scheduling", () => {
  const config = { asyncScheduling: true };

  it("a request arriving during step N starts with N + 2", () => {
    const requests = [request(1, 0, 4, 6), request(2, 1500, 4, 1)];
    // Steps of request 1 start at 0, 1040, 2040, 3040 ...; 1500 lies in the second.
    expect(of(run({}, requests), 2).scheduled).toBe(2040);
    expect(of(run(config, requests), 2).scheduled).toBe(3040);
  });

  it("an idle engine starts at once", () => {
    expect(of(run(config, [request(1, 0, 4, 2), request(2, 50_000, 4, 1)]), 2).scheduled).toBe(50_000);
  });

  it("a request that stops by itself wastes one slot, one that ends by length none", () => {
    expect(run(config, [request(1, 0, 4, 3)]).steps.map((step) => step.decodes)).toEqual([0, 1, 1, 1]);
    const capped = run({ ...config, maxModelLen: 7 }, [request(1, 0, 4, 30)]);
    expect(capped.steps.map((step) => step.decodes)).toEqual([0, 1, 1]);
    expect(of(capped, 1)).toMatchObject({ outcome: "length", outputTokens: 3 });
  });

  it("blocks of a request that ends in step N are free for N + 2, not N + 1", () => {
    // Eight usable blocks: request 2 needs six of them, request 1 holds four until its end at 3160.
    const requests = [request(1, 0, 16, 3), request(2, 0, 24, 1)];
    const small = { maxModelLen: 32, numGpuBlocks: 9 };
    expect(of(run(small, requests), 1).end).toBe(3160);
    expect(of(run(small, requests), 2).scheduled).toBe(3160);
    expect(of(run({ ...small, ...config }, requests), 2).scheduled).toBe(4160);
  });
});

describe("KV cache", () => {
  const group = (tokens: number) => ({ kind: "group", key: "a", tokens }) as const;

  it("a shared prefix is computed once, and the last block of a prompt always again", () => {
    const requests = [
      request(1, 0, 16, 1, group(16)),
      request(2, 9000, 16, 1, group(16)),
      request(3, 20_000, 30, 1, group(16)),
    ];
    const outcome = run({ prefixCaching: true }, requests);
    expect(outcome.facts.map((fact) => fact.cachedTokens)).toEqual([0, 12, 16]);
    expect(prefills(outcome)).toEqual([16, 4, 14]);
    expect(outcome.state.counters).toMatchObject({
      prefixQueries: 62,
      prefixHits: 28,
      promptTokens: 62,
      promptTokensCached: 28,
    });
  });

  it("blis computes nothing of a wholly cached prompt (D1)", () => {
    const outcome = run({ mode: "blis", prefixCaching: true }, [
      request(1, 0, 16, 2, group(16)),
      request(2, 9000, 16, 2, group(16)),
    ]);
    expect(of(outcome, 2)).toMatchObject({ cachedTokens: 16, scheduled: 9000, firstToken: 9001, end: 10_001 });
  });

  it("the second of two requests in one step finds the blocks of the first", () => {
    const outcome = run({ prefixCaching: true }, [request(1, 0, 20, 1, group(16)), request(2, 0, 20, 1, group(16))]);
    expect(of(outcome, 2).cachedTokens).toBe(16);
  });

  it.each([
    { name: "as far as their ids agree", ids: [7, 8, 9], tokens: 48, cached: 32 },
    { name: "not at all if the first differs", ids: [6, 8], tokens: 48, cached: 0 },
    { name: "not beyond the id chain", ids: [7], tokens: 48, cached: 16 },
  ])("chains of block ids share $name", ({ ids, tokens, cached }) => {
    const chain = (list: number[]) => ({ kind: "blocks", ids: list, blockTokens: 16 }) as const;
    const outcome = run({ prefixCaching: true }, [
      request(1, 0, 50, 1, chain([7, 8, 5])),
      request(2, 9000, tokens, 1, chain(ids)),
    ]);
    expect(of(outcome, 2).cachedTokens).toBe(cached);
  });

  it("forgets the oldest prefix when blocks run short", () => {
    const prefix = (key: string) => ({ kind: "group", key, tokens: 32 }) as const;
    const requests = ["a", "b", "c", "a", "c"].map((key, i) => request(i, i * 9000, 32, 1, prefix(key)));
    // 20 usable blocks, 8 per request: c takes the blank ones and the end of a.
    const outcome = run({ prefixCaching: true, numGpuBlocks: 21, maxModelLen: 64 }, requests);
    expect(outcome.facts.map((fact) => fact.cachedTokens)).toEqual([0, 0, 0, 16, 28]);
  });

  describe.each([
    { mode: "vllm", numGpuBlocks: 21 },
    { mode: "blis", numGpuBlocks: 20 },
  ] as const)("with 20 usable blocks in $mode mode", ({ mode, numGpuBlocks }) => {
    const shared = (id: number, key: string, prompt: number) =>
      request(id, id * 9000, prompt, 1, { kind: "group", key, tokens: 16 });
    const cachedOfLast = (requests: readonly Request[]): number | undefined =>
      run({ mode, numGpuBlocks, maxModelLen: 72, prefixCaching: true }, requests).facts.at(-1)?.cachedTokens;

    it("keyless blocks are used up first in vLLM (D6)", () => {
      // 1 and 2 leave four keyed blocks and one without a key each; 3 needs all 10 blank ones and two more.
      const requests = [shared(1, "a", 18), shared(2, "b", 18), request(3, 27_000, 47, 1), shared(4, "a", 18)];
      expect(cachedOfLast(requests)).toBe(mode === "vllm" ? 16 : 12);
    });

    it("vLLM keeps a second block with the same key (D7), where blis has none (D1)", () => {
      // 2 computes the last block of the prefix again; 3 takes the 15 blank ones and the older of the two.
      const requests = [shared(1, "a", 16), shared(2, "a", 16), request(3, 27_000, 63, 1), shared(4, "a", 18)];
      expect(cachedOfLast(requests)).toBe(mode === "vllm" ? 16 : 12);
    });

    it("blis takes a block for the last token too (D3)", () => {
      // 2 fills the 16 blocks without a key up to its last token but one; a block for that one evicts the prefix's end.
      const requests = [shared(1, "a", 19), request(2, 18_000, 63, 2), shared(3, "a", 18)];
      expect(cachedOfLast(requests)).toBe(mode === "vllm" ? 16 : 12);
    });
  });

  it("holds no blocks of finished requests, but still finds them", () => {
    const { state } = run({ prefixCaching: true }, [request(1, 0, 16, 1, group(16))]);
    expect([state.usedBlocks, state.freeBlocks]).toEqual([0, 64]);
  });

  it("admits only if the whole prompt fits (D8); blis if its first chunk does", () => {
    const requests = [request(1, 0, 40, 30), request(2, 0, 60, 1)];
    const small = { maxModelLen: 80, numGpuBlocks: 21, maxNumBatchedTokens: 64 };
    expect(of(run(small, requests), 2).scheduled).toBe(of(run(small, requests), 1).end);
    const blis = run({ ...small, mode: "blis" }, requests);
    expect(of(blis, 2).scheduled).toBe(0);
    expect(of(blis, 2).preemptions).toBeGreaterThan(0);
  });

  describe("preemption", () => {
    // 10 usable blocks of 4: each prompt takes 4; when both need their sixth, the later one gives way.
    const requests = [request(1, 0, 16, 12), request(2, 0, 16, 12)];
    const small = { maxModelLen: 40, numGpuBlocks: 11, prefixCaching: false };

    it("takes the blocks of the newest request, which keeps its outputs and computes them again with its prompt", () => {
      const outcome = run(small, requests);
      expect(outcome.facts.map((fact) => [fact.request.id, fact.preemptions])).toEqual([
        [1, 0],
        [2, 1],
      ]);
      expect(of(outcome, 2)).toMatchObject({ firstToken: of(outcome, 1).firstToken, outputTokens: 12 });
      // Prompt and the five outputs so far, in one go.
      expect(prefills(outcome).filter((tokens) => tokens > 0)).toEqual([32, 21]);
      expect(outcome.state.counters).toMatchObject({ preemptions: 1, generationTokens: 24, promptTokens: 32 });
    });

    it("blis throws the outputs away and measures the first token anew (D2)", () => {
      const outcome = run({ ...small, mode: "blis", numGpuBlocks: 10 }, requests);
      // It comes back as soon as its prompt fits, twice too early: the next token's block doesn't (no D8 there).
      expect(prefills(outcome).filter((tokens) => tokens > 0)).toEqual([32, 16, 16, 16]);
      expect(of(outcome, 2)).toMatchObject({ preemptions: 3, outputTokens: 12 });
      expect(of(outcome, 2).firstToken).toBe(of(outcome, 1).end + 1160);
      expect(outcome.firstTokens.get(2)).toBe(1320);
      expect(outcome.state.counters.generationTokens).toBeGreaterThan(24);
    });

    it("finds its own blocks again while they are cached", () => {
      const outcome = run({ ...small, prefixCaching: true }, requests);
      const again = prefills(outcome).filter((tokens) => tokens > 0)[1] as number;
      expect(again).toBeLessThan(21);
      expect(of(outcome, 2).cachedTokens).toBe(0);
    });

    it("puts it before those who came later", () => {
      // One block would do for request 3, but request 2 stands before it and needs six.
      const outcome = run({ ...small, maxNumSeqs: 2 }, [...requests, request(3, 100, 4, 1)]);
      expect(of(outcome, 3).scheduled).toBe(of(outcome, 1).end);
    });

    it("admits nobody in the step that preempts, be it room for the victim's first chunk", () => {
      const { steps } = run({ ...small, mode: "blis", numGpuBlocks: 10 }, requests);
      // Both decode four tokens; with the fifth block full, one has to go.
      expect(steps.slice(4, 7)).toEqual([
        { requests: 2, prefillTokens: 0, decodes: 2 },
        { requests: 1, prefillTokens: 0, decodes: 1 },
        { requests: 2, prefillTokens: 16, decodes: 1 },
      ]);
    });
  });
});

describe("the door", () => {
  const told: Finished[] = [];
  const engineOf = (said: Partial<EngineConfig>) => {
    told.length = 0;
    const listener = { firstToken: () => {}, finished: (facts: Finished) => void told.push(facts) };
    return createEngine({ ...plainConfig, ...said }, plainTiming, listener, START);
  };

  it.each([
    { name: "a prompt that leaves no room for an output", mode: "vllm", prompt: 256 },
    { name: "the same in blis mode", mode: "blis", prompt: 256 },
    { name: "a prompt that the cache can't hold (blis)", mode: "blis", prompt: 300 },
  ] as const)("refuses $name at once", ({ mode, prompt }) => {
    const engine = engineOf({ mode, maxModelLen: prompt === 300 ? 4096 : 256 });
    engine.submit(request(1, 70, prompt, 5), instant(70));
    expect(told).toMatchObject([{ outcome: "rejected", end: 70, outputTokens: 0 }]);
    expect([engine.held, engine.due]).toEqual([0, NEVER]);
  });

  it("a context that is full ends a request by length", () => {
    const outcome = run({ maxModelLen: 12 }, [request(1, 0, 10, 50)]);
    expect(of(outcome, 1)).toMatchObject({ outcome: "length", outputTokens: 2 });
    expect(outcome.state.counters.success).toMatchObject({ length: 1, stop: 0 });
  });

  it.each([
    { name: "a budget below max_num_seqs", said: { maxNumSeqs: 65 } },
    { name: "a context beyond the cache", said: { maxModelLen: 257 } },
    { name: "a budget below the context without chunked prefill", said: { chunkedPrefill: false } },
    { name: "no block", said: { numGpuBlocks: 1 } },
  ])("vLLM does not start with $name", ({ said }) => {
    expect(() => engineOf(said)).toThrow(RangeError);
  });

  it("aborts on the way, in the queue and in the batch, and frees everything", () => {
    const engine = engineOf({ maxNumSeqs: 1 });
    engine.submit(request(1, 0, 8, 50), instant(0));
    engine.submit(request(2, 0, 8, 50), instant(0));
    engine.advance(instant(3000));
    expect(engine.look(instant(3000))).toMatchObject({ running: 1, waiting: 1 });
    engine.submit(request(3, 3001, 8, 50), instant(3001));
    engine.abort(99, instant(3001));
    engine.abort(2, instant(3002));
    engine.abortAll(instant(3003));
    expect(told.map((facts) => [facts.request.id, facts.outcome, facts.end])).toEqual([
      [2, "aborted", 3002],
      [1, "aborted", 3003],
      [3, "aborted", 3003],
    ]);
    // The step under way goes on; what they held is given up at its end.
    expect(engine.held).toBe(0);
    expect(engine.look(instant(3003))).toMatchObject({ running: 1, waiting: 1, counters: { success: { abort: 3 } } });
    engine.advance(engine.due);
    expect(engine.look(instant(4000))).toMatchObject({
      running: 0,
      waiting: 0,
      usedBlocks: 0,
      counters: { success: { abort: 3 } },
    });
    engine.advance(instant(50_000));
    expect([told.length, engine.due]).toEqual([3, NEVER]);
  });

  it("refuses the past, and a look before its last change", () => {
    const engine = engineOf({});
    engine.submit(request(1, 100, 8, 5), instant(100));
    engine.advance(instant(2500));
    expect(() => engine.advance(instant(2499))).toThrow(RangeError);
    expect(() => engine.submit(request(2, 0, 8, 5), instant(50))).toThrow(RangeError);
    // The last step ended at 2180.
    expect(engine.look(instant(2180)).running).toBe(1);
    expect(() => engine.look(instant(2179))).toThrow(RangeError);
  });
});

describe("what an onlooker sees", () => {
  it("is the state after the last finished step: no future, and no arrival since", () => {
    const listener = { firstToken: () => {}, finished: () => {} };
    const engine = createEngine({ ...plainConfig, maxNumSeqs: 1 }, plainTiming, listener, START);
    engine.submit(request(1, 0, 8, 5), instant(0));
    engine.submit(request(2, 10, 8, 5), instant(10));
    expect(engine.look(instant(1079))).toMatchObject({
      running: 0,
      waiting: 0,
      counters: { generationTokens: 0, busyMicros: 1079 },
    });
    expect(engine.look(instant(1080))).toMatchObject({
      running: 1,
      waiting: 0,
      usedBlocks: 2,
      counters: { generationTokens: 1 },
    });
    expect(engine.look(instant(2080))).toMatchObject({ running: 1, waiting: 1, counters: { generationTokens: 2 } });
  });

  it("is gone with the request: memory does not grow with requests served", () => {
    const requests = Array.from({ length: 2000 }, (_, id) =>
      request(id, id * 3000, 20, 4, { kind: "group", key: `k${id}`, tokens: 20 }),
    );
    const { state, held } = run({ prefixCaching: true }, requests);
    expect(held).toBe(0);
    expect(state.counters.success.stop).toBe(2000);
  });
});
