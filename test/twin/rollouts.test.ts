import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { RolloutScenario, Scenario, WorkloadScenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { forAllSeeds, seedsOf } from "../for-all-seeds.ts";
import { Quickstart } from "./quickstart.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const fixed = (mean: number) => ({ mean, deviation: 0 });

/** Ready 60 s after it was created; gone 10 s after it was deleted. */
const quick: Partial<WorkloadScenario> = {
  start: {
    scheduleSeconds: fixed(1),
    imagePullSeconds: fixed(9),
    modelLoadSeconds: fixed(20),
    engineInitSeconds: fixed(30),
    probe: { initialDelaySeconds: 0, periodSeconds: 1 },
  },
  stop: { gracePeriodSeconds: 30, preStopSeconds: 10, shutdownTimeoutSeconds: 0 },
};

type Rolling = Extract<RolloutScenario["strategy"], { type: "RollingUpdate" }>;
const rolling = (maxSurge: Rolling["maxSurge"], maxUnavailable: Rolling["maxUnavailable"]): Rolling => ({
  type: "RollingUpdate",
  maxSurge,
  maxUnavailable,
});

const said = (
  strategy: RolloutScenario["strategy"],
  over: Partial<WorkloadScenario> = {},
  more: Partial<Scenario> = {},
): Scenario =>
  scenario({
    horizonMicros: 900e6,
    workloads: [workload({ ...quick, replicas: 4, rollouts: { strategy, atMicros: [100e6] }, ...over })],
    traffic: { kind: "synthetic", synthetic: chat(0.5) },
    ...more,
  });

const run = (of: Scenario) => {
  const facts: Fact[] = [];
  const world = new World(of, (fact) => facts.push(fact));
  while (world.next !== undefined) world.step();
  return { world, facts };
};

const ofKind = <K extends Fact["kind"]>(facts: readonly Fact[], kind: K): Extract<Fact, { kind: K }>[] =>
  facts.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind);

/** Seconds at which pods reached a phase, without the start. */
const reached = (facts: readonly Fact[], phase: string): number[] =>
  ofKind(facts, "pod")
    .filter((fact) => fact.phase === phase && fact.at > 0)
    .map(({ at }) => at / 1e6);

const told = (facts: readonly Fact[]): string[] =>
  ofKind(facts, "rollout").map(({ phase, revision, at }) => `${phase} ${revision} ${at / 1e6}`);

/** The fewest pods that were ready at a time, and the most that stood. */
const bounds = (facts: readonly Fact[]): { readonly ready: number; readonly most: number } => {
  const phases = new Map<string, string>();
  let [ready, most] = [Number.POSITIVE_INFINITY, 0];
  for (const fact of ofKind(facts, "pod")) {
    if (fact.at > 0) {
      const now = [...phases.values()];
      ready = Math.min(ready, now.filter((phase) => phase === "ready").length);
    }
    phases.set(fact.pod, fact.phase);
    most = Math.max(most, [...phases.values()].filter((phase) => phase !== "terminating" && phase !== "gone").length);
  }
  return { ready, most };
};

