import { describe, expect, it } from "vitest";
import { noChanges } from "../../src/dataplane/changes.ts";
import type { Filter } from "../../src/dataplane/filter.ts";
import { filters } from "../../src/dataplane/filters/index.ts";
import { type Ended, Gateway } from "../../src/dataplane/gateway.ts";
import type { PluginContext } from "../../src/dataplane/knowledge.ts";
import type { KvEvent } from "../../src/dataplane/kv-event.ts";
import { type PickerSaid, pickers } from "../../src/dataplane/pickers/index.ts";
import type { Producer } from "../../src/dataplane/producer.ts";
import { type ProducerSaid, producers } from "../../src/dataplane/producers/index.ts";
import type { ProfileRun, Question } from "../../src/dataplane/profile.ts";
import { Scheduler } from "../../src/dataplane/scheduler.ts";
import { type SchedulingSaid, schedulingSaid } from "../../src/dataplane/scheduling.ts";
import { schedulingProblems } from "../../src/dataplane/scheduling-problems.ts";
import type { Scorer, Sparse, Standing } from "../../src/dataplane/scorer.ts";
import { scorers } from "../../src/dataplane/scorers/index.ts";
import { StandingColumn } from "../../src/dataplane/standing.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import { prefixKeys } from "../../src/model/prefix-keys.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { anyEndpoints, anyHead, endpointIn, endpointOf } from "../dataplane/any.ts";
import { among, askOf, keptBy, knowing } from "../dataplane/ask.ts";
import { DEFAULT_SCHEDULING } from "../dataplane/default-scheduling.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

/** Of each law; more by `SEEDS=200`. */
const SEEDS = Number(process.env.SEEDS ?? 4);

/** Parameters of those that can't do without. */
const NEEDED: Readonly<Record<string, object>> = {
  "header-label-affinity-scorer": { headerName: "x-session-id", labelKey: "app" },
  "endpoint-attribute-scorer": {
    attributeKey: "vllm:num_requests_waiting",
    algorithm: { type: "linear_lower_is_better" },
  },
  "by-label": { label: "llm-d.ai/role", validValues: ["decode"] },
  "utilization-filter": { conditions: [{ metric: "waiting-queue", maxValue: 2 }] },
  "endpoint-attribute-filter": {
    attribute: "vllm:kv_cache_usage_perc",
    algorithm: { type: "threshold", threshold: { operator: "LessThan", value: 0.5 } },
  },
  "context-length-aware": { enableFiltering: true },
};
/** The same schema parses what a configuration says and what these laws say. */
const saidOf = <Said>(schema: { parse(said: unknown): Said }, type: string): Said =>
  schema.parse({ type, ...NEEDED[type] });

const anyKnown = (rng: Rng, count: number, seed: number): PluginContext => {
  const total = rng.below(20);
  const column = (value: () => number): number[] => Array.from({ length: count }, value);
  return knowing(
    {
      total,
      matched: column(() => rng.below(total + 1)),
      uncached: column(() => rng.below(9000)),
      ...(rng.below(2) === 0
        ? {}
        : {
            ttftMs: column(() => rng.below(1000)),
            ttftHeadroomMs: column(() => rng.below(2000) - 1000),
            tpotHeadroomMs: column(() => rng.below(200) - 100),
          }),
    },
    rngOf(seed).stream("plugin"),
  );
};

const anyAsk = (rng: Rng, id: number): Question => {
  const endpoints = anyEndpoints(rng);
  const peer = rng.below(endpoints.length + 1) - 1;
  const question = askOf(endpoints, anyHead(rng, id), { now: instant(1_000_000 + id), peer, decision: id + 1 });
  const candidates = endpoints.map((_, at) => at).filter(() => rng.below(3) > 0);
  return among(question, candidates.length === 0 ? [0] : candidates);
};

/** What a plugin's work depends on, frozen or copied, to be compared afterwards. */
const pictureOf = (ask: Question): string =>
  JSON.stringify([ask.request, ask.endpoints, [...ask.kept.subarray(0, ask.count)], ask.count, ask.peer, ask.now]);

/** The same decision with nothing scraped. */
const unseen = (ask: Question): Question => {
  const endpoints = ask.endpoints.map(
    (e): Endpoint => ({
      ...e,
      ...{ scrapedAt: undefined, waiting: 0, running: 0, kvUsage: 0, cache: undefined, lora: undefined },
    }),
  );
  const copy = askOf(endpoints, ask.request, { now: ask.now, peer: ask.peer, decision: ask.decision });
  return among(copy, [...ask.kept.subarray(0, ask.count)]);
};

