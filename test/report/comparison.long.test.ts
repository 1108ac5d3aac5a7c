import { expect, it } from "vitest";
import { latencyModels } from "../../src/latency/models/index.ts";
import { type Comparison, compare, DEFAULT_GOALS } from "../../src/report/comparison.ts";
import type { Kpis } from "../../src/report/report.ts";
import { rngOf } from "../../src/sim/rng.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, waitingHpa, workload } from "../twin/scenario-fixture.ts";

/** The rates of docs/preview.md, on worlds with an engine, a gateway and an HPA. */
const [TRIALS, BUDGET, WORLDS] = [500, 16, 160];

const said = (seed: number, pace: number): Scenario =>
  scenario({
    seed,
    horizonMicros: 120e6,
    warmUpMicros: 20e6,
    workloads: [workload({ latency: latencyModels.schema.parse({ name: "physical", pace }) })],
    autoscalers: [waitingHpa(3, { maxReplicas: 3 })],
    traffic: { kind: "synthetic", synthetic: chat(6) },
  });

const run = (seed: number, pace = 1): Kpis => {
  const one = said(seed, pace);
  const world = new World(one);
  while (world.next !== undefined) world.step();
  return world.report({ scenarioDigest: "d", version: "v" }, one.horizonMicros as SimTime).kpis;
};

/** As a preview does: a pair of replications more, until nothing is open or the budget is used up. */
const settle = (pair: () => readonly [Kpis, Kpis]): Comparison => {
  const pairs: (readonly [Kpis, Kpis])[] = [];
  for (;;) {
    pairs.push(pair());
    const found = compare(
      DEFAULT_GOALS,
      pairs.map(([baseline]) => baseline),
      pairs.map(([, change]) => change),
    );
    if (found.settled || pairs.length === BUDGET) return found;
  }
};

/** Run once each: trials draw from them. */
const kept = new Map<string, Kpis>();
const world = (seed: number, pace = 1): Kpis => {
  const key = `${seed} ${pace}`;
  const known = kept.get(key) ?? run(seed, pace);
  kept.set(key, known);
  return known;
};

/** Seeds that a trial has not had yet. */
const seedsOf = (trial: number): (() => number) => {
  const rng = rngOf(trial).stream("trial");
  const drawn = new Set<number>();
  return () => {
    for (;;) {
      const seed = rng.below(WORLDS);
      if (!drawn.has(seed) && drawn.add(seed)) return seed;
    }
  };
};

const trials = (pair: (seed: () => number) => readonly [Kpis, Kpis]): Comparison[] =>
  Array.from({ length: TRIALS }, (_, trial) => {
    const seed = seedsOf(trial);
    return settle(() => pair(seed));
  });

it("calls equal platforms under other random numbers worse in at most 5 % of 500 trials", () => {
  const found = trials((seed) => [world(seed()), world(seed())]);
  expect(found.filter(({ verdict }) => verdict === "worse").length).toBeLessThanOrEqual(0.05 * TRIALS);
});

it("finds steps that take 10 % longer in at least 90 % of 500 trials, and says which figure suffers", () => {
  const found = trials((seed) => {
    const one = seed();
    return [world(one), world(one, 1.1)];
  });
  const worse = found.filter(({ verdict }) => verdict === "worse");
  expect(worse.length).toBeGreaterThanOrEqual(0.9 * TRIALS);
  for (const { goals } of worse) expect(goals.find(({ metric }) => metric === "itl")?.verdict).toBe("worse");
});

it("calls equal platforms under the same random numbers the same, at once", () => {
  const seed = seedsOf(0);
  const found = settle(() => {
    const one = seed();
    return [world(one), run(one)];
  });
  expect(found).toMatchObject({ verdict: "same", settled: true, replications: 8 });
});