describe("a rollout", () => {
  it.each([
    {
      name: "surges by one, and lets an old pod go for each new one",
      strategy: rolling(1, 0),
      pending: [100, 160, 220, 280],
      terminating: [160, 220, 280, 340],
      complete: 350,
      bounds: { ready: 4, most: 5 },
    },
    {
      name: "makes room first, where no node is spare",
      strategy: rolling(0, 1),
      pending: [100, 160, 220, 280],
      terminating: [100, 160, 220, 280],
      complete: 340,
      bounds: { ready: 3, most: 4 },
    },
    {
      name: "by a quarter each way, as the API server has it",
      strategy: rolling("25%", "25%"),
      pending: [100, 100, 160, 160],
      terminating: [100, 160, 160, 220],
      complete: 230,
      bounds: { ready: 3, most: 5 },
    },
    {
      name: "takes all away before it brings new ones",
      strategy: { type: "Recreate" } as const,
      pending: [110, 110, 110, 110],
      terminating: [100, 100, 100, 100],
      complete: 170,
      bounds: { ready: 0, most: 4 },
    },
  ])("$name", ({ strategy, pending, terminating, complete, bounds: within }) => {
    const { facts, world } = run(said(strategy));
    expect(reached(facts, "pending")).toEqual(pending);
    expect(reached(facts, "terminating")).toEqual(terminating);
    expect(told(facts)).toEqual(["begun 2 100", `complete 2 ${complete}`]);
    expect(bounds(facts)).toEqual(within);
    expect(world.view().workloads[0]).toMatchObject({ updatedReplicas: 4, readyReplicas: 4, statusReplicas: 4 });
    expect(new Set(world.view().replicas.map(({ pod }) => pod.split("-")[1])).size).toBe(1);
    const report = world.report({ scenarioDigest: "d", version: "v" }, 900e6 as SimTime);
    expect(report.notes).toContain(`the rollout of llama that began at 100 s took ${complete - 100} s`);
  });

  it("waits minReadySeconds before it counts a pod", () => {
    const { facts } = run(said(rolling(1, 0), { minReadySeconds: 15 }));
    expect(reached(facts, "terminating")).toEqual([175, 250, 325, 400]);
  });

  it("counts pods of the new template as updated", () => {
    const world = new World(said(rolling(1, 0)));
    world.runUntil(165e6 as SimTime);
    expect(world.view(165e6 as SimTime).workloads[0]).toMatchObject({ updatedReplicas: 2, statusReplicas: 5 });
  });

  it("is overtaken by the next, and says what is not complete", () => {
    const twice = { rollouts: { strategy: rolling(1, 0), atMicros: [100e6, 200e6, 850e6] } };
    const { facts, world } = run(said(rolling(1, 0), twice));
    expect(told(facts)).toEqual(["begun 2 100", "begun 3 200", expect.stringMatching(/^complete 3 /), "begun 4 850"]);
    expect(world.report({ scenarioDigest: "d", version: "v" }, 900e6 as SimTime).notes).toEqual(
      expect.arrayContaining([
        "the rollout of llama that began at 100 s was overtaken by the next",
        "the rollout of llama that began at 850 s was not complete after 50 s",
      ]),
    );
  });

  it("ends with as many as its HPA wants, which scales meanwhile", () => {
    forAllSeeds(seedsOf(4), (_, seed) => {
      const of = said(
        rolling("25%", "25%"),
        { engine: { ...workload().engine, numGpuBlocks: 1200 }, replicas: 2 },
        {
          seed,
          autoscalers: [waitingHpa(2)],
          traffic: {
            kind: "synthetic",
            synthetic: chat(8, { pattern: [{ shape: "spike", at: "90s", duration: "3m", factor: 4 }] }),
          },
        },
      );
      const { facts, world } = run(of);
      expect(ofKind(facts, "scaled").length).toBeGreaterThan(0);
      expect(told(facts)).toHaveLength(2);
      const [view] = world.view(900e6 as SimTime).workloads;
      expect(view?.updatedReplicas).toBe(view?.specReplicas);
    });
  });

  it("changes nothing before it begins, nor where there is none", () => {
    const without = run(said(rolling(1, 0), { rollouts: { strategy: rolling(1, 0), atMicros: [] } })).facts;
    const none = run(scenario({ ...said(rolling(1, 0)), workloads: [workload({ ...quick, replicas: 4 })] })).facts;
    expect(without).toEqual(none);
    const before = (facts: readonly Fact[]) =>
      facts.slice(
        0,
        facts.findIndex((fact) => "at" in fact && fact.at >= 100e6),
      );
    expect(before(run(said(rolling(1, 0))).facts)).toEqual(before(none));
  });
});

describe("spec.rollouts", () => {
  const mirrored = (change: (q: Quickstart) => void) => {
    const q = new Quickstart();
    q.simulation.spec.rollouts = [{ at: "10m" }];
    change(q);
    const result = q.mirror();
    const problems = (result.ok ? result.warnings : result.problems).map(describeProblem).join("\n");
    return { rollouts: result.ok ? result.value.scenario.workloads[0]?.rollouts : undefined, problems };
  };

  it("takes the Deployment's strategy, or the API server's", () => {
    const { rollouts } = mirrored((q) => delete q.deployment.spec.strategy);
    expect(rollouts).toEqual({ strategy: rolling("25%", "25%"), atMicros: [600e6] });
    const own = mirrored((q) => {
      q.deployment.spec.strategy = { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: "50%" } };
      q.simulation.spec.rollouts.push({ workload: "vllm-llama-8b", at: "1m" });
    });
    expect(own.rollouts).toEqual({ strategy: rolling(0, "50%"), atMicros: [60e6, 600e6] });
  });

  it.each([
    {
      name: "a strategy that lets nothing happen",
      change: (q: Quickstart) => (q.deployment.spec.strategy = { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } }),
      says: /spec\.strategy\.rollingUpdate\.maxUnavailable: may not be 0 when `maxSurge` is 0/,
    },
    {
      name: "a surge that is no number",
      change: (q: Quickstart) => (q.deployment.spec.strategy = { rollingUpdate: { maxSurge: "many" } }),
      says: /maxSurge: must be a whole number of pods or a percentage, not "many"/,
    },
    {
      name: "a workload that isn't mirrored",
      change: (q: Quickstart) => (q.simulation.spec.rollouts[0].workload = "other"),
      says: /spec\.rollouts\[0\]\.workload: there is no workload other; name one of vllm-llama-8b/,
    },
    {
      name: "a StatefulSet",
      change: (q: Quickstart) => {
        q.deployment.kind = "StatefulSet";
        q.simulation.spec.mirror.workloads[0].kind = "StatefulSet";
        q.gone.add(q.hpa);
      },
      says: /spec\.rollouts\[0\]: rollouts of a StatefulSet are not simulated/,
    },
  ])("says what is wrong: $name", ({ change, says }) => expect(mirrored(change).problems).toMatch(says));
});