/** Many decisions of one plugin, each told of afterwards. */
const forDecisions = <Plugin extends Scorer | Filter>(
  make: (context: PluginContext) => Plugin,
  decide: (plugin: Plugin, ask: Question, context: PluginContext) => void,
): void =>
  forAllSeeds(SEEDS, (rng, seed) => {
    const context = anyKnown(rng, 16, seed);
    const plugin = make(context);
    for (let id = 0; id < 20; id += 1) {
      const ask = anyAsk(rng, id);
      decide(plugin, ask, context);
      const primary = ask.kept[rng.below(ask.count)] as number;
      plugin.placed?.(ask, { primary, prefill: rng.below(2) === 0 ? -1 : rng.below(ask.endpoints.length) });
      if (rng.below(2) === 0) plugin.firstToken?.(id, (ask.endpoints[primary] as Endpoint).name, ask.now);
      if (rng.below(2) === 0) plugin.ended?.(id, ask.now, 10);
    }
  });

describe.each(scorers.all.map(({ name }) => name))("scorer %s", (type) => {
  const make = (context: PluginContext): Scorer => scorers.create(saidOf(scorers.schema, type), context);
  const columnOf = (plugin: Scorer, ask: Question): Float64Array => {
    const into = new Float64Array(ask.endpoints.length).fill(Number.NaN);
    plugin.score(ask, into);
    return into;
  };

  it("scores every candidate once within [0, 1], nobody else, and changes nothing", () =>
    forDecisions(make, (plugin, ask) => {
      const before = pictureOf(ask);
      const into = columnOf(plugin, ask);
      const candidates = new Set(ask.kept.subarray(0, ask.count));
      into.forEach((score, at) => {
        if (!candidates.has(at)) return expect(score).toBeNaN();
        // The latency scorer's best is 101 of 100, as EPP's, whose profile clamps it.
        if (!(score >= 0 && score <= (type === "latency-scorer" ? 1.01 : 1))) expect.fail(`score ${score}`);
      });
      expect(pictureOf(ask)).toBe(before);
    }));

  it("scores the same again", () =>
    forAllSeeds(SEEDS, (_rng, seed) => {
      const run = (): Float64Array[] => {
        const rng = rngOf(seed).stream("again");
        const plugin = make(anyKnown(rng, 16, seed));
        return Array.from({ length: 10 }, (_, id) => {
          const ask = anyAsk(rng, id);
          const into = columnOf(plugin, ask);
          plugin.placed?.(ask, { primary: ask.kept[0] as number, prefill: -1 });
          return into;
        });
      };
      expect(run()).toEqual(run());
    }));

  it("looks at nothing scraped, if it says so", () => {
    if (make(knowing({})).blind !== true) return;
    forDecisions(make, (plugin, ask) => expect(columnOf(plugin, unseen(ask))).toEqual(columnOf(plugin, ask)));
  });

  it("goes by the endpoints alone, if it says that its scores stand", () => {
    if (make(knowing({})).standing === undefined) return;
    forDecisions(make, (plugin, ask) => {
      const plain = columnOf(plugin, ask);
      ask.request = anyHead(rngOf(7).stream("another"), 1000);
      expect(columnOf(plugin, ask)).toEqual(plain);
      const kept = new StandingColumn(plugin.standing as Standing);
      kept.update(ask, noChanges());
      for (const at of ask.kept.subarray(0, ask.count)) expect(kept.scores[at]).toBe(plain[at]);
    });
  });

  it("scores 0 all but those whom it names, if it names any", () => {
    if (make(knowing({})).sparse === undefined) return;
    forDecisions(make, ({ sparse, ...plugin }, ask) => {
      const { list, count } = (sparse as Sparse).of;
      const few = new Map(Array.from(list.subarray(0, count), (at) => [at, sparse?.scoreOf(at)]));
      const plain = columnOf(plugin, ask);
      for (const at of ask.kept.subarray(0, ask.count)) expect(few.get(at) ?? 0).toBe(plain[at]);
    });
  });

  it("goes by the signals that it names, if its scores stand", () => {
    const { standing } = make(knowing({}));
    if (standing === undefined) return;
    forDecisions(make, (_plugin, { endpoints }) => {
      for (const endpoint of endpoints) {
        const others = { ...endpointOf("other", { waiting: 11, running: 12, kvUsage: 0.13, inFlight: 14 }) };
        const named = Object.fromEntries(standing.of.map((signal) => [signal, endpoint[signal]]));
        expect(standing.valueOf({ ...others, ...named })).toBe(standing.valueOf(endpoint));
      }
    });
  });

  it("goes by beliefs alone: whatever else an endpoint carries changes nothing", () =>
    forDecisions(make, (plugin, ask) => {
      const plain = columnOf(plugin, ask);
      ask.endpoints = ask.endpoints.map((endpoint) => ({ ...endpoint, engine: { waiting: 7 }, truth: 3 }));
      expect(columnOf(plugin, ask)).toEqual(plain);
    }));
});

