import { describe, expect, it } from "vitest";
import { assign } from "../../src/dataplane/burst.ts";
import { Gateway } from "../../src/dataplane/gateway.ts";
import { knownPluginTypes, pluginMeaning } from "../../src/dataplane/known-plugins.ts";
import { pickers } from "../../src/dataplane/pickers/index.ts";
import { producers } from "../../src/dataplane/producers/index.ts";
import { Scheduler } from "../../src/dataplane/scheduler.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import { schedulingProblems } from "../../src/dataplane/scheduling-problems.ts";
import { prefixKeys } from "../../src/model/prefix-keys.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { endpointIn, endpointOf } from "./any.ts";
import { askOf, knowing } from "./ask.ts";
import { DEFAULT_SCHEDULING } from "./default-scheduling.ts";

const never: Rng = { next: () => expect.fail("drew without need"), below: () => expect.fail("drew without need") };
const grouped = (promptTokens: number, tokens: number, id = 0, key = "g"): RequestHead => ({
  id,
  arrival: instant(0),
  promptTokens,
  prefix: { kind: "group", key, tokens },
});
const pods = (count: number) => Array.from({ length: count }, (_, at) => endpointOf(`pod-${at}`));

describe("pickers", () => {
  const pick = (type: string, scores: number[], rng: Rng): number =>
    pickers
      .create(pickers.schema.parse({ type }), knowing({}, rng))
      .pick(askOf(pods(scores.length)), Float64Array.from(scores));

  it("max-score-picker draws only where there is a tie", () => {
    expect(pick("max-score-picker", [0.1, 0.9, 0.5], never)).toBe(1);
    expect(pick("max-score-picker", [0.9, 0.1, 0.9], { ...never, below: () => 1 })).toBe(2);
  });

  it("weighted-random-picker takes each in proportion to its score, and never one of score 0", () => {
    const rng = rngOf(1).stream("weighted");
    const counts = [0, 0, 0];
    for (let i = 0; i < 4000; i += 1) {
      const picked = pick("weighted-random-picker", [1, 3, 0], rng);
      counts[picked] = (counts[picked] ?? 0) + 1;
    }
    expect(counts[2]).toBe(0);
    // Binomial(4000, 1/4): deviation 27.4.
    expect(Math.abs((counts[0] as number) - 1000)).toBeLessThan(5 * 27.4);
  });

  it("weighted-random-picker is uniform where all are 0", () => {
    expect(pick("weighted-random-picker", [0, 0, 0], { ...never, below: () => 2 })).toBe(2);
  });
});

describe("approx-prefix-cache-producer", () => {
  const make = (params: object = {}) => {
    const plugin = producers.create(
      producers.schema.parse({ type: "approx-prefix-cache-producer", ...params }),
      knowing({}),
    );
    const endpoints = pods(3);
    const look = (head: RequestHead, to?: number, prefill = -1) => {
      const ask = askOf(endpoints, head);
      plugin.produce(ask);
      if (to !== undefined) plugin.placed?.(ask, { primary: to, prefill });
      return { matched: [...(plugin.prefix?.matched.subarray(0, 3) ?? [])], total: plugin.prefix?.total };
    };
    return { plugin, look };
  };

  it("cuts prompts into blocks of at least 64 tokens, the last one perhaps partly filled", () => {
    const { look } = make({ blockSizeTokens: 16 });
    expect(look(grouped(200, 200), 1)).toEqual({ matched: [0, 0, 0], total: 4 });
    expect(look(grouped(200, 200))).toEqual({ matched: [0, 3, 0], total: 4 });
    expect(look(grouped(640, 130))).toEqual({ matched: [0, 2, 0], total: 10 });
  });

  it("knows both endpoints of a prompt that is computed apart", () => {
    const { look } = make();
    look(grouped(128, 128), 0, 2);
    expect(look(grouped(128, 128)).matched).toEqual([2, 0, 2]);
  });

  it("forgets the least recent; blocks that nobody shares take room too", () => {
    const { look } = make({ autoTune: false, lruCapacityPerServer: 4 });
    look(grouped(128, 128, 1, "old"), 0);
    look(grouped(192, 64, 2, "new"), 0); // one block to share, two not: 5 of 4
    expect(look(grouped(128, 128, 3, "old")).matched).toEqual([0, 0, 0]); // its first block is gone
    expect(look(grouped(64, 64, 3, "new")).matched).toEqual([1, 0, 0]);
  });

  it("looks no further than it is told", () => {
    const { look } = make({ maxPrefixTokensToMatch: 128 });
    expect(look(grouped(640, 640), 0).total).toBe(2);
    expect(look(grouped(640, 640)).matched).toEqual([2, 0, 0]);
  });

  it("forgets who leaves", () => {
    const { plugin, look } = make();
    look(grouped(128, 128), 0);
    plugin.left?.(0, "pod-0");
    expect(look(grouped(128, 128)).matched).toEqual([0, 0, 0]);
  });
});

