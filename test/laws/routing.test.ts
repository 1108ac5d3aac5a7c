import { describe, expect, it } from "vitest";
import { type PolicySaid, routingPolicies } from "../../src/dataplane/policies/index.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

/** How each policy may be said; a new one needs a line here, or this file doesn't compile. */
const said: { readonly [Name in PolicySaid["policy"]]: readonly Extract<PolicySaid, { policy: Name }>[] } = {
  "round-robin": [{ policy: "round-robin" }],
  "least-queue": [{ policy: "least-queue" }],
  random: [{ policy: "random" }],
};

const anyEndpoint = (rng: Rng, name: string): Endpoint => ({
  name,
  scrapedAt: rng.below(4) === 0 ? undefined : instant(rng.below(1_000_000)),
  waiting: rng.below(4),
  running: rng.below(256),
  kvUsage: rng.next(),
  labels: {},
  cache: undefined,
  lora: undefined,
  inFlight: rng.below(300),
  inFlightTokens: rng.below(9000),
});
const anyEndpoints = (rng: Rng): Endpoint[] =>
  Array.from({ length: 1 + rng.below(9) }, (_, index) => anyEndpoint(rng, `pod-${index}`));
const anyHead = (rng: Rng, id: number): RequestHead => ({
  id,
  arrival: instant(id),
  promptTokens: 1 + rng.below(9000),
});

it("goes through every policy", () => {
  expect(Object.keys(said).sort()).toEqual(routingPolicies.all.map(({ name }) => name).sort());
});

describe.each(Object.values(said).flat())("policy $policy", (policy) => {
  const make = (seed: number) => routingPolicies.create(policy, { rng: rngOf(seed).stream("gateway") });

  it("picks one of the endpoints it is given, however they come and go", () =>
    forAllSeeds(200, (rng, seed) => {
      const { pick } = make(seed);
      for (let id = 0; id < 20; id += 1) {
        const endpoints = anyEndpoints(rng);
        const picked = pick(anyHead(rng, id), endpoints);
        expect(endpoints[picked]).toBeDefined();
      }
    }));

  it("picks the same again from the same stream, and changes nothing that it is given", () =>
    forAllSeeds(100, (rng, seed) => {
      const calls = Array.from({ length: 20 }, (_, id) => ({
        head: Object.freeze(anyHead(rng, id)),
        endpoints: anyEndpoints(rng),
      }));
      for (const { endpoints } of calls) Object.freeze(endpoints.map((endpoint) => Object.freeze(endpoint)));
      const run = () => {
        const { pick } = make(seed);
        return calls.map(({ head, endpoints }) => pick(head, endpoints));
      };
      expect(run()).toEqual(run());
    }));

  it("reads no scraped signal unless it says so", () =>
    forAllSeeds(100, (rng, seed) => {
      const [seeing, blind] = [make(seed), make(seed)];
      if (seeing.readsSignals) return;
      for (let id = 0; id < 20; id += 1) {
        const endpoints = anyEndpoints(rng);
        const unseen = endpoints.map((e) => ({ ...e, scrapedAt: undefined, waiting: 0, running: 0, kvUsage: 0 }));
        expect(seeing.pick(anyHead(rng, id), endpoints)).toBe(blind.pick(anyHead(rng, id), unseen));
      }
    }));

  it("leaves no endpoint out for good where all look alike", () => {
    const { pick } = make(1);
    const alike = Array.from({ length: 8 }, (_, index) => ({ ...anyEndpoint(rngOf(1).stream("one"), `pod-${index}`) }));
    const counts = new Array(8).fill(0);
    for (let id = 0; id < 8000; id += 1) counts[pick({ id, arrival: instant(id), promptTokens: 1 }, alike)] += 1;
    // Each count is at most binomial(8000, 1/8): deviation 29.6.
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * 29.6);
  });
});