describe.each(filters.all.map(({ name }) => name))("filter %s", (type) => {
  const make = (context: PluginContext): Filter => filters.create(saidOf(filters.schema, type), context);

  it("keeps some of the candidates, in order, and changes nothing", () =>
    forDecisions(make, (plugin, ask) => {
      const before = pictureOf(ask);
      const candidates = [...ask.kept.subarray(0, ask.count)];
      const kept = keptBy((a, into) => plugin.keep(a, into), ask);
      expect(candidates.filter((at) => kept.includes(at))).toEqual(kept);
      expect(pictureOf(ask)).toBe(before);
    }));

  it("looks at nothing scraped, if it says so", () => {
    if (make(knowing({})).blind !== true) return;
    forAllSeeds(SEEDS, (rng, seed) => {
      const known = anyKnown(rng, 16, seed);
      const fresh = (): Filter => make({ ...known, rng: rngOf(seed).stream("filter") });
      const [seeing, blind] = [fresh(), fresh()];
      for (let id = 0; id < 10; id += 1) {
        const ask = anyAsk(rng, id);
        const kept = keptBy((a, into) => seeing.keep(a, into), ask);
        expect(keptBy((a, into) => blind.keep(a, into), unseen(ask))).toEqual(kept);
      }
    });
  });
});

describe.each<PickerSaid>(pickers.all.map(({ name }) => saidOf(pickers.schema, name)))("picker $type", (said) => {
  const make = (seed: number) => pickers.create(said, knowing({}, rngOf(seed).stream("picker")));

  it("picks one of the candidates, and the same again", () =>
    forAllSeeds(SEEDS, (rng, seed) => {
      const [one, other] = [make(seed), make(seed)];
      for (let id = 0; id < 20; id += 1) {
        const ask = anyAsk(rng, id);
        const scores = Float64Array.from(ask.endpoints, () => (rng.below(2) === 0 ? 0 : rng.next()));
        const picked = one.pick(ask, scores);
        expect(ask.kept.subarray(0, ask.count)).toContain(picked);
        expect(other.pick(ask, scores)).toBe(picked);
      }
    }));
});

describe.each<ProducerSaid>(producers.all.map(({ name }) => saidOf(producers.schema, name)))(
  "producer $type",
  (said) => {
    it("knows something of every endpoint, within bounds, whoever comes and goes", () =>
      forAllSeeds(SEEDS, (rng, seed) => {
        const plugin: Producer = producers.create(said, anyKnown(rng, 16, seed));
        for (let id = 0; id < 30; id += 1) {
          const ask = anyAsk(rng, id);
          plugin.gathered?.([ask.request, { ...ask.request, id: 1000 + id }], ask.endpoints, ask.slots);
          plugin.produce(ask);
          const { prefix, load, latency } = plugin;
          ask.endpoints.forEach((_, at) => {
            const matched = prefix?.matched[at] ?? 0;
            if (!(matched >= 0 && matched <= (prefix?.total ?? 0))) expect.fail(`${matched} of ${prefix?.total}`);
            if (!((load?.uncachedAt(at) ?? 0) >= 0)) expect.fail("less than nothing to compute");
            if (latency?.known === true && !((latency.ttftMs[at] as number) >= 0)) expect.fail("a TTFT below 0");
          });
          plugin.placed?.(ask, { primary: rng.below(ask.endpoints.length), prefill: -1 });
          plugin.firstToken?.(id, "", instant(2_000_000 + id));
          if (rng.below(2) === 0) plugin.ended?.(id, instant(3_000_000 + id), 1 + rng.below(9));
          if (rng.below(9) === 0) plugin.left?.(rng.below(9), `pod-${rng.below(9)}`);
        }
      }));
  },
);

