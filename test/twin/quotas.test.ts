import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { QuotaScenario, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { chat, scenario, workload } from "./scenario-fixture.ts";

const fixed = (mean: number) => ({ mean, deviation: 0 });
const start = {
  scheduleSeconds: fixed(1),
  imagePullSeconds: fixed(2),
  modelLoadSeconds: fixed(20),
  engineInitSeconds: fixed(30),
  probe: { initialDelaySeconds: 0, periodSeconds: 1 },
};
const stop = { gracePeriodSeconds: 30, preStopSeconds: 5, shutdownTimeoutSeconds: 0 };

const quota = (hard: number, perReplica: QuotaScenario["perReplica"] = { llama: 2 }): QuotaScenario => ({
  name: "gpus",
  resource: "requests.nvidia.com/gpu",
  hard,
  perReplica,
});

const said = (quotas: readonly QuotaScenario[], over: Partial<Scenario> = {}): Scenario =>
  scenario({
    horizonMicros: 1800e6,
    workloads: [workload({ replicas: 2, gpusPerReplica: 2, start, stop })],
    traffic: { kind: "synthetic", synthetic: chat(0.005) },
    quotas,
    ...over,
  });

const run = (of: Scenario, scales: readonly (readonly [seconds: number, replicas: number, workload?: string])[]) => {
  const facts: Fact[] = [];
  const world = new World(of, (fact) => facts.push(fact));
  for (const [at, replicas, workload = "llama"] of scales)
    world.inject((at * 1e6) as SimTime, { kind: "scale-written", workload, replicas, by: "test" });
  while (world.next !== undefined) world.step();
  const refused = facts.filter((fact) => fact.kind === "create-refused");
  const pods = facts.filter((fact) => fact.kind === "pod");
  const created = pods.filter(({ phase, at }) => phase === "pending" && at > 0).map(({ at }) => at / 1e6);
  return { world, refused, created, views: world.view().workloads };
};

describe("a quota", () => {
  it("lets as many pods be created as it has room for; the rest stay wanted", () => {
    const { created, views, refused, world } = run(said([quota(7)]), [[100, 6]]);
    expect(created).toEqual([100]);
    expect(views).toMatchObject([{ specReplicas: 6, statusReplicas: 3, readyReplicas: 3 }]);
    expect(refused[0]).toMatchObject({ at: 100e6, workload: "llama", missing: 3, quota: "gpus", again: 100.005e6 });
    const [note] = world.report({ scenarioDigest: "d", version: "v" }).notes;
    expect(note).toMatch(
      /^ResourceQuota gpus kept pods of llama from being created \(FailedCreate\): 3 missing at most/,
    );
  });

  it("makes its controller wait ever longer", () => {
    const { refused } = run(said([quota(4)]), [[100, 3]]);
    const waits = refused.map(({ at, again }) => (again - at) / 1e6);
    expect(waits.slice(0, 4)).toEqual([0.005, 0.01, 0.02, 0.04]);
    expect(waits.at(-1)).toBe(1000);
    expect(waits.length).toBeLessThan(22);
  });

  it("counts a pod until it is gone, whose end lets its own controller look again", () => {
    const { created, refused } = run(said([quota(4)]), [
      [100, 1],
      [101, 2],
    ]);
    // An idle engine is gone 5 s after its deletion: at 105 s, when preStop is over.
    expect(refused[0]?.at).toBe(101e6);
    expect(created).toEqual([105]);
  });

  it("of two workloads is noticed by the one only when its own wait is over", () => {
    const both = said([quota(4, { llama: 2, other: 2 })], {
      workloads: [
        workload({ replicas: 1, gpusPerReplica: 2, start, stop }),
        workload({ name: "other", replicas: 1, gpusPerReplica: 2, start, stop }),
      ],
    });
    const { created, refused } = run(both, [
      [100, 2],
      [600, 0, "other"],
    ]);
    const next = refused.at(-1)?.again ?? 0;
    expect(created).toEqual([next / 1e6]);
    expect(next / 1e6 - 605).toBeGreaterThan(10);
  });

  it("holds for the pods of the start, and for pods with ordinals", () => {
    const ordinal = workload({ replicas: 3, gpusPerReplica: 2, start, stop, ordinals: "Parallel" });
    const { views } = run(said([quota(5)], { workloads: [{ ...ordinal, kind: "StatefulSet" }] }), []);
    expect(views).toMatchObject([{ specReplicas: 3, statusReplicas: 2, readyReplicas: 2 }]);
  });

  it("stops a rollout that needs room for one more", () => {
    const rollouts = {
      atMicros: [100e6],
      strategy: { type: "RollingUpdate", maxSurge: 1, maxUnavailable: 0 },
    } as const;
    const rolled = (hard: number) => {
      const of = said([quota(hard)], {
        workloads: [workload({ replicas: 2, gpusPerReplica: 2, start, stop, rollouts })],
      });
      return run(of, []).views[0]?.updatedReplicas;
    };
    expect([rolled(4), rolled(6)]).toEqual([0, 2]);
  });

  it("with room changes nothing", () => {
    const { quotas: _, ...without } = said([]);
    expect(run(said([quota(100)]), [[100, 4]]).created).toEqual(run(without, [[100, 4]]).created);
  });
});
