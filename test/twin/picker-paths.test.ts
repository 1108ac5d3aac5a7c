import { describe, expect, it } from "vitest";
import { frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import type { Decision } from "../../src/model/decision.ts";
import type { Fact } from "../../src/model/fact.ts";
import { instant } from "../../src/sim/time.ts";
import { digestOf } from "../../src/twin/digest.ts";
import type { PickerGateway, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, workload } from "./scenario-fixture.ts";

const named = (type: string) => ({ name: type, plugin: { type } });

const gateway = (scorers: readonly string[], over: Partial<PickerGateway> = {}): PickerGateway => ({
  kind: "epp",
  namespace: "inference",
  pool: "llama",
  scheduling: schedulingSaid.parse({
    scorers: scorers.map(named),
    producers: scorers.includes("prefix-cache-scorer") ? [named("approx-prefix-cache-producer")] : [],
    pickers: [named("max-score-picker")],
    profiles: [
      {
        name: "default",
        filters: [],
        scorers: scorers.map((ref) => ({ ref, weight: ref === "prefix-cache-scorer" ? 3 : 1 })),
        picker: "max-score-picker",
      },
    ],
  }),
  gate: frontGateSchema.parse({}),
  scrapeIntervalMicros: 50_000,
  stalenessMicros: 2e6,
  kvTransfer: { gigabytesPerSecond: 25, latencyMicros: 50, contention: true, failureRatio: 0 },
  ...over,
});

/** Prompts that share their beginnings, for eight replicas. */
const shared = (said: PickerGateway): Scenario => {
  const [client] = chat(40).clients;
  if (client === undefined) throw new Error("the fixture has a client");
  return scenario({
    seed: 7,
    horizonMicros: 30e6,
    workloads: [workload({ replicas: 8 })],
    gateway: said,
    traffic: {
      kind: "synthetic",
      synthetic: chat(40, { clients: [{ ...client, prefix: { tokens: 2000, groups: 60 } }] }),
    },
  });
};

const run = (said: Scenario, until = said.horizonMicros as number) => {
  const [facts, decisions]: [Fact[], Decision[]] = [[], []];
  const tap = { wants: ({ id }: { id: number }) => id % 4 === 0, tell: (made: Decision) => decisions.push(made) };
  const world = new World(said, (fact) => facts.push(fact), tap);
  world.runUntil(instant(until));
  return { facts, decisions, gateways: world.view().gateways ?? [] };
};

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
const finished = (facts: readonly Fact[]) => facts.flatMap((fact) => (fact.kind === "finished" ? [fact.facts] : []));
const cachedRatio = (facts: readonly Fact[]): number => {
  const done = finished(facts);
  return sum(done.map((f) => f.cachedTokens)) / sum(done.map((f) => f.request.promptTokens));
};

describe("several endpoint pickers at work", () => {
  const { facts, decisions, gateways } = run(shared(gateway(["active-request-scorer"], { pickers: 3 })), 20e6);

  it("are pods of their own, each with its own page", () =>
    expect(gateways.map(({ pod, service }) => [pod, service])).toEqual(
      [0, 1, 2].map((i) => [`llama-epp-${i}`, "llama-epp"]),
    ));

  it("say of a decision whose it was, and one alone too", () => {
    const whose = (told: readonly Decision[]) => [...new Set(told.map(({ picker }) => picker))].sort();
    expect(whose(decisions)).toEqual(["llama-epp-0", "llama-epp-1", "llama-epp-2"]);
    expect(whose(run(shared(gateway([])), 2e6).decisions)).toEqual(["llama-epp"]);
    const policy = { kind: "policy", policy: { policy: "round-robin" }, scrapeIntervalMicros: 50_000 } as const;
    const routers = (pickers?: number) =>
      run({ ...shared(gateway([])), gateway: { ...policy, ...(pickers === undefined ? {} : { pickers }) } }, 2e6)
        .decisions;
    expect(whose(routers(2))).toEqual(["router-0", "router-1"]);
    expect(whose(routers())).toEqual([undefined]);
  });

  it("count what they sent themselves: together all that is in flight, each about a third", () => {
    const held = gateways.map(({ endpoints }) => sum(endpoints.map(({ inFlight }) => inFlight)));
    const inFlight = facts.filter(({ kind }) => kind === "routed").length - finished(facts).length;
    expect(inFlight).toBeGreaterThan(30);
    expect(sum(held)).toBe(inFlight);
    for (const one of held) expect(one / inFlight).toBeCloseTo(1 / 3, 1);
  });

  it("believe less of an endpoint's load than there is, where one alone knows it all", () => {
    const shareOf = (told: readonly Decision[]): number => {
      const seen = told.flatMap(({ endpoints }) => endpoints);
      return (
        sum(seen.map(({ believed }) => believed.inFlight)) / sum(seen.map(({ truth }) => truth.running + truth.waiting))
      );
    };
    expect(shareOf(decisions)).toBeCloseTo(1 / 3, 1);
    const alone = run(shared(gateway(["active-request-scorer"])), 20e6);
    expect(shareOf(alone.decisions)).toBeCloseTo(1, 1);
  });

  it("count each request once, by the picker that routed it", () => {
    const counted = gateways.map(({ counted: { attempts } }) => sum(attempts.map(({ count }) => count)));
    expect(sum(counted)).toBe(facts.filter(({ kind }) => kind === "routed").length);
    for (const one of counted) expect(one).toBeGreaterThan(0);
  });

  it("scrape a replica each at its own time", () => {
    const seen = new Map<string, Set<number>>();
    for (const { endpoints } of run(shared(gateway(["queue-scorer"], { pickers: 3 })), 5e6).decisions) {
      for (const { name, believed } of endpoints) {
        if (believed.scrapedAt === undefined) continue;
        const phases = seen.get(name) ?? new Set();
        seen.set(name, phases.add(believed.scrapedAt % 50_000));
      }
    }
    expect([...seen.values()].map(({ size }) => size)).toEqual(Array.from({ length: 8 }, () => 3));
  });

  it("find fewer prefixes by an approximate index the more they are", () => {
    const scorers = ["prefix-cache-scorer", "queue-scorer"];
    const [one, four] = [1, 4].map((pickers) => cachedRatio(run(shared(gateway(scorers, { pickers }))).facts));
    expect(one).toBeGreaterThan((four as number) * 1.15);
  });

  it("are as one where they are one", () => {
    const said = shared(gateway(["prefix-cache-scorer", "queue-scorer"]));
    const alone = { ...said, gateway: { ...said.gateway, pickers: 1 } };
    expect(digestOf(run(alone, 10e6).facts)).toBe(digestOf(run(said, 10e6).facts));
  });
});
