import { describe, expect, it } from "vitest";
import { type FaultSaid, faults } from "../../src/controlplane/faults/index.ts";
import { nodeAutoscalers } from "../../src/controlplane/nodes/index.ts";
import type { Fact } from "../../src/model/fact.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { NodePoolScenario, NodesScenario, PodsOnNodes, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { chat, scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const fixed = (mean: number) => ({ mean, deviation: 0 });

const pool = (over: Partial<NodePoolScenario> = {}): NodePoolScenario => ({
  name: "h100",
  gpusPerNode: 8,
  labels: {},
  taints: [],
  minNodes: 0,
  maxNodes: 4,
  weight: 0,
  nodes: 1,
  provisionSeconds: fixed(120),
  ...over,
});

const pods = (gpus: number, over: Partial<PodsOnNodes> = {}): PodsOnNodes => ({
  placement: { gpus, priority: 0, nodeSelector: {}, affinity: [], tolerations: [] },
  members: 1,
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
  pods: { llama: pods(4) },
  disruptions: [],
  ...over,
});

/** Sandbox 2 s, weights 20 s alone, engine 30 s; probed each second. */
const start = {
  scheduleSeconds: fixed(1),
  imagePullSeconds: fixed(2),
  modelLoadSeconds: fixed(20),
  engineInitSeconds: fixed(30),
  probe: { initialDelaySeconds: 0, periodSeconds: 1 },
};

const said = (under: NodesScenario, replicas: number, over: Partial<Scenario> = {}): Scenario =>
  scenario({
    horizonMicros: 1800e6,
    workloads: [workload({ replicas, gpusPerReplica: 4, start })],
    traffic: { kind: "synthetic", synthetic: chat(0.1) },
    nodes: under,
    ...over,
  });

/** Where it's about pods, not requests. */
const quiet = { traffic: { kind: "synthetic", synthetic: chat(0.005) } } as const;

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

/** When pods reached a phase, in seconds, without those of the start. */
const reached = (facts: readonly Fact[], phase: string): number[] =>
  ofKind(facts, "pod")
    .filter((fact) => fact.phase === phase && fact.at > 0)
    .map(({ at }) => at / 1e6);

const report = (world: World, of: Scenario) =>
  world.report({ scenarioDigest: "d", version: "v" }, of.horizonMicros as SimTime);

describe("faults", () => {
  const fault = (one: FaultSaid): Partial<Scenario> => ({ faults: [faults.schema.parse(one)] });

  it("a slow registry stretches the pull of those that begin meanwhile", () => {
    const slow = fault({ fault: "slow-registry", at: "90s", for: "60s", factor: 3 });
    const { facts } = run(said(nodes({ pools: [pool({ nodes: 2 })] }), 1, slow), [[100, 2]]);
    expect(reached(facts, "ready")[0]).toBe(193 + 80);
  });

  it("a slow registry counts without nodes as well", () => {
    const { nodes: _, ...plain } = said(
      nodes(),
      1,
      fault({ fault: "slow-registry", at: "90s", for: "60s", factor: 11 }),
    );
    // 1 + 2 x 11 + 20 + 30.
    expect(reached(run(plain, [[100, 2]]).facts, "ready")[0]).toBe(173);
  });

  it("no capacity keeps a pod pending until there are GPUs again", () => {
    const autoscaler = nodeAutoscalers.schema.parse({ kind: "ClusterAutoscaler" });
    const grown = (over: Partial<Scenario>) =>
      reached(run(said(nodes({ autoscaler }), 2, over), [[100, 3]]).facts, "ready")[0] ?? Number.POSITIVE_INFINITY;
    const usual = grown({});
    expect(grown(fault({ fault: "no-capacity", at: "60s", for: "10m", pool: "h100" }))).toBeGreaterThan(660 + 120);
    expect(grown(fault({ fault: "no-capacity", at: "60s", for: "10m", pool: "" }))).toBeGreaterThan(660 + 120);
    expect(grown(fault({ fault: "no-capacity", at: "60s", for: "10m", pool: "other" }))).toBe(usual);
    expect(usual).toBeLessThan(400);
  });
});

