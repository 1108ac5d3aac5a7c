import { describe, expect, it } from "vitest";
import { Gateway } from "../../src/dataplane/gateway.ts";
import { type PolicySaid, routingPolicies } from "../../src/dataplane/policies/index.ts";
import type { RoutingPolicy } from "../../src/dataplane/policy.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { endpointIn } from "./any.ts";

const head = { id: 0, arrival: instant(0), promptTokens: 1 };
const first: RoutingPolicy = { readsSignals: true, pick: () => 0 };
const signals = { waiting: 3, running: 2, kvUsage: 0.5 };
const joined = (policy: RoutingPolicy, ...names: string[]): Gateway => {
  const gateway = new Gateway(policy);
  for (const name of names) gateway.join(name);
  return gateway;
};

describe("Gateway", () => {
  it("has nowhere to route to before anybody joins, and after all have left", () => {
    const gateway = new Gateway(first);
    expect(gateway.route(head)).toBeUndefined();
    gateway.join("a");
    expect(gateway.route(head)).toBe("a");
    gateway.leave("a");
    expect(gateway.route(head)).toBeUndefined();
  });

  it("believes nothing of a newcomer, then what was scraped, all of one scrape together", () => {
    const gateway = joined(first, "a", "b");
    const unknown = { scrapedAt: undefined, waiting: 0, running: 0, kvUsage: 0, inFlight: 0 };
    expect(gateway.endpoints).toMatchObject([
      { name: "a", ...unknown },
      { name: "b", ...unknown },
    ]);
    gateway.scraped(endpointIn(gateway, "b"), instant(50_000), signals);
    expect(gateway.endpoints[0]).toMatchObject(unknown);
    expect(gateway.endpoints[1]).toMatchObject({ scrapedAt: 50_000, ...signals, inFlight: 0 });
  });

  it("keeps its beliefs until the next scrape, but counts what it sent itself", () => {
    const gateway = joined(first, "a");
    gateway.scraped(endpointIn(gateway, "a"), instant(1), signals);
    gateway.route(head);
    gateway.route(head);
    expect(gateway.endpoints[0]).toMatchObject({ ...signals, inFlight: 2 });
    gateway.ended("a");
    expect(gateway.endpoints[0]).toMatchObject({ ...signals, inFlight: 1 });
  });

  it("keeps the order of joining when others leave", () => {
    const gateway = joined(first, "a", "b", "c");
    gateway.leave("b");
    gateway.join("d");
    expect(gateway.endpoints.map(({ name }) => name)).toEqual(["a", "c", "d"]);
  });

  it("lets requests end at a replica that has left, and passes over its scrapes", () => {
    const gateway = joined(first, "a", "b");
    gateway.route(head);
    const left = endpointIn(gateway, "a");
    gateway.leave("a");
    gateway.scraped(left, instant(1), signals);
    gateway.ended("a");
    gateway.scraped(left, instant(2), signals);
    expect(gateway.endpoints.map(({ name }) => name)).toEqual(["b"]);
    expect(() => gateway.ended("a")).toThrow("broken invariant");
  });

  it("counts requests in flight over a leave and a join", () => {
    const gateway = joined(first, "a");
    gateway.route(head);
    gateway.leave("a");
    gateway.join("a");
    expect(gateway.endpoints[0]).toMatchObject({ inFlight: 1, scrapedAt: undefined });
  });

  it("tells whether its policy reads signals", () => {
    expect(new Gateway(first).readsSignals).toBe(true);
    expect(new Gateway({ ...first, readsSignals: false }).readsSignals).toBe(false);
  });

  it.each([
    { name: "two joins", misuse: (gateway: Gateway) => gateway.join("a") },
    { name: "a stranger's leave", misuse: (gateway: Gateway) => gateway.leave("z") },
    { name: "an end without a begin", misuse: (gateway: Gateway) => gateway.ended("a") },
    {
      name: "scrapes out of order",
      misuse: (gateway: Gateway) => {
        gateway.scraped(endpointIn(gateway, "a"), instant(2), signals);
        gateway.scraped(endpointIn(gateway, "a"), instant(1), signals);
      },
    },
  ])("crashes on $name", ({ misuse }) => expect(() => misuse(joined(first, "a"))).toThrow("broken invariant"));

  it("crashes on a policy that picks nobody", () => {
    expect(() => joined({ readsSignals: false, pick: () => -1 }, "a").route(head)).toThrow("broken invariant");
  });

  // The one that takes pairs needs pods of two kinds: test/twin/production-stack.test.ts.
  const single = routingPolicies.all.filter(({ name }) => name !== "production-stack-disaggregated");
  it.each<PolicySaid>(single.map(({ name }) => routingPolicies.schema.parse({ policy: name })))(
    "conserves requests in flight, whatever happens: $policy",
    (policy) =>
      forAllSeeds(5, (rng, seed) => {
        const gateway = new Gateway(routingPolicies.create(policy, { rng: rngOf(seed).stream("gateway") }));
        const inFlight: string[] = [];
        const serving: string[] = [];
        for (let id = 0; id < 300; id += 1) {
          const what = rng.below(10);
          if (what === 0) {
            gateway.join(`pod-${id}`);
            serving.push(`pod-${id}`);
          } else if (what === 1 && serving.length > 0) {
            gateway.leave(serving.splice(rng.below(serving.length), 1)[0] as string);
          } else if (what < 4 && inFlight.length > 0) {
            gateway.ended(inFlight.splice(rng.below(inFlight.length), 1)[0] as string);
          } else if (what < 6 && serving.length > 0) {
            const name = serving[rng.below(serving.length)] as string;
            gateway.scraped(endpointIn(gateway, name), instant(id), { waiting: rng.below(3), running: 1, kvUsage: 0 });
          } else {
            const name = gateway.route({ ...head, id });
            expect(name === undefined).toBe(serving.length === 0);
            if (name !== undefined) {
              expect(serving).toContain(name);
              inFlight.push(name);
            }
          }
          expect(gateway.endpoints.map(({ name }) => name)).toEqual(serving);
          for (const endpoint of gateway.endpoints) {
            expect(endpoint.inFlight).toBe(inFlight.filter((name) => name === endpoint.name).length);
          }
        }
      }),
  );
});
