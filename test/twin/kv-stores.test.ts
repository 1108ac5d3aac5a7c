import { expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { instant } from "../../src/sim/time.ts";
import type { KvStoreScenario, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, workload } from "./scenario-fixture.ts";

/** Two replicas in turn; prompts of 4000 tokens share all but 160 of them, more of which than one GPU holds. */
const said = (store: Partial<KvStoreScenario> | undefined): Scenario => {
  const [first] = chat(4).clients;
  const client = {
    ...(first as NonNullable<typeof first>),
    prompt: { distribution: "constant", tokens: 160 },
    output: { distribution: "constant", tokens: 20 },
    prefix: { tokens: 3840, groups: 12 },
  } as const;
  const plain = workload();
  const tier = { blocksPerChunk: 16, reads: true, writes: true };
  const kept = store === undefined ? {} : { tier };
  const engine = { ...plain.engine, numGpuBlocks: 700, ...kept };
  const kvTier = { store: "cache", space: "llama", chunkBytes: 16 * 16 * 131_072 };
  return scenario({
    horizonMicros: 40e6,
    traffic: { kind: "synthetic", synthetic: chat(4, { clients: [client] }) },
    workloads: [{ ...plain, engine, ...(store === undefined ? {} : { kvTier }) }],
    ...(store === undefined
      ? {}
      : {
          kvStores: [
            { name: "cache", shared: true, latencyMicros: 50, readGBs: 25, writeGBs: 25, replicaGBs: 25, ...store },
          ],
        }),
  });
};

const served = (store?: Partial<KvStoreScenario>) => {
  const facts: Fact[] = [];
  const world = new World(said(store), (fact) => void facts.push(fact));
  world.runUntil(instant(40e6));
  const ended = facts.flatMap((fact) => (fact.kind === "finished" ? [fact.facts] : []));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const counters = world.view().replicas.map(({ state }) => state.counters);
  return {
    cached: mean(ended.map(({ cachedTokens }) => cachedTokens)),
    ttft: mean(
      ended.flatMap(({ firstToken, request }) => (firstToken === undefined ? [] : [firstToken - request.arrival])),
    ),
    stored: counters.reduce((sum, { tierStoredBlocks }) => sum + tierStoredBlocks, 0),
  };
};

it("a cache that replicas share is found by all, is written once, and a slow or private one serves less", () => {
  const [none, shared, own, slow] = [served(), served({}), served({ shared: false }), served({ readGBs: 0.2 })];
  expect(shared.cached).toBeGreaterThan(2 * none.cached);
  expect(shared.ttft).toBeLessThan(none.ttft);
  expect(own.cached).toBeLessThan(shared.cached);
  expect(own.stored).toBeGreaterThan(1.5 * shared.stored);
  expect(slow.ttft).toBeGreaterThan(2 * shared.ttft);
});
