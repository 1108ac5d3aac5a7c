import { describe, expect, it } from "vitest";
import type { Fact } from "../../src/model/fact.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type {
  NodePoolScenario,
  NodesScenario,
  PodsOnNodes,
  Scenario,
  WorkloadScenario,
} from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { forAllSeeds, seedsOf } from "../for-all-seeds.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const fixed = (mean: number) => ({ mean, deviation: 0 });

/** Ready 60 s after it was created. */
const start = {
  scheduleSeconds: fixed(1),
  imagePullSeconds: fixed(9),
  modelLoadSeconds: fixed(20),
  engineInitSeconds: fixed(30),
  probe: { initialDelaySeconds: 0, periodSeconds: 1 },
};

const ordered = (over: Partial<WorkloadScenario> = {}): WorkloadScenario =>
  workload({ kind: "StatefulSet", ordinals: "OrderedReady", start, ...over });
const groups = (over: Partial<WorkloadScenario> = {}): WorkloadScenario =>
  workload({
    kind: "LeaderWorkerSet",
    ordinals: "Parallel",
    group: { size: 3, workersAfterLeader: false },
    gpusPerReplica: 24,
    start,
    ...over,
  });

const said = (of: WorkloadScenario, over: Partial<Scenario> = {}): Scenario =>
  scenario({
    horizonMicros: 1200e6,
    workloads: [of],
    traffic: { kind: "synthetic", synthetic: chat(0.5) },
    ...over,
  });

type Injected = readonly [seconds: number, replicas: number];

const run = (of: Scenario, scales: readonly Injected[] = []) => {
  const facts: Fact[] = [];
  const world = new World(of, (fact) => facts.push(fact));
  for (const [at, replicas] of scales)
    world.inject((at * 1e6) as SimTime, { kind: "scale-written", workload: "llama", replicas, by: "test" });
  while (world.next !== undefined) world.step();
  return { world, facts };
};

const ofKind = <K extends Fact["kind"]>(facts: readonly Fact[], kind: K): Extract<Fact, { kind: K }>[] =>
  facts.filter((fact): fact is Extract<Fact, { kind: K }> => fact.kind === kind);

/** `pod at` of each that reached a phase after the start, in seconds. */
const reached = (facts: readonly Fact[], phase: string): string[] =>
  ofKind(facts, "pod")
    .filter((fact) => fact.phase === phase && fact.at > 0)
    .map(({ pod, at }) => `${pod} ${at / 1e6}`);