describe("a pod's way to its node", () => {
  it("goes by sandbox, image, weights, engine and probe, and finds the image the second time", () => {
    const { facts } = run(said(nodes({ pools: [pool({ nodes: 2 })] }), 1), [
      [100, 2],
      [400, 4],
    ]);
    // The first pod keeps its image on one node; least allocated is the other: 100 + 1 + 2 + 40 + 20 + 30.
    expect(reached(facts, "pulling")[0]).toBe(101);
    expect(reached(facts, "starting")[0]).toBe(143);
    expect(reached(facts, "ready")[0]).toBe(193);
    expect(reached(facts, "ready").slice(1)).toEqual([453, 453]);
  });

  it("shares the storage: two that load at a time take twice as long", () => {
    const shared = { name: "claim", perNode: false, bytesPerSecond: 16e9 / 20 };
    const { facts } = run(
      said(nodes({ pods: { llama: pods(4, { storage: shared }) }, pools: [pool({ nodes: 2 })] }), 2),
      [[100, 4]],
    );
    expect(reached(facts, "ready")).toEqual([173, 173]);
  });

  it("has storage of its own on each node", () => {
    const own = { name: "disk", perNode: true, bytesPerSecond: 16e9 / 20 };
    const { facts } = run(said(nodes({ pods: { llama: pods(4, { storage: own }) }, pools: [pool({ nodes: 2 })] }), 2), [
      [100, 4],
    ]);
    expect(reached(facts, "ready")).toEqual([153, 153]);
  });

  it("waits where no node has room, and gets it when another pod is gone", () => {
    const of = said(nodes(), 2, {
      workloads: [
        workload({
          replicas: 2,
          gpusPerReplica: 4,
          start,
          stop: { gracePeriodSeconds: 30, preStopSeconds: 5, shutdownTimeoutSeconds: 0 },
        }),
      ],
    });
    const { facts, world } = run(of, [
      [100, 3],
      [200, 1],
      [300, 2],
    ]);
    // The third is the one without a node: it goes first, then a ready one; its GPUs are free when it is gone.
    expect(reached(facts, "pulling")).toEqual([301]);
    expect(world.view().workloads[0]?.readyReplicas).toBe(2);
  });

  it("runs a group when all its pods have GPUs, on two nodes", () => {
    const group = pods(8, { members: 2 });
    const of = said(nodes({ pods: { llama: group }, pools: [pool({ nodes: 3 })] }), 1);
    const { facts, world } = run(of, [[100, 2]]);
    const bound = ofKind(facts, "binding").filter(({ event }) => event === "bound");
    expect(bound.map(({ pod }) => pod.slice(-2)).filter((end) => end === "-1")).toHaveLength(2 - 1);
    expect(new Set(bound.map(({ node }) => node)).size).toBe(3);
    expect(world.view().workloads[0]?.readyReplicas).toBe(1);
    expect(report(world, of).kpis.nodes?.pools.h100?.allocatedGpuHours).toBeCloseTo((16 * 1800 + 8 * 1699) / 3600, 6);
  });
});