describe("precise-prefix-cache-producer", () => {
  const head = grouped(100, 64);
  /** Of four blocks. */
  const strand = prefixKeys(head, 16).strandOf(0);
  const make = (params: object = {}) => {
    const plugin = producers.create(
      producers.schema.parse({ type: "precise-prefix-cache-producer", ...params }),
      knowing({}),
    );
    const endpoints = pods(3);
    endpoints.forEach((endpoint, slot) => plugin.joined?.(slot, endpoint));
    const look = (seconds = 0, to?: number) => {
      const ask = askOf(endpoints, head, { now: instant(seconds * 1e6) });
      plugin.produce(ask);
      if (to !== undefined) plugin.placed?.(ask, { primary: to, prefill: -1 });
      return [...(plugin.prefix?.matched.subarray(0, 3) ?? [])];
    };
    const tell = (kind: "stored" | "removed", endpoint: string, from = 0, to = 4) =>
      plugin.observeKv?.({ kind, endpoint, strand, from, to }, instant(0));
    return { plugin, look, tell };
  };

  it("counts leading full blocks without a gap", () => {
    const { plugin, look, tell } = make();
    tell("stored", "pod-0");
    tell("stored", "pod-1", 0, 2);
    tell("stored", "pod-2", 1);
    expect(look()).toEqual([4, 2, 0]);
    expect(plugin.prefix?.total).toBe(6);
    tell("removed", "pod-0", 2, 3);
    expect(look()).toEqual([2, 2, 0]);
    plugin.observeKv?.({ kind: "cleared", endpoint: "pod-1" }, instant(0));
    expect(look()).toEqual([2, 0, 0]);
  });

  it("counts routed blocks as held for 2 s, if it speculates", () => {
    const { look } = make({ speculativeIndexing: true });
    expect(look(0, 1)).toEqual([0, 0, 0]);
    expect(look(1.999)).toEqual([0, 4, 0]);
    expect(look(2)).toEqual([0, 0, 0]);
  });

  it("does not forget what an event told when the speculation ends", () => {
    const { look, tell } = make({ speculativeIndexing: true });
    look(0, 1);
    tell("stored", "pod-1");
    expect(look(3)).toEqual([0, 4, 0]);
  });

  it("knows the latest holders of a block only", () => {
    const { look, tell } = make({
      indexerConfig: { kvBlockIndexConfig: { inMemoryConfig: { podCacheSize: 2 } } },
    });
    for (const name of ["pod-0", "pod-1", "pod-2"]) tell("stored", name);
    expect(look()).toEqual([0, 4, 4]);
  });
});

it("inflight-load-producer counts what no matched block covers, and an output if told to", () => {
  const known = { matched: [0, 3], total: 10, blockSize: 64 };
  const uncached = (params: object, head: Partial<RequestHead>): number[] => {
    const plugin = producers.create(
      producers.schema.parse({ type: "inflight-load-producer", ...params }),
      knowing(known),
    );
    plugin.produce(askOf(pods(2), head));
    return [0, 1].map((at) => plugin.load?.uncachedAt(at) ?? Number.NaN);
  };
  expect(uncached({}, { promptTokens: 700 })).toEqual([700, 508]);
  expect(uncached({}, { promptTokens: 600 })).toEqual([640, 448]); // the last block counts whole
  expect(uncached({ addEstimatedOutputTokens: true }, { promptTokens: 700 })).toEqual([1750, 1558]);
  expect(uncached({ addEstimatedOutputTokens: true }, { promptTokens: 700, maxTokens: 10 })).toEqual([710, 518]);
});

it("burst-prefix-cache-producer puts equal prompts together, the longest first, where least of the window is", () => {
  const entry = (id: number, ...blocks: number[]) => ({ id, blocks });
  const entries = [entry(1, 1), entry(2, 1), entry(3, 5, 6), entry(4, 5, 6), entry(5, 9), entry(6, 1)];
  const by = { perEndpoint: Number.POSITIVE_INFINITY, minShared: 0, byBlocks: false };
  const found = assign(entries, pods(2), by);
  expect([...found].map(([id, { name }]) => `${id} ${name}`)).toEqual([
    "3 pod-0",
    "4 pod-0",
    "1 pod-1",
    "2 pod-1",
    "6 pod-1",
  ]);
  const most = assign(entries, pods(2), { ...by, perEndpoint: 1 });
  expect([most.get(3)?.name, most.get(4)?.name]).toEqual(["pod-0", "pod-1"]);
  const beginning = assign([entry(1, 1, 2), entry(2, 1, 3), entry(3, 7)], pods(3), { ...by, minShared: 1 });
  expect([beginning.get(1)?.name, beginning.get(2)?.name, beginning.has(3)]).toEqual(["pod-0", "pod-1", false]);
});

