import { describe, expect, it } from "vitest";
import { frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import type { PolicySaid } from "../../src/dataplane/policies/index.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import type { Decision } from "../../src/model/decision.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { Kpis } from "../../src/report/report.ts";
import { micros } from "../../src/sim/time.ts";
import type { GatewayScenario, KvTransferScenario, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import type { SyntheticWorkload } from "../../src/workload/sources/index.ts";
import { DEFAULT_SCHEDULING } from "../dataplane/default-scheduling.ts";
import { chat, scenario, workload } from "./scenario-fixture.ts";

/** What the field knows of gateways, with room for the workloads' being made up: directions and rough factors, no figures. */
const run = (over: Partial<Scenario>, hear?: (fact: Fact) => void): Kpis => {
  const world = new World(scenario(over), hear);
  while (world.next !== undefined) world.step();
  return world.report({ scenarioDigest: "", version: "" }).kpis;
};

type Picker = Extract<GatewayScenario, { kind: "epp" }>;

const LINK: KvTransferScenario = { gigabytesPerSecond: 25, latencyMicros: 50, contention: true, failureRatio: 0 };

const picker = (over: Partial<Picker> = {}): Picker => ({
  kind: "epp",
  namespace: "inference",
  pool: "llama",
  scheduling: DEFAULT_SCHEDULING,
  gate: frontGateSchema.parse({ admission: { type: "always-admit" } }),
  scrapeIntervalMicros: 50_000,
  stalenessMicros: 2_000_000,
  kvTransfer: LINK,
  ...over,
});

const policy = (said: PolicySaid["policy"], scrapeIntervalMicros = 50_000): GatewayScenario => ({
  kind: "policy",
  policy: { policy: said } as PolicySaid,
  scrapeIntervalMicros,
});

const clients = (...over: Partial<SyntheticWorkload["clients"][number]>[]): Scenario["traffic"] => ({
  kind: "synthetic",
  synthetic: {
    ...chat(1),
    clients: over.map((one, i) => ({
      ...(chat(1).clients[0] as SyntheticWorkload["clients"][number]),
      name: `client-${i}`,
      ...one,
    })),
  },
});

const constant = (tokens: number) => ({ distribution: "constant" as const, tokens });

describe("prefix-aware routing", () => {
  const shared = (groups: number, gateway: GatewayScenario): Kpis =>
    run({
      horizonMicros: 60e6,
      warmUpMicros: 20e6,
      workloads: [workload({ replicas: 8, engine: { ...workload().engine, numGpuBlocks: 2000 } })],
      gateway,
      traffic: clients({ rate: 32, prompt: constant(100), output: constant(60), prefix: { tokens: 6000, groups } }),
    });

  it("beats round robin by a factor once the prefixes no longer fit one replica, and by little while they do", () => {
    // A replica holds about 4 prefixes of 6000 tokens: 24 of them fit the pool, not a replica.
    const [many, manyAware] = [shared(24, policy("round-robin")), shared(24, picker())];
    expect(manyAware.prefixCacheHitRatio).toBeGreaterThan(2 * many.prefixCacheHitRatio);
    expect(manyAware.ttftSeconds.mean).toBeLessThan(many.ttftSeconds.mean / 2);
    const [few, fewAware] = [shared(2, policy("round-robin")), shared(2, picker())];
    expect(fewAware.prefixCacheHitRatio).toBeLessThan(1.1 * few.prefixCacheHitRatio);
    expect(fewAware.ttftSeconds.mean).toBeGreaterThan(few.ttftSeconds.mean / 2);
  });
});

describe("least queue on stale signals", () => {
  const tail = (gateway: GatewayScenario): number =>
    run({
      horizonMicros: 60e6,
      workloads: [workload({ replicas: 4 })],
      gateway,
      traffic: { kind: "synthetic", synthetic: chat(110) },
    }).ttftSeconds.p99;

  it("herds at 5 s, where power of two does not, and is as good at 50 ms", () => {
    const two = tail(policy("power-of-two"));
    expect(tail(policy("least-queue", 5_000_000))).toBeGreaterThan(2 * two);
    expect(tail(policy("least-queue"))).toBeLessThan(1.5 * two);
  });
});

describe("the gate in overload", () => {
  const traffic = (rate: number): Scenario["traffic"] =>
    clients({ name: "critical", rate, sloClass: "critical" }, { name: "batch", rate, sloClass: "sheddable" });
  const under = (rate: number, gate: unknown): Kpis =>
    run({
      horizonMicros: 60e6,
      gateway: picker({ gate: frontGateSchema.parse(gate) }),
      traffic: traffic(rate),
      slo: { critical: { ttft: micros(1_000_000) }, sheddable: { ttft: micros(1_000_000) } },
    });
  const flow = { flowControl: { defaultRequestTTL: "0s" } };

  it("keeps engine queues short with flow control: waiting moves to the gateway", () => {
    const open = under(45, { admission: { type: "always-admit" } });
    const held = under(45, flow);
    expect(open.queueSeconds.mean).toBeGreaterThan(2);
    expect(held.queueSeconds.mean).toBeLessThan(open.queueSeconds.mean / 2);
    expect(held.gateway?.queueSeconds.mean).toBeGreaterThan(open.queueSeconds.mean / 4);
  });

  it("protects the critical class by shedding, and sheds nobody below saturation", () => {
    const shedding = { admission: { type: "gaie-legacy" } };
    const [open, shed] = [under(45, { admission: { type: "always-admit" } }), under(45, shedding)];
    const attained = (kpis: Kpis): number => kpis.groups?.classes?.["critical"]?.slo?.attainmentRatio ?? 0;
    expect(attained(shed)).toBeGreaterThan(attained(open) + 0.3);
    expect(shed.requests.shed).toBeGreaterThan(100);
    expect(under(10, shedding).requests.shed ?? 0).toBe(0);
  });
});

describe("several models", () => {
  it.each([
    ["a policy", policy("least-loaded")],
    ["an endpoint picker", picker()],
  ] as const)("each have their own pods behind %s; one that nobody serves is refused", (_name, gateway) => {
    const served: Record<string, Set<string>> = {};
    let refused = 0;
    const kpis = run(
      {
        horizonMicros: 20e6,
        workloads: ["small", "large"].map((name) => workload({ name, modelName: name, replicas: 2 })),
        gateway,
        traffic: clients(...["small", "large", "none"].map((model) => ({ rate: 5, model }))),
      },
      (fact) => {
        if (fact.kind === "refused")
          refused += fact.request.model === "none" && fact.outcome === "unroutable" ? 1 : 1000;
        if (fact.kind === "finished") (served[fact.facts.request.model ?? ""] ??= new Set()).add(fact.workload);
      },
    );
    expect(served).toEqual({ small: new Set(["small"]), large: new Set(["large"]) });
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBe(kpis.requests.rejected);
  });
});

describe("who looks at decisions", () => {
  it("sees what each endpoint scored, what was believed and what was true, and changes nothing", () => {
    const over = {
      horizonMicros: 20e6,
      workloads: [workload({ replicas: 3 })],
      gateway: picker(),
      traffic: clients({ rate: 30, prefix: { tokens: 1000, groups: 5 } }),
    };
    const seen: Decision[] = [];
    const tap = {
      wants: ({ id }: { readonly id: number }) => id % 5 === 0,
      tell: (one: Decision) => void seen.push(one),
    };
    const [plain, watched] = [undefined, tap].map((decisions) => {
      const world = new World(scenario(over), undefined, decisions);
      while (world.next !== undefined) world.step();
      return world.report({ scenarioDigest: "", version: "" });
    });
    expect(watched).toEqual(plain);
    expect(seen.length).toBeGreaterThan(50);
    for (const { request, chosen, endpoints } of seen) {
      expect(endpoints).toHaveLength(3);
      const best = Math.max(...endpoints.map(({ total }) => total));
      expect(endpoints.find(({ name }) => name === chosen)?.total).toBe(best);
      for (const { scores, believed } of endpoints) {
        expect(Object.keys(scores)).toEqual(["queue-scorer", "kv-cache-utilization-scorer", "prefix-cache-scorer"]);
        const blocks = Math.ceil(request.promptTokens / 64);
        expect(scores["prefix-cache-scorer"]).toBeCloseTo((believed.cachedTokens as number) / 64 / blocks, 12);
      }
    }
    // What the picker believes to be cached is there as a rule.
    const warm = seen
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ believed }) => (believed.cachedTokens ?? 0) > 900);
    expect(warm.length).toBeGreaterThan(50);
    expect(warm.filter(({ truth }) => truth.cachedTokens > 900).length).toBeGreaterThan(0.9 * warm.length);
  });
});