describe.each(["ClusterAutoscaler", "Karpenter"] as const)("with %s", (kind) => {
  const autoscaler = nodeAutoscaler(kind);

  it("gets nodes for pods that find none, and is ready on them", () => {
    const { facts } = run(said(nodes({ autoscaler }), 2), [[100, 4]]);
    const [joined] = ofKind(facts, "node").filter(({ phase, at }) => phase === "ready" && at > 0);
    const asked = (joined?.at ?? 0) / 1e6 - 120;
    expect(asked).toBeGreaterThan(101);
    expect(asked).toBeLessThanOrEqual(111);
    // Both on one new node: the image is fetched once for both.
    expect(reached(facts, "ready")).toEqual([asked + 212, asked + 212]);
    expect(ofKind(facts, "node").filter(({ phase }) => phase === "provisioning")).toHaveLength(1);
  });

  it("gives the nodes back, and says what they cost where it was told", () => {
    const of = said(nodes({ autoscaler, pools: [pool({ minNodes: 1, pricePerGpuHour: 2 })] }), 2, {
      horizonMicros: 3600e6,
    });
    const { facts, world } = run(of, [
      [100, 4],
      [600, 2],
    ]);
    expect(ofKind(facts, "node").filter(({ phase }) => phase === "gone")).toHaveLength(1);
    const kpis = report(world, of).kpis.nodes;
    const h100 = kpis?.pools.h100;
    expect(h100?.nodes).toMatchObject({ min: 1, max: 2, atEnd: 1 });
    expect(h100?.gpuHours).toBeCloseTo((h100?.nodeHours ?? 0) * 8, 9);
    expect(kpis?.cost).toBeCloseTo((h100?.gpuHours ?? 0) * 2, 9);
  });

  it("says no cost where no price is known", () => {
    const of = said(nodes({ autoscaler }), 1);
    expect(report(run(of).world, of).kpis.nodes).not.toHaveProperty("cost");
  });
});

describe("disruptions", () => {
  it("lose a node's pods with it, which come back on another", () => {
    const disruptions = [{ atMicros: 300e6, kind: "NodeLost", noticeMicros: 0 }] as const;
    const { facts, world } = run(said(nodes({ disruptions, pools: [pool({ nodes: 2 })] }), 2));
    expect(reached(facts, "gone")).toEqual([300]);
    expect(world.view().workloads[0]?.readyReplicas).toBe(2);
    expect(ofKind(facts, "node").at(-1)).toMatchObject({ phase: "gone", at: 300e6 });
  });

  it("drain the node first where there is notice, as far as the budget lets them", () => {
    const disruptions = [{ atMicros: 300e6, kind: "NodeLost", noticeMicros: 120e6 }] as const;
    const evicted = (budget?: PodsOnNodes["budget"]) => {
      const said1 = pods(4, budget === undefined ? {} : { budget });
      const of = said(nodes({ disruptions, pods: { llama: said1 }, pools: [pool({ nodes: 2 })] }), 2);
      return reached(run(of).facts, "terminating");
    };
    expect(evicted()).toEqual([300]);
    expect(evicted({ minAvailable: 2 })).toEqual([420]);
  });

  it("of one budget over two workloads evict as many as it lets go of both together", () => {
    const disruptions = [{ atMicros: 300e6, kind: "NodeLost", noticeMicros: 600e6 }] as const;
    const shared = { name: "all", workloads: ["llama", "other"] };
    const asked = pods(4, { budget: { maxUnavailable: 1, shared } });
    const of = said(nodes({ disruptions, pods: { llama: asked, other: asked }, pools: [pool({ nodes: 2 })] }), 1);
    const two = {
      ...of,
      ...quiet,
      workloads: [...of.workloads, workload({ name: "other", replicas: 1, gpusPerReplica: 4, start })],
    };
    // On one node they stand together, the first that is picked or the second; one goes when the other is back, 93 s later.
    const packed = { ...two, nodes: { ...nodes(), ...two.nodes, scoring: { strategy: "MostAllocated" } } } as Scenario;
    const seen = [1, 2, 3, 4].map((seed) => reached(run({ ...packed, seed }).facts, "terminating"));
    expect(seen).toContainEqual([300, 393]);
  });

  it("restart a crashed engine in its pod, the second time after a while", () => {
    const crash = (at: number) => ({ atMicros: at * 1e6, kind: "PodCrash", workload: "llama" }) as const;
    const { facts, world } = run(said(nodes({ disruptions: [crash(300), crash(400), crash(500)] }), 1));
    // 20 s of weights and 30 s of engine each time, after no delay, 10 s and 20 s.
    expect(reached(facts, "ready")).toEqual([350, 460, 570]);
    expect(world.view().pods).toMatchObject([{ restarts: 3, ready: true }]);
    expect(report(world, said(nodes(), 1)).kpis.replicas.min).toBe(0);
  });
});