it("predicted-latency-producer learns what comes back, and knows nothing before", () => {
  const said = producers.schema.parse({ type: "predicted-latency-producer", streamingMode: true });
  const plugin = producers.create(said, knowing({ uncached: [1000, 3000] }));
  const endpoints = pods(2);
  const look = (id: number) => {
    const ask = askOf(endpoints, { id }, { now: instant(id * 1_000_000) });
    plugin.produce(ask);
    return ask;
  };
  for (let id = 0; id < 100; id += 1) {
    const ask = look(id);
    expect(plugin.latency?.known).toBe(id >= 20);
    plugin.placed?.(ask, { primary: id % 2, prefill: -1 });
    const first = ask.now + (id % 2 === 0 ? 150_000 : 350_000); // 50 ms and 100 ms per 1000 tokens
    plugin.firstToken?.(id, "", instant(first));
    plugin.ended?.(id, instant(first + 200_000), 11);
  }
  look(100);
  expect(plugin.latency?.ttftMs[0]).toBeCloseTo(150, 1);
  expect(plugin.latency?.ttftMs[1]).toBeCloseTo(350, 1);
  expect(plugin.latency?.tpotHeadroomMs[0]).toBeCloseTo(-20, 1);
});

describe("Scheduler", () => {
  const role = (name: string) => ({ "llm-d.ai/role": name });
  const apart = (over: object = {}) =>
    schedulingSaid.parse({
      filters: ["decode-filter", "prefill-filter"].map((type) => ({ name: type, plugin: { type } })),
      deciders: [{ name: "d", plugin: { type: "prefix-based-pd-decider", nonCachedTokens: 256 } }],
      profiles: [
        { name: "decode", filters: ["decode-filter"] },
        { name: "prefill", filters: ["prefill-filter"] },
      ],
      handler: { type: "disagg-profile-handler", deciders: { prefill: "d" } },
      ...over,
    });
  const gatewayOf = (said: typeof DEFAULT_SCHEDULING, ...roles: string[]): Gateway => {
    const gateway = new Gateway(new Scheduler(said, rngOf(1)));
    roles.forEach((name, at) => gateway.join(`pod-${at}`, role(name)));
    return gateway;
  };
  const at = instant(0);

  it("decodes first, and computes long uncached prompts apart until they are cached", () => {
    const gateway = gatewayOf(apart(), "decode", "prefill");
    expect(gateway.place(grouped(255, 255, 1), at)).toEqual({ kind: "routed", endpoint: "pod-0", position: 0 });
    expect(gateway.place(grouped(512, 512, 2), at)).toEqual({
      kind: "routed",
      endpoint: "pod-0",
      position: 0,
      prefill: "pod-1",
    });
    expect(gateway.place(grouped(512, 512, 3), at)).toEqual({ kind: "routed", endpoint: "pod-0", position: 0 });
  });

  it("counts the prefill endpoint until the first token, the decode endpoint until the end", () => {
    const gateway = gatewayOf(apart(), "decode", "prefill");
    gateway.place(grouped(512, 0, 2), at);
    const load = () => gateway.endpoints.map(({ inFlight, inFlightTokens }) => [inFlight, inFlightTokens]);
    expect(load()).toEqual([
      [1, 512],
      [1, 512],
    ]);
    gateway.firstToken("pod-0", 2, at);
    expect(load()).toEqual([
      [1, 0],
      [0, 0],
    ]);
    gateway.ended("pod-0", { request: { id: 2 }, end: at, outputTokens: 3 });
    expect(load()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });

  it("decodes alone where no prefill endpoint survives, and refuses where no decode endpoint does", () => {
    expect(gatewayOf(apart(), "decode").place(grouped(512, 0), at)).toEqual({
      kind: "routed",
      endpoint: "pod-0",
      position: 0,
    });
    expect(gatewayOf(apart(), "prefill").place(grouped(512, 0), at)).toEqual({ kind: "refused", why: "none-fits" });
    expect(gatewayOf(apart()).place(grouped(512, 0), at)).toEqual({ kind: "refused", why: "no-endpoints" });
  });

  it("prefill-first always computes apart", () => {
    const gateway = gatewayOf(
      apart({ handler: { type: "disagg-profile-handler", stageOrder: "PrefillFirst" } }),
      "both",
    );
    expect(gateway.place(grouped(1, 0), at)).toEqual({
      kind: "routed",
      endpoint: "pod-0",
      position: 0,
      prefill: "pod-0",
    });
  });

  it("adds clamped scores by their raw weights: prefix 3 against queue 2", () => {
    const gateway = gatewayOf(DEFAULT_SCHEDULING, "both", "both");
    const scrape = (name: string, waiting: number) =>
      gateway.scraped(endpointIn(gateway, name), at, { waiting, running: 0, kvUsage: 0 });
    scrape("pod-0", 0);
    scrape("pod-1", 9);
    expect(gateway.place(grouped(640, 640, 1), at)).toMatchObject({ endpoint: "pod-0" });
    scrape("pod-0", 9);
    scrape("pod-1", 0);
    expect(gateway.place(grouped(640, 640, 2), at)).toMatchObject({ endpoint: "pod-0" }); // 3 > 2
    expect(gateway.place(grouped(640, 128, 3), at)).toMatchObject({ endpoint: "pod-1" }); // 0.6 < 2
  });

  it("hears of KV events after their delay", () => {
    const said = schedulingSaid.parse({
      scorers: [{ name: "s", plugin: { type: "precise-prefix-cache-scorer" } }],
      profiles: [{ name: "default", scorers: [{ ref: "s" }] }],
      kvEventDelayMicros: 50_000,
    });
    const gateway = gatewayOf(said, "both", "both", "both");
    expect(gateway.readsKvEvents).toBe(true);
    const head = grouped(64, 64);
    const strand = prefixKeys(head, 16).strandOf(0);
    gateway.observeKv({ kind: "stored", endpoint: "pod-2", strand, from: 0, to: 4 }, at);
    const picks = (micros: number) =>
      new Set(
        Array.from({ length: 30 }, (_, id) => {
          const routed = gateway.place({ ...head, id: micros + id }, instant(micros));
          return routed.kind === "routed" ? routed.endpoint : "";
        }),
      );
    expect(picks(49_000).size).toBe(3);
    expect([...picks(50_000)]).toEqual(["pod-2"]);
  });

  it("says which scraped signals and windows it needs", () => {
    expect(gatewayOf(DEFAULT_SCHEDULING).readsSignals).toBe(true);
    expect(gatewayOf(DEFAULT_SCHEDULING).readsKvEvents).toBe(false);
    const blind = schedulingSaid.parse({
      scorers: [{ name: "a", plugin: { type: "active-request-scorer" } }],
      profiles: [{ name: "default", scorers: [{ ref: "a" }] }],
    });
    expect(gatewayOf(blind).readsSignals).toBe(false);
    const burst = schedulingSaid.parse({
      producers: [{ name: "b", plugin: { type: "burst-prefix-cache-producer" } }],
      profiles: [{ name: "default" }],
    });
    expect([gatewayOf(blind).window, gatewayOf(burst).window]).toEqual([undefined, 100_000]);
  });

  it.each([
    ["profiles[0].scorers[0].ref", { profiles: [{ name: "default", scorers: [{ ref: "quue" }] }] }],
    ["profiles[0].filters[0]", { profiles: [{ name: "default", filters: ["x"] }] }],
    ["profiles[0].picker", { profiles: [{ name: "default", picker: "x" }] }],
    ["handler", { profiles: [{ name: "a" }, { name: "b" }] }],
    ["handler.profiles.decode", { profiles: [{ name: "a" }], handler: { type: "disagg-profile-handler" } }],
    ["handler.deciderPluginName", { profiles: [{ name: "decode" }], handler: { type: "pd-profile-handler" } }],
    [
      "scorers[0].plugin.prefixMatchInfoProducerName",
      {
        scorers: [{ name: "p", plugin: { type: "prefix-cache-scorer", prefixMatchInfoProducerName: "mine" } }],
        profiles: [{ name: "default" }],
      },
    ],
    [
      "scorers[1].name",
      { scorers: [1, 2].map(() => ({ name: "q", plugin: { type: "queue-scorer" } })), profiles: [{ name: "default" }] },
    ],
  ])("has a problem at %s", (field, said) => {
    expect(schedulingProblems(schedulingSaid.parse(said)).map((problem) => problem.field)).toEqual([field]);
  });
});

it("tells modelled plugins from harmless ones, those left out and typos", () => {
  expect(pluginMeaning("context-length-aware")).toEqual({ is: "modelled", kinds: ["filter", "scorer"] });
  expect(pluginMeaning("token-producer").is).toBe("harmless");
  expect(pluginMeaning("mm-embeddings-cache-scorer").is).toBe("left-out");
  expect(pluginMeaning("queue-scorrer")).toEqual({ is: "unknown" });
  expect(knownPluginTypes).toContain("queue-scorer");
});