describe("adapters and what engines publish of their caches", () => {
  const lora = { maxLoras: 1, maxCpuLoras: 4, gpuLoadMicros: 400_000, diskLoadMicros: 0 };
  const affine = (type: "lora-affinity-scorer" | "queue-scorer"): Kpis =>
    run({
      horizonMicros: 30e6,
      workloads: [workload({ replicas: 4, engine: { ...workload().engine, lora } })],
      gateway: picker({
        scheduling: schedulingSaid.parse({
          scorers: [{ name: type, plugin: { type } }],
          profiles: [{ name: "default", scorers: [{ ref: type, weight: 1 }] }],
        }),
      }),
      traffic: clients(...["a", "b", "c", "d"].map((adapter) => ({ rate: 2, adapter }))),
    });

  it("keeps an adapter's requests where it is loaded", () =>
    expect(affine("lora-affinity-scorer").ttftSeconds.mean).toBeLessThan(
      affine("queue-scorer").ttftSeconds.mean / 1.5,
    ));

  it("finds by events what an index of its own would not know to be gone", () => {
    const precise = schedulingSaid.parse({
      producers: [{ name: "precise", plugin: { type: "precise-prefix-cache-producer" } }],
      scorers: [
        { name: "prefix", plugin: { type: "prefix-cache-scorer", prefixMatchInfoProducerName: "precise" } },
        { name: "queue", plugin: { type: "queue-scorer" } },
      ],
      profiles: [
        {
          name: "default",
          scorers: [
            { ref: "prefix", weight: 3 },
            { ref: "queue", weight: 1 },
          ],
        },
      ],
      kvEventDelayMicros: 50_000,
    });
    const hits = (scheduling: Picker["scheduling"]): number =>
      run({
        horizonMicros: 40e6,
        workloads: [workload({ replicas: 4 })],
        gateway: picker({ scheduling }),
        traffic: clients({ rate: 30, prefix: { tokens: 3000, groups: 40 } }),
      }).prefixCacheHitRatio;
    const blind = schedulingSaid.parse({
      scorers: [{ name: "queue", plugin: { type: "queue-scorer" } }],
      profiles: [{ name: "default", scorers: [{ ref: "queue", weight: 1 }] }],
    });
    expect(hits(precise)).toBeGreaterThan(1.3 * hits(blind));
  });
});