describe("pods of higher priority", () => {
  const placement = (priority: number, over: object = {}) => ({ ...pods(4).placement, priority, ...over });
  const two = (high: PodsOnNodes, over: Partial<NodesScenario> = {}, replicas = 1) => {
    const of = said(nodes({ pods: { llama: high, batch: pods(4, { placement: placement(-5) }) }, ...over }), replicas);
    return {
      ...of,
      ...quiet,
      workloads: [...of.workloads, workload({ name: "batch", replicas: 1, gpusPerReplica: 4, start })],
    };
  };

  it("push out those of lower, which wait for a node then", () => {
    const of = two(pods(4, { placement: placement(100) }));
    const { facts, world } = run(of, [[100, 2]]);
    expect(ofKind(facts, "preempted")).toMatchObject([{ at: 101e6, workload: "batch", by: "llama" }]);
    const gone = ofKind(facts, "pod").find(({ phase, workload }) => phase === "gone" && workload === "batch");
    const bound = ofKind(facts, "binding").filter(({ event, at }) => event === "bound" && at > 0);
    expect(bound).toMatchObject([{ workload: "llama", at: gone?.at }]);
    expect(gone?.at).toBeGreaterThan(101e6);
    const views = world.view().workloads.map(({ name, readyReplicas }) => [name, readyReplicas]);
    expect(views).toEqual([
      ["llama", 2],
      ["batch", 0],
    ]);
    expect(report(world, of).notes).toContain(
      "1 pod of batch pushed out by pods of llama, whose priority is higher, the first at 101 s",
    );
  });

  it("wait where their class doesn't push out", () => {
    const { facts, world } = run(two(pods(4, { placement: placement(100, { preempts: false }) })), [[100, 2]]);
    expect(ofKind(facts, "preempted")).toEqual([]);
    expect(world.view().workloads.map(({ readyReplicas }) => readyReplicas)).toEqual([1, 1]);
  });

  it("are on their nodes from the start, whatever the order", () => {
    const of = two(pods(4, { placement: placement(100) }), {}, 2);
    const turned = { ...of, workloads: of.workloads.toReversed() };
    const { world } = run(turned);
    expect(world.view().workloads.map(({ name, readyReplicas }) => [name, readyReplicas])).toEqual([
      ["batch", 0],
      ["llama", 2],
    ]);
  });

  it("ask no autoscaler for a node while they wait for their victims' GPUs; the victims do", () => {
    const autoscaler = nodeAutoscaler("Karpenter");
    const { facts, world } = run(two(pods(4, { placement: placement(100) }), { autoscaler }), [[100, 2]]);
    const asked = ofKind(facts, "node").filter(({ phase }) => phase === "provisioning");
    expect(asked).toHaveLength(1);
    expect(world.view().workloads.map(({ readyReplicas }) => readyReplicas)).toEqual([2, 1]);
  });
});

it("Karpenter leaves a node alone whose pods their budget keeps", () => {
  // What is left when the third node is lost are two half empty ones.
  const disruptions = [{ atMicros: 100e6, kind: "NodeLost", noticeMicros: 0 }] as const;
  const autoscaler = nodeAutoscaler("Karpenter");
  const consolidated = (budget?: PodsOnNodes["budget"]) => {
    const asked = pods(4, budget === undefined ? {} : { budget });
    const of = said(nodes({ autoscaler, disruptions, pods: { llama: asked }, pools: [pool({ nodes: 3 })] }), 2, quiet);
    return ofKind(run(of).facts, "node").filter(({ phase }) => phase === "draining").length;
  };
  expect(consolidated()).toBe(1);
  expect(consolidated({ minAvailable: "100%" })).toBe(0);
});

