import { expect, it } from "vitest";
import { frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import type { Fact } from "../../src/model/fact.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { digestOf } from "../../src/twin/digest.ts";
import type { GatewayScenario, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { forAllSeeds, seedsOf } from "../for-all-seeds.ts";
import { chat, scenario, workload } from "../twin/scenario-fixture.ts";

/** Laws of a request's whole way, over gateways of every shape, pods that come and go, clients that hang up. */
const oneOf = <T>(rng: Rng, ...choices: readonly T[]): T => choices[rng.below(choices.length)] as T;
const named = (type: string, params: object = {}) => ({ name: type, plugin: { type, ...params } });

const scheduling = (rng: Rng, apart: boolean) => {
  const prefix = oneOf(rng, "approx-prefix-cache-producer", "precise-prefix-cache-producer");
  const scorers = [
    "queue-scorer",
    "kv-cache-utilization-scorer",
    "active-request-scorer",
    "token-load-scorer",
    "no-hit-lru-scorer",
  ];
  const refs = [...scorers.filter(() => rng.below(2) === 0), "prefix-cache-scorer"].map((ref) => ({
    ref,
    weight: 1 + rng.below(3),
  }));
  const picker = oneOf(rng, "max-score-picker", "random-picker", "weighted-random-picker");
  const profile = (name: string, filters: string[] = []) => ({ name, filters, scorers: refs, picker });
  return schedulingSaid.parse({
    filters: ["prefill-filter", "decode-filter"].map((type) => named(type)),
    scorers: [
      ...scorers.map((type) => named(type)),
      named("prefix-cache-scorer", { prefixMatchInfoProducerName: prefix }),
    ],
    producers: [named(prefix), ...(rng.below(4) === 0 ? [named("burst-prefix-cache-producer")] : [])],
    pickers: [named(picker)],
    deciders: [{ name: "some", plugin: { type: "prefix-based-pd-decider", nonCachedTokens: 300 } }],
    profiles: apart
      ? [profile("prefill", ["prefill-filter"]), profile("decode", ["decode-filter"])]
      : [profile("default")],
    ...(apart ? { handler: { type: "disagg-profile-handler", deciders: { prefill: "some" } } } : {}),
    kvEventDelayMicros: oneOf(rng, 0, 50_000),
  });
};

const gate = (rng: Rng) =>
  frontGateSchema.parse({
    admission: { type: oneOf(rng, "always-admit", "gaie-legacy") },
    saturationDetector: { type: oneOf(rng, "utilization-detector", "concurrency-detector") },
    ...(rng.below(2) === 0
      ? { flowControl: { defaultRequestTTL: oneOf(rng, "2s", "30s"), enableEviction: rng.below(2) === 0 } }
      : {}),
    admitters: rng.below(4) === 0 ? [{ type: "probabilistic-admitter" }] : [],
  });

const anyGateway = (rng: Rng, apart: boolean): GatewayScenario => ({
  kind: "epp",
  namespace: "inference",
  pool: "llama",
  scheduling: scheduling(rng, apart),
  gate: gate(rng),
  scrapeIntervalMicros: oneOf(rng, 50_000, 1_000_000),
  stalenessMicros: 2_000_000,
  kvTransfer: {
    gigabytesPerSecond: oneOf(rng, 0.3, 25),
    latencyMicros: rng.below(1000),
    contention: rng.below(2) === 0,
    failureRatio: oneOf(rng, 0, 0.1),
  },
  ...(rng.below(3) === 0 ? { requestTimeoutMicros: 5_000_000 } : {}),
  ...(rng.below(2) === 0 ? { pickers: 1 + rng.below(4) } : {}),
});

const anyScenario = (rng: Rng, seed: number): Scenario => {
  const apart = rng.below(2) === 0;
  const engine = {
    ...workload().engine,
    maxNumSeqs: oneOf(rng, 4, 32),
    numGpuBlocks: oneOf(rng, 600, 4000),
    kvLoadFailurePolicy: oneOf(rng, "fail" as const, "recompute" as const),
  };
  const pool = (name: string) =>
    workload({
      name,
      engine,
      replicas: 1 + rng.below(3),
      podLabels: { "llm-d.ai/role": name },
      kvBytesPerToken: 131_072,
    });
  const client = chat(1).clients[0];
  if (client === undefined) throw new Error("the fixture has a client");
  return scenario({
    seed,
    horizonMicros: 20e6,
    workloads: apart ? [pool("prefill"), pool("decode")] : [pool("decode")],
    gateway: anyGateway(rng, apart),
    traffic: {
      kind: "synthetic",
      synthetic: {
        ...chat(1),
        clients: (["critical", "sheddable"] as const).map((sloClass, i) => ({
          ...client,
          name: sloClass,
          sloClass,
          rate: 1 + rng.below(12),
          tenant: `tenant-${i}`,
          prefix: { tokens: 500, groups: 3 },
          ...(rng.below(2) === 0 ? { timeout: oneOf(rng, "1s", "8s") } : {}),
        })),
      },
    },
  });
};

/** Runs it, pods coming and going meanwhile. */
const run = (rng: Rng, seed: number): { facts: Fact[]; inFlightAtEnd: number } => {
  const facts: Fact[] = [];
  const said = anyScenario(rng, seed);
  const world = new World(said, (fact) => facts.push(fact));
  for (const { name } of said.workloads) {
    for (let i = 0; i < 3; i += 1) {
      const replicas = rng.below(4);
      world.inject(instant(1 + rng.below(19e6)), { kind: "scale-written", workload: name, replicas, by: "the law" });
    }
  }
  while (world.next !== undefined) world.step();
  return { facts, inFlightAtEnd: world.report({ scenarioDigest: "", version: "" }).kpis.requests.inFlightAtEnd };
};

const endOf = (fact: Fact): number | undefined => {
  if (fact.kind === "finished") return fact.facts.request.id;
  if (fact.kind === "refused") return fact.request.id;
  return fact.kind === "gate" && (fact.event === "shed" || fact.event === "expired") ? fact.request.id : undefined;
};

it("ends every request once or has it at the horizon, in order, and every transfer that begins", () => {
  const seen = { ends: 0, transfers: 0, failed: 0, held: 0, prefilled: 0 };
  forAllSeeds(seedsOf(40), (rng, seed) => {
    const { facts, inFlightAtEnd } = run(rng, seed);
    const [arrived, ended, moving] = [new Set<number>(), new Set<number>(), new Set<number>()];
    for (const fact of facts) {
      if (fact.kind === "arrived") arrived.add(fact.request.id);
      if (fact.kind === "first-token") expect(ended.has(fact.request.id), "no token after the end").toBe(false);
      if (fact.kind === "prefilled") seen.prefilled += 1;
      if (fact.kind === "gate" && fact.event === "held") seen.held += 1;
      if (fact.kind === "transfer") {
        expect(moving.delete(fact.request.id)).toBe(fact.event !== "started");
        if (fact.event === "started") moving.add(fact.request.id);
        seen.transfers += 1;
        if (fact.event === "failed") seen.failed += 1;
      }
      const end = endOf(fact);
      if (end === undefined) continue;
      expect(arrived.has(end), `${end} had arrived`).toBe(true);
      expect(ended.has(end), `${end} ends once`).toBe(false);
      ended.add(end);
      seen.ends += 1;
    }
    expect(arrived.size - ended.size).toBe(inFlightAtEnd);
  });
  for (const [what, count] of Object.entries(seen)) expect(count, `${what} were seen`).toBeGreaterThan(0);
});

it("tells the same facts again from the same seed", () =>
  forAllSeeds(seedsOf(6), (_, seed) => {
    const [once, again] = [0, 1].map(() => digestOf(run(rngOf(seed).stream("same"), seed).facts));
    expect(once).toBe(again);
  }));
