import { describe, expect, it } from "vitest";
import { type PolicySaid, routingPolicies } from "../../src/dataplane/policies/index.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { anyEndpoint, anyEndpoints, anyHead } from "../dataplane/any.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

/** Of each law; more by `SEEDS=200`. */
const SEEDS = Number(process.env.SEEDS ?? 4);

/** How each policy may be said; a new one needs a line here, or this file doesn't compile. */
const said: { readonly [Name in PolicySaid["policy"]]: readonly Extract<PolicySaid, { policy: Name }>[] } = {
  "round-robin": [{ policy: "round-robin" }],
  "least-queue": [{ policy: "least-queue" }],
  random: [{ policy: "random" }],
  "least-loaded": [{ policy: "least-loaded" }],
  "power-of-two": [{ policy: "power-of-two" }],
  service: [
    { policy: "service", keepAlive: "5s" },
    { policy: "service", keepAlive: "0s" },
  ],
  "production-stack-roundrobin": [{ policy: "production-stack-roundrobin" }],
  "production-stack-session": [{ policy: "production-stack-session" }],
  "production-stack-prefixaware": [{ policy: "production-stack-prefixaware" }],
  "production-stack-kvaware": [{ policy: "production-stack-kvaware", kvAwareThreshold: 2000, kvBlockTokens: 16 }],
  "production-stack-disaggregated": [false, true].map((orchestrated) => ({
    policy: "production-stack-disaggregated",
    prefillModelLabels: "p",
    decodeModelLabels: "d",
    orchestrated,
  })),
  "sglang-cache-aware": [
    { policy: "sglang-cache-aware", cacheThreshold: 0.3, balanceAbsThreshold: 64, balanceRelThreshold: 1.5 },
    { policy: "sglang-cache-aware", cacheThreshold: 0, balanceAbsThreshold: 1, balanceRelThreshold: 1 },
  ],
  "dynamo-kv": [
    { policy: "dynamo-kv", overlapScoreWeight: 1, routerTemperature: 0, kvBlockTokens: 16 },
    { policy: "dynamo-kv", overlapScoreWeight: 2, routerTemperature: 0.5, kvBlockTokens: 64 },
  ],
};

it("goes through every policy", () => {
  expect(Object.keys(said).sort()).toEqual(routingPolicies.all.map(({ name }) => name).sort());
});

describe.each<PolicySaid>(Object.values(said).flat())("policy $policy", (policy) => {
  const make = (seed: number) => routingPolicies.create(policy, { rng: rngOf(seed).stream("gateway") });

  it("picks one of the endpoints it is given, however they come and go", () =>
    forAllSeeds(5 * SEEDS, (rng, seed) => {
      const policy = make(seed);
      for (let id = 0; id < 20; id += 1) {
        const endpoints = anyEndpoints(rng);
        const picked = policy.pick(anyHead(rng, id), endpoints, instant(id));
        if (endpoints[picked] === undefined) expect.fail(`picked ${picked} of ${endpoints.length}`);
      }
    }));

  it("picks the same again from the same stream, and changes nothing that it is given", () =>
    forAllSeeds(SEEDS, (rng, seed) => {
      const calls = Array.from({ length: 20 }, (_, id) => ({
        head: Object.freeze(anyHead(rng, id)),
        endpoints: anyEndpoints(rng),
      }));
      for (const { endpoints } of calls) Object.freeze(endpoints.map((endpoint) => Object.freeze(endpoint)));
      const run = () => {
        const policy = make(seed);
        return calls.map(({ head, endpoints }) => policy.pick(head, endpoints, head.arrival));
      };
      expect(run()).toEqual(run());
    }));

  it("reads no scraped signal unless it says so", () =>
    forAllSeeds(SEEDS, (rng, seed) => {
      const [seeing, blind] = [make(seed), make(seed)];
      if (seeing.readsSignals) return;
      for (let id = 0; id < 20; id += 1) {
        const endpoints = anyEndpoints(rng);
        const unseen = endpoints.map((e) => ({
          ...e,
          ...{ scrapedAt: undefined, waiting: 0, running: 0, kvUsage: 0, cache: undefined, lora: undefined },
        }));
        const head = anyHead(rng, id);
        expect(seeing.pick(head, endpoints, head.arrival)).toBe(blind.pick(head, unseen, head.arrival));
      }
    }));

  it("has prompts computed by pods of the one kind and tokens made by the other, unless one is missing", () =>
    forAllSeeds(5 * SEEDS, (rng, seed) => {
      const policy = make(seed);
      if (policy.pair === undefined) return;
      for (let id = 0; id < 20; id += 1) {
        const endpoints = anyEndpoints(rng).map((one) => ({ ...one, labels: { model: "pdx".charAt(rng.below(3)) } }));
        const kinds = new Set(endpoints.map(({ labels }) => labels.model));
        const pair = policy.pair(anyHead(rng, id), endpoints, instant(id));
        const both = kinds.has("p") && kinds.has("d");
        const found = pair && [endpoints[pair.prefill]?.labels.model, endpoints[pair.decode]?.labels.model];
        expect(found).toEqual(both ? ["p", "d"] : undefined);
      }
    }));

  it("leaves no endpoint out for good where all look alike", () => {
    const policy = make(1);
    // Those that go by labels take the first, or are told apart by them.
    if (policy.pair !== undefined) return;
    const one = anyEndpoint(rngOf(1).stream("one"), "");
    const alike = Array.from({ length: 8 }, (_, index) => ({ ...one, name: `pod-${index}`, inFlight: 0 }));
    for (let id = 0; id < 8000; id += 1) {
      const picked = policy.pick({ id, arrival: instant(id), promptTokens: 1 }, alike, instant(id));
      (alike[picked] as (typeof alike)[number]).inFlight += 1;
    }
    // Each count is at most binomial(8000, 1/8): deviation 29.6.
    for (const { inFlight } of alike) expect(Math.abs(inFlight - 1000)).toBeLessThan(5 * 29.6);
  });

  it("goes by beliefs alone: whatever else an endpoint carries changes nothing", () =>
    forAllSeeds(SEEDS, (rng, seed) => {
      const [one, other] = [make(seed), make(seed)];
      for (let id = 0; id < 20; id += 1) {
        const [head, endpoints] = [anyHead(rng, id), anyEndpoints(rng)];
        const laden = endpoints.map((endpoint) => ({
          ...endpoint,
          engine: { waiting: rng.below(9) },
          truth: rng.next(),
        }));
        expect(one.pick(head, laden, head.arrival)).toBe(other.pick(head, endpoints, head.arrival));
      }
    }));
});