it("scrapes an engine that restarts sooner than its next scrape once a time", () => {
  const quick = { ...start, modelLoadSeconds: fixed(0), engineInitSeconds: fixed(1) };
  const disruptions = [60, 75, 300].map((s) => ({ atMicros: s * 1e6, kind: "PodCrash", workload: "llama" }) as const);
  const of = said(nodes({ disruptions }), 1, {
    workloads: [workload({ replicas: 1, gpusPerReplica: 4, start: quick })],
    autoscalers: [waitingHpa(5)],
  });
  const { world, facts } = run(of);
  expect(world.view().pods).toMatchObject([{ restarts: 3, ready: true }]);
  const seen = ofKind(facts, "synced").filter(({ sync }) => sync.metrics.some((metric) => metric.seen !== undefined));
  expect(seen.length).toBeGreaterThan(100);
});

it("shows pods and nodes as kube-state-metrics does", () => {
  const { world } = run(said(nodes(), 2), [[100, 3]]);
  const families = new Map(familiesOf(world.view()).map((family) => [family.name, family.samples]));
  expect(families.get("kube_node_status_allocatable")).toEqual([
    { labels: { node: expect.any(String), resource: "nvidia_com_gpu", unit: "integer" }, value: 8 },
  ]);
  expect(families.get("kube_pod_status_unschedulable")).toHaveLength(1);
  const pending = families
    .get("kube_pod_status_phase")
    ?.filter(({ labels, value }) => labels.phase === "Pending" && value === 1);
  expect(pending).toHaveLength(1);
});

it("changes nothing where nodes are left out", () => {
  const { nodes: _, ...without } = said(nodes(), 2);
  const { world } = run(without);
  expect(world.view()).not.toHaveProperty("nodes");
  expect(report(world, without).kpis).not.toHaveProperty("nodes");
});

it("never gives a GPU to two, places all that can be placed, and tells the same facts for the same seed", () =>
  forAllSeeds(8, (rng, seed) => {
    const kind = rng.below(2) === 0 ? "ClusterAutoscaler" : "Karpenter";
    const of = said(
      nodes({
        autoscaler: nodeAutoscaler(kind),
        pods: { llama: pods(1 + rng.below(4)) },
        pools: [pool({ maxNodes: 6, nodes: rng.below(3), provisionSeconds: { mean: 90, deviation: 40 } })],
        disruptions: [{ atMicros: 500e6, kind: "NodeLost", noticeMicros: 30e6 * rng.below(3) }],
      }),
      1 + rng.below(4),
      { seed },
    );
    const scales = Array.from({ length: 4 }, (): Injected => [60 + rng.below(1000), rng.below(7)]);
    const { facts, world } = run(of, scales);
    const free = new Map<string, number>();
    for (const fact of facts) {
      if (fact.kind === "node" && fact.phase === "ready") free.set(fact.node, fact.gpus);
      if (fact.kind !== "binding") continue;
      const left = (free.get(fact.node) ?? 0) + (fact.event === "bound" ? -fact.gpus : fact.gpus);
      expect(left).toBeGreaterThanOrEqual(0);
      free.set(fact.node, left);
    }
    const old = world.view().pods?.filter(({ created }) => created < 1200e6) ?? [];
    expect(old.filter(({ scheduled }) => scheduled === undefined)).toEqual([]);
    expect(run(of, scales).facts).toEqual(facts);
  }));

function nodeAutoscaler(kind: "ClusterAutoscaler" | "Karpenter"): NodesScenario["autoscaler"] {
  return kind === "Karpenter"
    ? {
        kind,
        batchIdleDuration: "1s",
        batchMaxDuration: "10s",
        consolidateAfter: "30s",
        consolidationPolicy: "WhenEmptyOrUnderutilized",
        budgetPercent: 10,
      }
    : {
        kind,
        scanInterval: "10s",
        expander: "least-waste",
        maxNodeProvisionTime: "15m",
        scaleDownDelayAfterAdd: "10m",
        scaleDownUnneededTime: "10m",
        scaleDownGpuUtilizationThreshold: 0.5,
      };
}