/** Of blocks that requests may ask for. */
const anyKvEvent = (rng: Rng, endpoint: string): KvEvent => {
  const kind = rng.below(2) === 0 ? "stored" : "removed";
  const keys = prefixKeys(anyHead(rng, 0), 16);
  const from = rng.below(3);
  return { kind, endpoint, strand: keys.limit === 0 ? 0 : keys.strandOf(0), from, to: from + 1 + rng.below(5) };
};

const refs = (types: readonly string[]) => types.map((type) => ({ name: type, plugin: { type, ...NEEDED[type] } }));

/** What a profile gave those that no filter dropped. */
const scored = ({ profile, droppedBy, scores, totals, picked }: ProfileRun) => {
  const ofCandidates = (column: readonly number[]) => column.filter((_, at) => droppedBy[at] === undefined);
  const columns = scores.map(({ scorer, values }) => ({ scorer, values: ofCandidates(values) }));
  return { profile, droppedBy, columns, totals: ofCandidates(totals), picked };
};

/** Everything at once, with prefill apart. */
const everything: SchedulingSaid = schedulingSaid.parse({
  scorers: refs(scorers.all.map(({ name }) => name)),
  filters: refs(["decode-filter", "prefill-filter", "prefix-cache-affinity-filter", "slo-headroom-tier-filter"]),
  deciders: [{ name: "decider", plugin: { type: "prefix-based-pd-decider", nonCachedTokens: 500 } }],
  producers: [
    {
      name: "precise-prefix-cache-producer",
      plugin: { type: "precise-prefix-cache-producer", speculativeIndexing: true },
    },
    { name: "predicted-latency-producer", plugin: { type: "predicted-latency-producer", streamingMode: true } },
  ],
  profiles: [
    { name: "decode", filters: ["decode-filter"], scorers: scorers.all.map(({ name }) => ({ ref: name })) },
    { name: "prefill", filters: ["prefill-filter"], scorers: [{ ref: "prefix-cache-scorer", weight: 2 }] },
  ],
  handler: { type: "disagg-profile-handler", deciders: { prefill: "decider" } },
  kvEventDelayMicros: 100,
});
const estimating: SchedulingSaid = schedulingSaid.parse({
  ...DEFAULT_SCHEDULING,
  producers: [
    { name: "inflight-load-producer", plugin: { type: "inflight-load-producer", addEstimatedOutputTokens: true } },
  ],
});

/** Other candidates for each request: those that hold most of its prompt. */
const choosy: SchedulingSaid = schedulingSaid.parse({
  filters: refs(["prefix-cache-affinity-filter"]),
  scorers: refs(["queue-scorer", "kv-cache-utilization-scorer", "active-request-scorer"]),
  profiles: [
    {
      name: "default",
      filters: ["prefix-cache-affinity-filter"],
      scorers: ["queue-scorer", "kv-cache-utilization-scorer", "active-request-scorer"].map((ref) => ({ ref })),
    },
  ],
});