describe("prefill and decode apart", () => {
  const APART = schedulingSaid.parse({
    filters: ["prefill-filter", "decode-filter"].map((type) => ({ name: type, plugin: { type } })),
    scorers: [{ name: "queue-scorer", plugin: { type: "queue-scorer" } }],
    deciders: [{ name: "always", plugin: { type: "always-disagg-pd-decider" } }],
    profiles: [
      { name: "prefill", filters: ["prefill-filter"], scorers: [{ ref: "queue-scorer", weight: 1 }] },
      { name: "decode", filters: ["decode-filter"], scorers: [{ ref: "queue-scorer", weight: 1 }] },
    ],
    handler: { type: "disagg-profile-handler", deciders: { prefill: "always" } },
  });
  const role = (name: string) =>
    workload({ name, replicas: 2, podLabels: { "llm-d.ai/role": name }, kvBytesPerToken: 131_072 });
  const documents = clients({ rate: 8, prompt: constant(4000), output: constant(200) });
  const apart = (link: Partial<KvTransferScenario>, hear?: (fact: Fact) => void): Kpis =>
    run(
      {
        horizonMicros: 60e6,
        workloads: [role("prefill"), role("decode")],
        gateway: picker({ scheduling: APART, kvTransfer: { ...LINK, ...link } }),
        traffic: documents,
      },
      hear,
    );
  const together = (): Kpis =>
    run({
      horizonMicros: 60e6,
      workloads: [workload({ replicas: 4 })],
      gateway: policy("least-loaded"),
      traffic: documents,
    });

  it("lowers the gaps between tokens at the cost of the first one, and loses on a slow link", () => {
    const [split, whole, slow] = [apart({}), together(), apart({ gigabytesPerSecond: 1 })];
    expect(split.itlSeconds.p99).toBeLessThan(whole.itlSeconds.p99 / 2);
    expect(split.ttftSeconds.mean).toBeGreaterThan(whole.ttftSeconds.mean);
    expect(slow.e2eSeconds.mean).toBeGreaterThan(whole.e2eSeconds.mean);
    expect(slow.ttftSeconds.mean).toBeGreaterThan(2 * split.ttftSeconds.mean);
  });

  it.each([0, 0.2])("loses no request and no transfer where %d of the transfers fail", (failureRatio) => {
    const seen = { arrived: 0, prefilled: 0, finished: 0, failed: 0, started: 0, moved: 0, broken: 0 };
    const kpis = apart({ failureRatio }, (fact) => {
      if (fact.kind === "arrived") seen.arrived += 1;
      if (fact.kind === "prefilled") seen.prefilled += 1;
      if (fact.kind === "finished") seen[fact.facts.outcome === "failed" ? "failed" : "finished"] += 1;
      if (fact.kind === "transfer")
        seen[({ started: "started", ended: "moved", failed: "broken" } as const)[fact.event]] += 1;
    });
    expect(seen.arrived).toBe(seen.finished + seen.failed + kpis.requests.inFlightAtEnd);
    expect(seen.prefilled).toBeGreaterThanOrEqual(seen.started);
    expect(seen.started - seen.moved - seen.broken).toBeLessThan(10);
    // vLLM's default for a failed transfer is to fail the request.
    expect(seen.broken).toBe(seen.failed);
    if (failureRatio > 0) expect(seen.broken / seen.started).toBeCloseTo(failureRatio, 1);
    else expect(seen.broken).toBe(0);
  });
});