describe("a StatefulSet", () => {
  it("has pods with ordinals, ready from the start", () => {
    const { facts } = run(said(ordered({ replicas: 3 })));
    const first = ofKind(facts, "pod").filter(({ phase }) => phase === "ready");
    expect(first.map(({ pod, at }) => `${pod} ${at}`)).toEqual(["llama-0 0", "llama-1 0", "llama-2 0"]);
    expect(reached(facts, "pending")).toEqual([]);
  });

  it("starts one pod at a time where it is ordered: start times add up", () => {
    const { facts } = run(said(ordered({ replicas: 1 })), [[100, 4]]);
    expect(reached(facts, "pending")).toEqual(["llama-1 100", "llama-2 160", "llama-3 220"]);
    expect(reached(facts, "ready")).toEqual(["llama-1 160", "llama-2 220", "llama-3 280"]);
  });

  it("starts all at once where it is Parallel", () => {
    const { facts } = run(said(ordered({ replicas: 1, ordinals: "Parallel" })), [[100, 4]]);
    expect(reached(facts, "ready")).toEqual(["llama-1 160", "llama-2 160", "llama-3 160"]);
  });

  it("waits minReadySeconds before it turns to the next", () => {
    const { facts } = run(said(ordered({ replicas: 1, minReadySeconds: 15 })), [[100, 3]]);
    expect(reached(facts, "ready")).toEqual(["llama-1 160", "llama-2 235"]);
  });

  it("scales in from the highest ordinal, one after the other is gone", () => {
    const stop = { gracePeriodSeconds: 30, preStopSeconds: 10, shutdownTimeoutSeconds: 0 };
    const { facts, world } = run(said(ordered({ replicas: 4, stop })), [[100, 2]]);
    expect(reached(facts, "terminating")).toEqual(["llama-3 100", "llama-2 110"]);
    expect(reached(facts, "gone")).toEqual(["llama-3 110", "llama-2 120"]);
    expect(world.view().replicas.map(({ pod }) => pod)).toEqual(["llama-0", "llama-1"]);
  });

  it("counts pods in its status until they are gone", () => {
    const stop = { gracePeriodSeconds: 30, preStopSeconds: 10, shutdownTimeoutSeconds: 0 };
    const of = said(ordered({ replicas: 4, stop, ordinals: "Parallel" }));
    const world = new World(of);
    world.inject(100e6 as SimTime, { kind: "scale-written", workload: "llama", replicas: 1, by: "test" });
    world.runUntil(105e6 as SimTime);
    expect(world.view(105e6 as SimTime).workloads[0]).toMatchObject({
      specReplicas: 1,
      statusReplicas: 4,
      updatedReplicas: 1,
      readyReplicas: 1,
    });
    world.runUntil(111e6 as SimTime);
    expect(world.view(111e6 as SimTime).workloads[0]?.statusReplicas).toBe(1);
  });

  it("takes up an ordinal again when the pod before is gone, whose events don't touch it", () => {
    const stop = { gracePeriodSeconds: 100, preStopSeconds: 10, shutdownTimeoutSeconds: 80 };
    const { facts } = run(said(ordered({ replicas: 2, stop })), [
      [100, 1],
      [101, 2],
      // Once more while it still starts, and at once again.
      [130, 1],
      [130, 2],
    ]);
    const [gone] = reached(facts, "gone");
    const [again, third] = reached(facts, "pending");
    const at = (text = ""): number => Number(text.split(" ")[1]);
    expect(at(again)).toBe(at(gone));
    expect(at(again)).toBeGreaterThanOrEqual(110);
    expect(at(third)).toBe(130);
    // Not when the second pod would have been ready, and never cut by the first one's SIGKILL at 210.
    expect(reached(facts, "ready")).toEqual(["llama-1 190"]);
    expect(reached(facts, "terminating").map((text) => at(text))).toEqual([100, 130]);
  });

  it("draws another start for each pod of an ordinal", () => {
    const spread = { ...start, modelLoadSeconds: { mean: 20, deviation: 10 } };
    const { facts } = run(said(ordered({ replicas: 1, start: spread })), [
      [100, 2],
      [300, 1],
      [500, 2],
    ]);
    const [first, second] = reached(facts, "ready").map((text) => Number(text.split(" ")[1]));
    expect((second ?? 0) - 500).not.toBe((first ?? 0) - 100);
  });

  it("serves no more pods than its HPA wants, at any seed, and its ledger adds up", () => {
    forAllSeeds(seedsOf(3), (_, seed) => {
      const of = said(ordered({ replicas: 2, engine: { ...workload().engine, numGpuBlocks: 1200 } }), {
        seed,
        autoscalers: [waitingHpa(3)],
        horizonMicros: 900e6,
        traffic: {
          kind: "synthetic",
          synthetic: chat(8, { pattern: [{ shape: "spike", at: "2m", duration: "3m", factor: 4 }] }),
        },
      });
      const { facts, world } = run(of);
      let ready = new Set<string>();
      for (const fact of ofKind(facts, "pod")) {
        if (fact.phase === "ready") ready.add(fact.pod);
        else ready = new Set([...ready].filter((pod) => pod !== fact.pod));
        // Ordinals without a gap, but where one is being replaced.
        for (const pod of ready) expect(Number(pod.split("-")[1])).toBeLessThan(8);
      }
      expect(ofKind(facts, "scaled").length).toBeGreaterThan(0);
      const { requests } = world.report({ scenarioDigest: "d", version: "v" }, of.horizonMicros as SimTime).kpis;
      const ended = requests.completed + requests.rejected + requests.aborted + requests.inFlightAtEnd;
      expect(ended).toBe(requests.arrived);
    });
  });
});

describe("a LeaderWorkerSet", () => {
  it("starts groups at once, and the highest index goes first", () => {
    const { facts } = run(said(groups({ replicas: 1 })), [
      [100, 3],
      [300, 2],
    ]);
    expect(reached(facts, "ready")).toEqual(["llama-1 160", "llama-2 160"]);
    expect(reached(facts, "terminating")).toEqual(["llama-2 300"]);
  });

  it("is ready when the last of its pods is", () => {
    const spread = { ...start, modelLoadSeconds: { mean: 20, deviation: 15 } };
    const readyAt = (size: number): number => {
      const one = groups({ replicas: 1, start: spread, group: { size, workersAfterLeader: false } });
      const [ready = ""] = reached(run(said(one), [[100, 2]]).facts, "ready");
      return Number(ready.split(" ")[1]);
    };
    const sizes = [2, 4, 16, 64].map(readyAt);
    expect(sizes.toSorted((a, b) => a - b)).toEqual(sizes);
    expect(sizes[3]).toBeGreaterThan(sizes[0] as number);
  });

  it("creates workers after their leader has started, where it is told to", () => {
    const one = groups({ replicas: 1, group: { size: 3, workersAfterLeader: true } });
    const { facts } = run(said(one), [[100, 2]]);
    expect(reached(facts, "starting")).toEqual(["llama-1 120"]);
    expect(reached(facts, "ready")).toEqual(["llama-1 170"]);
  });
});