describe.each([
  { name: "EPP's default", said: DEFAULT_SCHEDULING },
  { name: "candidates by the request", said: choosy },
  { name: "everything, prefill apart", said: everything },
  { name: "outputs estimated", said: estimating },
])("a scheduler behind a gateway: $name", ({ said }) => {
  it("has no problem", () => expect(schedulingProblems(said)).toEqual([]));

  /** A life of a gateway. @returns where requests went */
  const live = (rng: Rng, seed: number): string[] => {
    const gateway = new Gateway(new Scheduler(said, rngOf(seed)));
    const flying: { readonly name: string; readonly ended: Ended }[] = [];
    const serving: string[] = [];
    const went: string[] = [];
    const end = (at: number): void => {
      const [{ name, ended }] = flying.splice(at, 1) as [(typeof flying)[number]];
      gateway.ended(name, ended);
    };
    for (let id = 0; id < 200; id += 1) {
      const [what, at] = [rng.below(12), instant(id * 10_000)];
      if (what === 0 || serving.length === 0) {
        const role = ["decode", "prefill", "both"][rng.below(3)] as string;
        gateway.join(`pod-${id}`, { "llm-d.ai/role": role });
        serving.push(`pod-${id}`);
      } else if (what === 1) gateway.leave(serving.splice(rng.below(serving.length), 1)[0] as string);
      else if (what < 4 && flying.length > 0) end(rng.below(flying.length));
      else if (what < 6) {
        const name = serving[rng.below(serving.length)] as string;
        gateway.scraped(endpointIn(gateway, name), at, { waiting: rng.below(3), running: 1, kvUsage: rng.next() });
        gateway.observeKv(anyKvEvent(rng, name), at);
      } else {
        const routed = gateway.place(anyHead(rng, id), at);
        went.push(routed.kind === "routed" ? `${routed.endpoint} ${routed.prefill}` : routed.why);
        if (routed.kind !== "routed") continue;
        if (!serving.includes(routed.endpoint)) expect.fail("went to somebody who isn't there");
        if (rng.below(2) === 0) gateway.firstToken(routed.endpoint, id, at);
        flying.push({ name: routed.endpoint, ended: { request: { id }, end: at, outputTokens: rng.below(9) } });
      }
      for (const { inFlight, inFlightTokens } of gateway.endpoints) {
        if (inFlight < 0 || inFlightTokens < 0) expect.fail("fewer than none in flight");
      }
    }
    while (flying.length > 0) end(0);
    for (const { inFlight, inFlightTokens } of gateway.endpoints) {
      expect({ inFlight, inFlightTokens }).toEqual({ inFlight: 0, inFlightTokens: 0 });
    }
    return went;
  };

  it("conserves requests and tokens in flight, and does the same again", () =>
    forAllSeeds(SEEDS, (_rng, seed) => {
      const run = (): string[] => live(rngOf(seed).stream("life"), seed);
      expect(run()).toEqual(run());
    }));

  it("decides the same whether scores are kept or made anew", () =>
    forAllSeeds(SEEDS, (rng, seed) => {
      const scheduler = new Scheduler(said, rngOf(seed));
      const afresh = new Scheduler(said, rngOf(seed));
      const gateway = new Gateway(scheduler);
      const serving: string[] = [];
      for (let id = 0; id < 300; id += 1) {
        const [what, at] = [rng.below(15), instant(id * 10_000)];
        if (what === 0 || serving.length === 0) {
          gateway.join(`pod-${id}`, { "llm-d.ai/role": ["decode", "prefill", "both"][rng.below(3)] as string });
          serving.push(`pod-${id}`);
          afresh.joined(gateway.endpoints.at(-1) as Endpoint);
        } else if (what === 1) {
          const [name] = serving.splice(rng.below(serving.length), 1) as [string];
          gateway.leave(name);
          afresh.left(name);
        } else if (what < 7) {
          const name = serving[rng.below(serving.length)] as string;
          gateway.scraped(endpointIn(gateway, name), at, {
            waiting: rng.below(3),
            running: rng.below(3),
            kvUsage: rng.below(3) / 2,
          });
          const event = anyKvEvent(rng, name);
          gateway.observeKv(event, at);
          afresh.observeKv(event, at);
        } else {
          const head = anyHead(rng, id);
          const runs: [ProfileRun[], ProfileRun[]] = [[], []];
          const isWatched = rng.below(2) === 0;
          afresh.ask.watched = runs[1];
          const expected = afresh.schedule(head, gateway.endpoints, at);
          const routed = gateway.place(head, at, isWatched ? { runs: runs[0] } : undefined);
          if (expected === undefined) expect(routed.kind).toBe("refused");
          else expect(routed).toMatchObject({ endpoint: gateway.endpoints[expected.primary]?.name });
          if (isWatched) expect(runs[0].map(scored)).toEqual(runs[1].map(scored));
          if (routed.kind !== "routed" || rng.below(3) > 0) continue;
          gateway.ended(routed.endpoint, { request: { id }, end: at, outputTokens: 1 });
          afresh.ended(id, at, 1);
        }
      }
    }));

  it("takes in nothing but endpoints: what the gateway believes decides", () =>
    forAllSeeds(SEEDS, (rng, seed) => {
      const [one, other] = [new Scheduler(said, rngOf(seed)), new Scheduler(said, rngOf(seed))];
      const labels = { "llm-d.ai/role": "both" };
      for (let id = 0; id < 20; id += 1) {
        const endpoints = anyEndpoints(rng).map((endpoint) => endpointOf(endpoint.name, { ...endpoint, labels }));
        const laden = endpoints.map((endpoint) => ({ ...endpoint, engine: { waiting: rng.below(9) } }));
        const head = anyHead(rng, id);
        expect(one.schedule(head, laden, instant(id))).toEqual(other.schedule(head, endpoints, instant(id)));
      }
    }));
});
