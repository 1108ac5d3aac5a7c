import { describe, expect, it } from "vitest";
import { createEngine } from "../../src/engine/create-engine.ts";
import type { EngineConfig, EngineTiming } from "../../src/engine/engine.ts";
import type { Finished } from "../../src/model/fact.ts";
import type { Request, SharedPrefix } from "../../src/model/request.ts";
import { instant, START } from "../../src/sim/time.ts";
import { StepEngine } from "../oracle/step-engine.ts";
import { type CreateEngine, type Drive, drive, plainConfig, plainTiming, request } from "./drive.ts";

/**
 * One feature at a time, worked out by hand. A step takes 1000 us and 10 us per prompt token; no overheads; blocks of 4
 * tokens, 64 usable; 64 tokens per step; 4 slots.
 */
const engines: readonly { readonly name: string; readonly create: CreateEngine }[] = [
  { name: "engine", create: createEngine },
  { name: "oracle", create: (...args) => new StepEngine(...args) },
];

const group = (key: string, tokens: number): { readonly prefix: SharedPrefix } => ({
  prefix: { kind: "group", key, tokens },
});

describe.each(engines)("$name", ({ create }) => {
  const run = (said: Partial<EngineConfig>, requests: readonly Request[]): Drive =>
    drive({ ...plainConfig, ...said }, requests, { create });
  const of = (outcome: Drive, id: number): Finished => {
    const facts = outcome.facts.find((fact) => fact.request.id === id);
    if (facts === undefined) throw new Error(`request ${id} hasn't ended`);
    return facts;
  };
  /** An engine to look at from time to time, with all that it has told. */
  const watch = (said: Partial<EngineConfig>, requests: readonly Request[]) => {
    const told: Finished[] = [];
    const firsts: [number, number][] = [];
    const engine = create(
      { ...plainConfig, ...said },
      plainTiming,
      { firstToken: ({ id }, at) => void firsts.push([id, at]), finished: (facts) => void told.push(facts) },
      START,
    );
    for (const one of requests) engine.submit(one, one.arrival);
    const gauges = (at: number): readonly number[] => {
      const { running, waiting, usedBlocks } = engine.look(instant(at));
      return [running, waiting, usedBlocks];
    };
    return { engine, told, firsts, gauges };
  };
  /** One figure of each step's batch. */
  const batches = (
    said: Partial<EngineConfig>,
    requests: readonly Request[],
    figure: "encoderTokens" | "decodeTokens" | "adapters" | "decodeWindow",
  ): readonly number[] => {
    const seen: number[] = [];
    const timing: EngineTiming = {
      ...plainTiming,
      step: (batch) => {
        seen.push(batch[figure]);
        return plainTiming.step(batch);
      },
    };
    drive({ ...plainConfig, ...said }, requests, { create, timing });
    return seen;
  };

  describe("most tokens that the client asked for", () => {
    it("end a request by length", () => {
      const outcome = run({}, [{ ...request(1, 0, 4, 10), maxTokens: 3 }]);
      expect(of(outcome, 1)).toMatchObject({ outcome: "length", outputTokens: 3, end: 3040 });
    });

    it("are no reason if it stops before", () => {
      expect(of(run({}, [{ ...request(1, 0, 4, 2), maxTokens: 3 }]), 1).outcome).toBe("stop");
    });

    it.each([
      { name: "an end that the asynchronous scheduler foresees wastes no slot", maxTokens: 3, decodes: [0, 1, 1] },
      { name: "one that it can't foresee wastes one", maxTokens: 4, decodes: [0, 1, 1, 1] },
    ])("$name", ({ maxTokens, decodes }) => {
      const { steps } = run({ asyncScheduling: true }, [{ ...request(1, 0, 4, 3), maxTokens }]);
      expect(steps.map((step) => step.decodes)).toEqual(decodes);
    });

    it("must fit the context with the prompt", () => {
      const requests = [6, 7].map((maxTokens, i) => ({ ...request(i, 0, 250, 1), maxTokens }));
      expect(run({}, requests).facts.map(({ outcome }) => outcome)).toEqual(["rejected", "stop"]);
    });
  });

  describe("a bounded queue", () => {
    it("answers HTTP 503 when so many requests are held", () => {
      const requests = [request(1, 0, 4, 1), request(2, 0, 4, 1), request(3, 0, 4, 1), request(4, 5000, 4, 1)];
      const outcome = run({ maxQueuedRequests: 2 }, requests);
      expect(of(outcome, 3)).toMatchObject({ outcome: "overloaded", end: 0, outputTokens: 0 });
      expect(of(outcome, 4).outcome).toBe("stop");
      expect(outcome.state.counters.overloaded).toEqual({ max_num_queued_reqs: 1, max_num_queued_tokens: 0 });
    });

    it("counts the prompts of those without a first token", () => {
      // 8 tokens are below the bound, 16 aren't; both first tokens are out at 1160.
      const requests = [request(1, 0, 8, 9), request(2, 0, 8, 9), request(3, 0, 8, 9), request(4, 1160, 8, 9)];
      const outcome = run({ maxQueuedTokens: 10 }, requests);
      expect(of(outcome, 3).outcome).toBe("overloaded");
      // It comes before the step's end is applied, which is at the same instant.
      expect(of(outcome, 4).outcome).toBe("overloaded");
      expect(outcome.state.counters.overloaded).toEqual({ max_num_queued_reqs: 0, max_num_queued_tokens: 2 });
      expect(of(run({ maxQueuedTokens: 10 }, [...requests, request(5, 1161, 8, 9)]), 5).outcome).toBe("stop");
    });
  });

  describe("a deadline", () => {
    const due = (id: number, arrival: number, prompt: number, output: number, deadline: number): Request => ({
      ...request(id, arrival, prompt, output),
      deadline: instant(deadline),
    });

    it("that has passed at the door ends a request at once", () => {
      const outcome = run({}, [due(1, 700, 8, 5, 700)]);
      expect(of(outcome, 1)).toMatchObject({ outcome: "timed-out", end: 700, scheduled: undefined });
      expect(outcome.state.counters.success.abort).toBe(1);
    });

    it("is told at its instant, while place and blocks are given up at the step's end", () => {
      // Steps end at 1080, 2080.
      const { engine, told, gauges } = watch({}, [due(1, 0, 8, 50, 1500)]);
      expect(gauges(1499)).toEqual([1, 0, 2]);
      expect(told).toEqual([]);
      expect(engine.due).toBe(1500);
      expect(gauges(1500)).toEqual([1, 0, 2]);
      expect(told).toMatchObject([{ outcome: "timed-out", end: 1500, outputTokens: 1 }]);
      expect([engine.held, engine.due]).toEqual([0, 2080]);
      expect(gauges(2080)).toEqual([0, 0, 0]);
      expect(engine.look(instant(2080)).counters.generationTokens).toBe(1);
    });

    it("comes after an end at the same instant", () => {
      expect(of(run({}, [due(1, 0, 8, 1, 1080)]), 1).outcome).toBe("stop");
      expect(of(run({}, [due(1, 0, 8, 2, 1080)]), 1)).toMatchObject({ outcome: "timed-out", outputTokens: 1 });
    });

    it.each([
      { name: "lets the next one in at the step's end", asyncScheduling: false, scheduled: 2080, steps: 3 },
      // The other one's end is unforeseen and wastes a slot as well.
      { name: "wastes its slot in the step scheduled ahead", asyncScheduling: true, scheduled: 3080, steps: 5 },
    ])("$name", ({ asyncScheduling, scheduled, steps }) => {
      const outcome = run({ asyncScheduling, maxNumSeqs: 1 }, [due(1, 0, 8, 50, 1500), request(2, 0, 8, 1)]);
      expect(of(outcome, 2).scheduled).toBe(scheduled);
      expect(outcome.state.counters.steps).toBe(steps);
    });

    it.each([
      { name: "counts a token of the step under way", outputs: 3, deadline: 1500, outcome: "timed-out", end: 1500 },
      { name: "even the first, seen at the step's end", outputs: 3, deadline: 500, outcome: "timed-out", end: 1080 },
      { name: "is ignored if that was the last", outputs: 2, deadline: 1500, outcome: "stop", end: 2080 },
    ])("in blis mode $name, since results are applied at its start", ({ outputs, deadline, outcome, end }) => {
      const { told, engine } = watch({ mode: "blis" }, [due(1, 0, 8, outputs, deadline)]);
      engine.advance(instant(9000));
      const tokens = deadline < 1080 ? 1 : 2;
      expect(told).toMatchObject([{ outcome, end, firstToken: 1080, outputTokens: tokens }]);
      expect(engine.look(instant(9000)).counters.generationTokens).toBe(tokens);
    });

    it("frees the queue where nothing else is under way", () => {
      // 1 brings its two blocks back from 4000 us on; 2 has to wait for room until 1 hangs up.
      const said = { prefixCaching: true, numGpuBlocks: 4, maxModelLen: 12 };
      const offload = { hostBlocks: 9, microsPerBlock: 0, latencyMicros: 9000 };
      const one = { ...request(1, 0, 11, 1), ...group("a", 8) };
      const again = { ...due(3, 40_000, 11, 1, 44_000), ...group("a", 8) };
      const requests = [one, request(2, 20_000, 11, 1), again, request(4, 41_000, 11, 1)];
      const outcome = run({ ...said, offload }, requests);
      expect(of(outcome, 3)).toMatchObject({ outcome: "timed-out", scheduled: undefined });
      expect(of(outcome, 4).scheduled).toBe(44_000);
    });
  });

  describe("a conversation", () => {
    const round = (id: number, arrival: number, prompt: number, more: Partial<Request> = {}): Request => ({
      ...request(id, arrival, prompt, 7),
      conversation: "a",
      ...more,
    });

    it.each([
      // 10 of the prompt and six of the output are computed: four blocks.
      { name: "finds prompt and output of the round before", more: {}, cached: 16 },
      { name: "nothing under another salt", more: { cacheSalt: "other" }, cached: 0 },
      { name: "nothing with another adapter", more: { adapter: "other" }, cached: 0 },
      { name: "nothing of another conversation", more: { conversation: "b" }, cached: 0 },
    ])("$name", ({ more, cached }) => {
      expect(of(run({ prefixCaching: true }, [round(1, 0, 10), round(2, 20_000, 20, more)]), 2).cachedTokens).toBe(
        cached,
      );
    });

    it("goes on after a prefix that it shares with others", () => {
      const requests = [
        round(1, 0, 12, group("system", 8)),
        round(2, 20_000, 20, group("system", 8)),
        round(3, 40_000, 20, { ...group("system", 8), conversation: "b" }),
      ];
      expect(run({ prefixCaching: true }, requests).facts.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 16, 8]);
    });
  });

  describe("a policy", () => {
    it.each([
      { schedulingPolicy: "fcfs", order: [1, 2, 3, 4] },
      { schedulingPolicy: "priority", order: [1, 4, 3, 2] },
      { schedulingPolicy: "sjf", order: [1, 3, 2, 4] },
      { schedulingPolicy: "reverse-priority", order: [1, 2, 3, 4] },
    ] as const)("$schedulingPolicy lets them in in order $order", ({ schedulingPolicy, order }) => {
      const requests = [
        request(1, 0, 8, 3),
        { ...request(2, 100, 12, 1), priority: 5 },
        { ...request(3, 200, 4, 1), priority: 1 },
        { ...request(4, 300, 16, 1), priority: -1 },
      ];
      for (const mode of ["vllm", "blis"] as const) {
        const { facts } = run({ mode, maxNumSeqs: 1, schedulingPolicy }, requests);
        expect(facts.map((fact) => fact.request.id)).toEqual(order);
      }
    });

    const urgent = (prompt: number, output: number): readonly Request[] => [
      { ...request(1, 0, 16, 12), priority: 5 },
      { ...request(2, 100, prompt, output), priority: 0 },
    ];
    const short = { schedulingPolicy: "priority", maxModelLen: 36 } as const;

    it("by priority takes the blocks of the least urgent, be it the first", () => {
      // Ten usable blocks. In step 6 request 1 needs its sixth, and gives way itself; step 6 goes on with request 2.
      const outcome = run({ ...short, numGpuBlocks: 11 }, urgent(16, 12));
      expect(outcome.steps.slice(0, 7)).toEqual([
        { requests: 1, prefillTokens: 16, decodes: 0 },
        { requests: 2, prefillTokens: 16, decodes: 1 },
        { requests: 2, prefillTokens: 0, decodes: 2 },
        { requests: 2, prefillTokens: 0, decodes: 2 },
        { requests: 2, prefillTokens: 0, decodes: 2 },
        { requests: 1, prefillTokens: 0, decodes: 1 },
        { requests: 1, prefillTokens: 0, decodes: 1 },
      ]);
      // Two steps of 1160 and eleven of 1000; then 16 + 5 tokens again and six more.
      expect(of(outcome, 2)).toMatchObject({ end: 13_320, preemptions: 0 });
      expect(of(outcome, 1)).toMatchObject({ end: 20_530, preemptions: 1 });
    });

    it("gives the victim's tokens back if it has already got some in the step", () => {
      // Nine usable blocks. In step 4 request 1 has its token when request 2 needs a fifth block.
      const outcome = run({ ...short, numGpuBlocks: 10 }, urgent(15, 12));
      expect(outcome.steps.slice(1, 4)).toEqual([
        { requests: 2, prefillTokens: 15, decodes: 1 },
        { requests: 2, prefillTokens: 0, decodes: 2 },
        { requests: 1, prefillTokens: 0, decodes: 1 },
      ]);
      expect(outcome.facts.map(({ preemptions }) => preemptions)).toEqual([0, 1]);
    });

    it("first come, first served takes those of the newest", () => {
      const outcome = run({ ...short, schedulingPolicy: "fcfs", numGpuBlocks: 11 }, urgent(16, 12));
      expect(outcome.facts.map(({ request: { id }, preemptions }) => [id, preemptions])).toEqual([
        [1, 0],
        [2, 1],
      ]);
    });
  });

  describe("LoRA adapters", () => {
    const lora = { maxLoras: 1, maxCpuLoras: 2, gpuLoadMicros: 500, diskLoadMicros: 2000 };
    const requests = [
      { ...request(1, 0, 10, 1), adapter: "a" },
      { ...request(2, 0, 10, 1), adapter: "b" },
      request(3, 0, 10, 1),
      { ...request(4, 10_000, 10, 1), adapter: "a" },
    ];

    it("let pass those whose adapter has no slot, and are loaded before the step", () => {
      const outcome = run({ lora }, requests);
      // 1200 for 1 and 3, from disk and to the GPU; then 1100 for 2 likewise; a is still in host memory.
      expect(outcome.facts.map(({ request: { id }, end }) => [id, end])).toEqual([
        [1, 3700],
        [3, 3700],
        [2, 7300],
        [4, 11_600],
      ]);
      expect(outcome.state.counters.adapterLoads).toBe(3);
      expect(batches({ lora }, requests, "adapters")).toEqual([1, 1, 1]);
    });

    it("that have slots are together in a step", () => {
      const outcome = run({ lora: { ...lora, maxLoras: 2 } }, requests);
      // 1300, and two adapters; then none to load.
      expect(outcome.facts.map(({ end }) => end)).toEqual([6300, 6300, 6300, 11_100]);
      expect(outcome.state.counters.adapterLoads).toBe(2);
    });

    it("evict the one used longest ago from host memory", () => {
      const three = ["a", "b", "c", "a"].map((adapter, i) => ({ ...request(i, i * 10_000, 10, 1), adapter }));
      expect(run({ lora }, three).facts.map(({ end }) => end)).toEqual([3600, 13_600, 23_600, 33_600]);
    });
  });

  describe("host memory", () => {
    // Eight usable blocks: 1 leaves four of the prefix, 2 takes them all.
    const small = { prefixCaching: true, numGpuBlocks: 9, maxModelLen: 32 };
    const requests = [
      { ...request(1, 0, 16, 1), ...group("a", 16) },
      request(2, 2000, 31, 1),
      { ...request(3, 10_000, 16, 1), ...group("a", 16) },
    ];
    const offload = (hostBlocks: number) => ({ hostBlocks, microsPerBlock: 100, latencyMicros: 50 });

    it("brings back what the GPU has lost, and the rest is computed", () => {
      // 2 stores seven blocks, for which the prefix's last one has to go. Three come back in 50 + 300.
      const outcome = run({ ...small, offload: offload(10) }, requests);
      expect(of(outcome, 3)).toMatchObject({ queued: 10_000, scheduled: 10_350, firstToken: 11_390, cachedTokens: 12 });
      expect(outcome.state.counters).toMatchObject({
        externalQueries: 16,
        externalHits: 12,
        loadedBlocks: 3,
        storedBlocks: 4 + 7 + 1,
        prefixQueries: 63,
        prefixHits: 0,
      });
    });

    it("of a prompt that is there wholly, one token is computed again", () => {
      const outcome = run({ ...small, offload: offload(20) }, requests);
      expect(of(outcome, 3)).toMatchObject({ scheduled: 10_450, firstToken: 11_460, cachedTokens: 15 });
    });

    it("keeps all of a step's blocks of a prompt or none", () => {
      // 1 has four blocks for three places.
      const outcome = run({ ...small, offload: offload(3) }, requests);
      expect(outcome.state.counters).toMatchObject({ storedBlocks: 0, loadedBlocks: 0 });
    });

    it("can't be read before it is written", () => {
      // Written from 1160 to 1160 + 50 + 4 x 500; 2 takes the GPU's blocks at 1160.
      const slow = { hostBlocks: 20, microsPerBlock: 500, latencyMicros: 50 };
      const early = { ...request(3, 2900, 16, 1), ...group("a", 16) };
      const outcome = run({ ...small, offload: slow }, [requests[0] as Request, request(2, 1000, 31, 1), early]);
      expect(of(outcome, 3).cachedTokens).toBe(0);
      expect(outcome.state.counters.loadedBlocks).toBe(0);
    });

    it("lets others pass while it loads", () => {
      const slow = { hostBlocks: 20, microsPerBlock: 100, latencyMicros: 5000 };
      const outcome = run({ ...small, offload: slow }, [
        requests[0] as Request,
        request(2, 20_000, 31, 1),
        { ...request(3, 40_000, 16, 1), ...group("a", 16) },
        request(4, 40_000, 4, 1),
      ]);
      expect(of(outcome, 4).scheduled).toBe(40_000);
      expect(of(outcome, 3).scheduled).toBe(45_400);
    });
  });

  describe("images", () => {
    const two = { ...request(1, 0, 30, 1), encoderItems: [2, 12].map((offset) => ({ offset, tokens: 8 })) };

    it("beyond the step's encoder budget wait for the next step, and the prompt stops before them", () => {
      const said = { encoderBudget: 10, encoderCacheTokens: 20 };
      expect(run(said, [two]).steps.map(({ prefillTokens }) => prefillTokens)).toEqual([12, 18]);
      expect(batches(said, [two], "encoderTokens")).toEqual([8, 8]);
    });

    it("of one id are encoded once", () => {
      const same = [0, 5000].map((at, i) => ({
        ...request(i, at, 10, 1),
        encoderItems: [{ offset: 1, tokens: 8, id: "x" }],
      }));
      expect(batches({}, same, "encoderTokens")).toEqual([8, 0]);
    });

    it("that are in use keep others out of the cache", () => {
      const each = [1, 2].map((id) => ({ ...request(id, 0, 10, 1), encoderItems: [{ offset: 0, tokens: 8 }] }));
      expect(of(run({ encoderBudget: 20, encoderCacheTokens: 20 }, each), 2).scheduled).toBe(0);
      expect(of(run({ encoderBudget: 20, encoderCacheTokens: 10 }, each), 2).scheduled).toBe(1100);
    });

    it("that the encoder can't hold are refused", () => {
      const said = { encoderBudget: 7, encoderCacheTokens: 20 };
      expect(of(run(said, [two]), 1).outcome).toBe("rejected");
    });
  });

  describe("speculation with two drafts", () => {
    const speculation = (chance: number) => ({ speculation: { tokens: 2, acceptance: [chance] } });

    it.each([
      { name: "three tokens a step if all are right", chance: 1, outputs: 7, end: 3040, drafts: 2, accepted: 4 },
      { name: "one if none is", chance: 0, outputs: 7, end: 7040, drafts: 6, accepted: 0 },
      { name: "none beyond the end", chance: 1, outputs: 5, end: 3040, drafts: 2, accepted: 4 },
    ])("$name", ({ chance, outputs, end, drafts, accepted }) => {
      const requests = [request(1, 0, 4, outputs)];
      const outcome = run({ ...speculation(chance), asyncScheduling: true }, requests);
      expect(of(outcome, 1)).toMatchObject({ firstToken: 1040, end, outputTokens: outputs });
      expect(outcome.state.counters).toMatchObject({
        drafts,
        draftTokens: 2 * drafts,
        acceptedTokens: accepted,
        generationTokens: outputs,
      });
      expect(outcome.state.histograms.interTokenLatency.count).toBe(drafts);
      expect(batches(speculation(chance), requests, "decodeTokens")).toEqual([0, ...Array(drafts).fill(3)]);
    });

    it("has as many drafts as the budget leaves", () => {
      // Four tokens for two requests: three for the first, and no draft for the second.
      const requests = [request(1, 0, 2, 3), request(2, 0, 2, 3)];
      const said = { ...speculation(0), maxNumBatchedTokens: 4 };
      expect(batches(said, requests, "decodeTokens")).toEqual([0, 4, 4]);
      expect(run(said, requests).state.counters).toMatchObject({ drafts: 2, draftTokens: 4 });
    });
  });

  describe("ranks", () => {
    it("get requests by how busy they are, and work apart", () => {
      const requests = [request(1, 0, 40, 1), request(2, 0, 4, 1), request(3, 100, 4, 1), request(4, 2000, 4, 1)];
      const outcome = run({ ranks: 2 }, requests);
      // 1 runs on the first rank, 2 on the second; 3 comes to the first one's queue, as both have one running.
      expect(outcome.facts.map(({ request: { id }, end }) => [id, end])).toEqual([
        [2, 1040],
        [1, 1400],
        [3, 2440],
        [4, 3040],
      ]);
      const { counters, ranks } = outcome.state;
      expect(counters).toMatchObject({ steps: 4, promptTokens: 52, busyMicros: (2440 + 1040 + 1040) / 2 });
      expect(ranks?.map((rank) => rank.counters.promptTokens)).toEqual([44, 8]);
    });

    it("in lockstep all take as long as the slowest", () => {
      const outcome = run({ ranks: 2, lockstep: true }, [request(1, 0, 40, 1), request(2, 0, 4, 2)]);
      expect(outcome.facts.map(({ end }) => end)).toEqual([1400, 2400]);
      // The second rank also decodes alone; both count both steps, the sum counts them once.
      expect(outcome.state.counters).toMatchObject({ steps: 2, busyMicros: 2400 });
    });
  });

  describe("pipeline stages", () => {
    it("leave one request as slow as it is", () => {
      expect(of(run({ pipelineStages: 2 }, [request(1, 0, 8, 3)]), 1)).toMatchObject({ firstToken: 1080, end: 3080 });
    });

    it("have a prompt's chunks under way at a time", () => {
      // Chunks of 64 and 36 tokens take 820 and 680 us a stage: 0-820-1640, and 820-1500, 1640-2320.
      const outcome = run({ pipelineStages: 2 }, [request(1, 0, 100, 1)]);
      expect(of(outcome, 1)).toMatchObject({ scheduled: 0, end: 2320 });
      expect(outcome.state.counters).toMatchObject({ steps: 2, busyMicros: 2320 });
    });

    it("work on some requests while others are under way", () => {
      // One slot per step's budget: 1's prompt of 64, then 2's; each decodes in turn.
      const outcome = run({ pipelineStages: 2 }, [request(1, 0, 64, 2), request(2, 0, 64, 2)]);
      // 0-820-1640 and 820-1640-2460; 1 decodes 1640-2140-2640 (stage 2 is free from 2460 on: 2460-2960).
      expect(outcome.facts.map(({ firstToken, end }) => [firstToken, end])).toEqual([
        [1640, 2960],
        [2460, 3460],
      ]);
    });
  });

  describe("layers with a sliding window", () => {
    const said = { kvGroups: [{}, { window: 8 }], maxNumBatchedTokens: 16, numGpuBlocks: 130 };

    it("give up the blocks that nobody looks back to", () => {
      const { gauges } = watch(said, [request(1, 0, 32, 9)]);
      // Per group four blocks; then four more and two fewer; then nine and the last three.
      expect([1160, 2320, 3320].map((at) => gauges(at)[2])).toEqual([8, 14, 12]);
    });

    it("need only the window's blocks to go on from", () => {
      const requests = [0, 20_000].map((at, i) => ({ ...request(i, at, 32, 3), ...group("a", 32) }));
      const alone = { ...said, kvGroups: [{ window: 8 }], prefixCaching: true };
      const { engine, told, gauges } = watch(alone, requests);
      // Seven blocks are found, of which it takes the last two, and a new one.
      expect(gauges(21_040)[2]).toBe(3);
      engine.advance(instant(50_000));
      expect(told.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 28]);
    });

    it("make the whole prefix shorter where a block of the window is gone", () => {
      // 14 usable blocks. Of 1's, those that its window passed are taken first: by 2, which leaves the rest.
      const small = { ...said, numGpuBlocks: 15, maxModelLen: 28, prefixCaching: true };
      const outcome = run(small, [
        { ...request(1, 0, 24, 1), ...group("a", 24) },
        { ...request(2, 20_000, 20, 1), ...group("a", 20) },
      ]);
      expect(of(outcome, 2).cachedTokens).toBe(16);
    });

    it("show in the batch", () => {
      expect(batches(said, [request(1, 0, 12, 3)], "decodeWindow")).toEqual([0, 8, 8]);
    });
  });

  describe("prefill apart from decode", () => {
    /** An engine that is told things by hand, with all that it asks for. */
    const apart = (said: Partial<EngineConfig>) => {
      const [told, firsts, wants]: [Finished[], [number, number][], number[][]] = [[], [], []];
      const engine = create(
        { ...plainConfig, ...said },
        plainTiming,
        {
          firstToken: ({ id }, at) => void firsts.push([id, at]),
          finished: (facts) => void told.push(facts),
          kvWanted: ({ id }, ...wanted) => void wants.push([id, ...wanted]),
        },
        START,
      );
      const gauges = (at: number): readonly number[] => {
        const { running, waiting, deferred = 0, usedBlocks } = engine.look(instant(at));
        return [running, waiting, deferred, usedBlocks];
      };
      const submit = (kv: "send" | "receive", one: Request): void => engine.submit(one, one.arrival, { kv });
      return { engine, told, firsts, wants, gauges, submit };
    };
    const prefillOnly = (id: number, arrival: number, prompt: number): Request => ({
      ...request(id, arrival, prompt, 20),
      maxTokens: 1,
    });

    it("keeps the blocks of a prompt until they have been fetched", () => {
      const { engine, told, gauges, submit } = apart({});
      submit("send", prefillOnly(1, 0, 14));
      expect(gauges(1140)).toEqual([0, 0, 0, 4]);
      expect(told).toMatchObject([{ outcome: "length", outputTokens: 1, end: 1140 }]);
      expect([engine.held, engine.due]).toEqual([0, 1140 + 480_000_000]);
      engine.kvSent(1, instant(5000));
      expect(gauges(5000)).toEqual([0, 0, 0, 0]);
      expect(engine.due).toBe(Number.POSITIVE_INFINITY);
    });

    it("gives them up at the end of the step under way", () => {
      const { engine, gauges, submit } = apart({});
      submit("send", prefillOnly(1, 0, 14));
      engine.submit(request(2, 1140, 4, 9), instant(1140));
      engine.advance(instant(1500));
      engine.kvSent(1, instant(1500));
      // The other prompt takes 1040 us and one block, its second token another.
      expect([gauges(1500)[3], gauges(2180)[3], gauges(3180)[3]]).toEqual([4, 1, 2]);
    });

    it("gives them up when nobody has fetched them in time", () => {
      const { engine, gauges, submit } = apart({ kvSendTimeoutMicros: 700 });
      submit("send", prefillOnly(1, 0, 14));
      expect([gauges(1839)[3], gauges(1840)[3]]).toEqual([4, 0]);
      expect(engine.due).toBe(Number.POSITIVE_INFINITY);
    });

    it("lets others find them meanwhile, and have no room", () => {
      const small = { prefixCaching: true, numGpuBlocks: 7, maxModelLen: 24 };
      const { engine, told, firsts, submit } = apart(small);
      submit("send", { ...prefillOnly(1, 0, 16), ...group("a", 16) });
      engine.submit({ ...request(2, 2000, 20, 1), ...group("a", 16) }, instant(2000));
      engine.submit(request(3, 4000, 20, 1), instant(4000));
      engine.advance(instant(10_000));
      expect(told.map(({ request: { id }, cachedTokens }) => [id, cachedTokens])).toEqual([
        [1, 0],
        [2, 16],
      ]);
      engine.kvSent(1, instant(10_000));
      engine.advance(instant(12_000));
      expect(firsts.at(-1)).toEqual([3, 11_200]);
    });

    it("keeps nothing of a request that stops by itself, or whose client hangs up", () => {
      const { engine, told, gauges, submit } = apart({});
      submit("send", request(1, 0, 14, 1));
      submit("send", prefillOnly(2, 0, 50));
      engine.abort(2, instant(700));
      expect(gauges(1640)).toEqual([0, 0, 0, 0]);
      expect(told.map(({ outcome }) => outcome)).toEqual(["aborted", "stop"]);
    });

    it("waits for a prompt that another engine computes, and computes its last token", () => {
      const { engine, told, firsts, wants, gauges, submit } = apart({});
      submit("receive", request(1, 100, 14, 2));
      expect(gauges(100)).toEqual([0, 1, 1, 4]);
      expect(wants).toEqual([[1, 100, 14, 4]]);
      expect(engine.due).toBe(Number.POSITIVE_INFINITY);
      engine.kvArrived(1, instant(3000));
      engine.advance(instant(9000));
      // One prompt token takes 1010 us.
      expect(firsts).toEqual([[1, 4010]]);
      expect(told).toMatchObject([{ scheduled: 3000, end: 5010, cachedTokens: 13 }]);
      expect(engine.look(instant(9000)).counters).toMatchObject({ externalQueries: 14, externalHits: 14 });
    });

    it("asks when the step begins that was scheduled ahead", () => {
      const { engine, wants, gauges, submit } = apart({ asyncScheduling: true });
      engine.submit(request(1, 0, 4, 9), START);
      submit("receive", request(2, 500, 14, 2));
      engine.advance(instant(1040));
      // Steps end at 1040 and 2040: the third is the first that can be scheduled with it.
      expect(wants).toEqual([[2, 2040, 14, 4]]);
      expect(gauges(2040)).toEqual([1, 1, 1, 6]);
    });

    it("takes what is here already, and shows what has come to others", () => {
      const { engine, told, wants, submit } = apart({ prefixCaching: true });
      engine.submit({ ...request(1, 0, 9, 1), ...group("a", 8) }, START);
      submit("receive", { ...request(2, 5000, 16, 1), ...group("a", 16) });
      engine.advance(instant(5000));
      expect(wants).toEqual([[2, 5000, 8, 2]]);
      engine.kvArrived(2, instant(6000));
      engine.submit({ ...request(3, 9000, 17, 1), ...group("a", 16) }, instant(9000));
      engine.advance(instant(20_000));
      expect(told.map(({ cachedTokens }) => cachedTokens)).toEqual([0, 15, 16]);
    });

    it("lets others run past who waits for KV, and holds who finds no room behind its blocks", () => {
      const { engine, firsts, wants, submit } = apart({ numGpuBlocks: 9, maxModelLen: 32 });
      submit("receive", request(1, 0, 16, 1));
      engine.submit(request(2, 0, 12, 1), START);
      engine.submit(request(3, 0, 20, 1), START);
      engine.advance(instant(5000));
      expect([wants, firsts]).toEqual([[[1, 0, 16, 4]], [[2, 1120]]]);
      engine.kvArrived(1, instant(5000));
      engine.advance(instant(9000));
      expect(firsts.slice(1)).toEqual([
        [1, 6010],
        [3, 7210],
      ]);
    });

    it("fails a request whose KV doesn't come", () => {
      const { engine, told, gauges, submit } = apart({});
      submit("receive", request(1, 0, 14, 2));
      engine.advance(START);
      engine.kvFailed(1, instant(700));
      expect(told).toMatchObject([{ outcome: "failed", end: 700, outputTokens: 0 }]);
      expect(gauges(700)).toEqual([0, 0, 0, 0]);
      expect(engine.look(instant(700)).counters.success).toMatchObject({ error: 1, abort: 0 });
    });

    it("or computes what it lacks, if it may", () => {
      const { engine, told, firsts, wants, submit } = apart({ prefixCaching: true, kvLoadFailurePolicy: "recompute" });
      engine.submit({ ...request(1, 0, 9, 1), ...group("a", 8) }, START);
      submit("receive", { ...request(2, 5000, 16, 1), ...group("a", 16) });
      submit("receive", request(3, 9000, 16, 1));
      engine.advance(instant(9000));
      engine.kvFailed(2, instant(9000));
      engine.advance(instant(12_000));
      engine.kvFailed(3, instant(12_000));
      engine.advance(instant(20_000));
      // 8 tokens, and all 16; nobody is asked twice.
      expect(firsts.slice(1)).toEqual([
        [2, 10_080],
        [3, 13_160],
      ]);
      expect([told.map(({ cachedTokens }) => cachedTokens), wants.length]).toEqual([[0, 8, 0], 2]);
    });

    it.each(["kvArrived", "kvFailed"] as const)("leaves blocks that are written to where they are until %s", (end) => {
      const { engine, told, gauges, submit } = apart({});
      submit("receive", request(1, 0, 14, 2));
      engine.advance(START);
      engine.abort(1, instant(700));
      expect(told).toMatchObject([{ outcome: "aborted", end: 700 }]);
      expect([engine.held, gauges(700)]).toEqual([0, [0, 0, 0, 4]]);
      engine[end](1, instant(900));
      expect(gauges(900)).toEqual([0, 0, 0, 0]);
    });

    it("gives up everything with the pod", () => {
      const { engine, gauges, submit } = apart({});
      submit("send", prefillOnly(1, 0, 14));
      submit("receive", request(2, 2000, 14, 2));
      engine.advance(instant(2000));
      expect(gauges(2000)[3]).toBe(8);
      engine.abortAll(instant(3000));
      expect([engine.held, engine.due, gauges(3000)]).toEqual([0, Number.POSITIVE_INFINITY, [0, 0, 0, 0]]);
    });
  });
});