describe("groups on nodes", () => {
  const pool = (over: Partial<NodePoolScenario> = {}): NodePoolScenario => ({
    name: "h100",
    gpusPerNode: 8,
    labels: {},
    taints: [],
    minNodes: 0,
    maxNodes: 8,
    weight: 0,
    nodes: 4,
    provisionSeconds: fixed(120),
    ...over,
  });
  const placement = (gpus: number) => ({ gpus, priority: 0, nodeSelector: {}, affinity: [], tolerations: [] });
  const pods = (over: Partial<PodsOnNodes> = {}): PodsOnNodes => ({
    placement: placement(8),
    members: 2,
    evictable: true,
    image: "vllm",
    imagePullSeconds: fixed(40),
    weightBytes: 16e9,
    storage: { name: "claim", perNode: false },
    ...over,
  });
  const nodes = (over: Partial<NodesScenario> = {}): NodesScenario => ({
    pools: [pool()],
    scoring: { strategy: "LeastAllocated" },
    autoscaler: { kind: "None" },
    pods: { llama: pods() },
    disruptions: [],
    ...over,
  });
  const two = (over: Partial<WorkloadScenario> = {}): WorkloadScenario =>
    groups({ replicas: 1, gpusPerReplica: 16, group: { size: 2, workersAfterLeader: false }, ...over });

  it("wait for the nodes of all their pods, and hold GPUs meanwhile", () => {
    const { facts, world } = run(said(two(), { nodes: nodes({ pools: [pool({ nodes: 3 })] }) }), [[100, 2]]);
    expect(reached(facts, "ready")).toEqual([]);
    const held = world.view().pods?.map(({ name, node, owner }) => [name, node !== undefined, owner.name]);
    expect(held).toEqual([
      ["llama-0", true, "llama"],
      ["llama-0-1", true, "llama-0"],
      ["llama-1", true, "llama"],
      ["llama-1-1", false, "llama-1"],
    ]);
  });

  it("ask for what leader and workers each need", () => {
    const under = nodes({
      pools: [pool({ nodes: 1 }), pool({ name: "small", gpusPerNode: 1, nodes: 1, labels: { size: "small" } })],
      pods: {
        llama: pods({ placement: { ...placement(1), nodeSelector: { size: "small" } }, workers: placement(8) }),
      },
    });
    const { world } = run(said(two({ gpusPerReplica: 9 }), { nodes: under }));
    expect(world.view().pods?.map(({ gpus }) => gpus)).toEqual([1, 8]);
    expect(world.view().workloads[0]?.readyReplicas).toBe(1);
  });

  it("submit workers when the leader's container has started", () => {
    const late = two({ group: { size: 2, workersAfterLeader: true } });
    const { facts } = run(said(late, { nodes: nodes() }), [[100, 2]]);
    // Leader: 1 + 9 + 40 of pull; then its worker the same, 20 of weights, 30 of engine.
    expect(reached(facts, "ready")).toEqual(["llama-1 250"]);
  });

  it("are recreated as a whole, under their name, where one of their pods crashes", () => {
    const disruptions = [{ atMicros: 200e6, kind: "PodCrash", workload: "llama" }] as const;
    const { facts } = run(said(two(), { nodes: nodes({ disruptions }) }));
    expect(reached(facts, "gone")).toEqual(["llama-0 200"]);
    expect(reached(facts, "pending")).toEqual(["llama-0 200"]);
    expect(reached(facts, "ready")).toHaveLength(1);
  });

  it("are recreated elsewhere where a node under them is lost", () => {
    const disruptions = [{ atMicros: 200e6, kind: "NodeLost", noticeMicros: 60e6 }] as const;
    forAllSeeds(seedsOf(5), (_, seed) => {
      const { facts, world } = run(said(two({ replicas: 2 }), { seed, nodes: nodes({ disruptions }) }));
      const bound = ofKind(facts, "binding");
      const held = new Map<string, number>();
      for (const { pod, event } of bound) held.set(pod, (held.get(pod) ?? 0) + (event === "bound" ? 1 : -1));
      expect([...held.values()].every((times) => times === 0 || times === 1)).toBe(true);
      expect(reached(facts, "terminating")).toHaveLength(1);
      // Three nodes are left for four pods: the group that lost one waits.
      expect(world.view().workloads[0]?.readyReplicas).toBe(1);
      expect(world.view().pods).toHaveLength(4);
    });
  });
});
