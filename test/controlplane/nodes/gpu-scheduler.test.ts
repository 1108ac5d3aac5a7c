import { describe, expect, it } from "vitest";
import {
  GpuScheduler,
  nodeScorings,
  type PodPlacement,
  suits,
  type Taint,
} from "../../../src/controlplane/nodes/index.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { at, cluster, placed, placement, pool } from "./fixtures.ts";

const scheduler = (nodes = cluster([0]), strategy: "LeastAllocated" | "MostAllocated" = "LeastAllocated", seed = 1) =>
  new GpuScheduler(nodes, nodeScorings.create({ strategy }, undefined), rngOf(seed).stream("ties"));

const taint = (effect: Taint["effect"], value?: string): Taint => ({
  key: "nvidia.com/gpu",
  effect,
  ...(value === undefined ? {} : { value }),
});

describe("suits", () => {
  const node = pool({ labels: { zone: "a", size: "8" } });
  const need = (key: string, operator: "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt", ...values: string[]) =>
    placement(1, { affinity: [[{ key, operator, values }]] });

  it.each<{ name: string; asked: PodPlacement; taints?: Taint[]; ok: boolean }>([
    { name: "anything", asked: placement(1), ok: true },
    { name: "a label", asked: placement(1, { nodeSelector: { zone: "a" } }), ok: true },
    { name: "another value", asked: placement(1, { nodeSelector: { zone: "b" } }), ok: false },
    { name: "In", asked: need("zone", "In", "b", "a"), ok: true },
    { name: "NotIn of a missing label", asked: need("arch", "NotIn", "arm"), ok: true },
    { name: "NotIn", asked: need("zone", "NotIn", "a"), ok: false },
    { name: "Exists", asked: need("arch", "Exists"), ok: false },
    { name: "DoesNotExist", asked: need("arch", "DoesNotExist"), ok: true },
    { name: "Gt", asked: need("size", "Gt", "4"), ok: true },
    { name: "Lt", asked: need("size", "Lt", "8"), ok: false },
    { name: "an empty term", asked: placement(1, { affinity: [[]] }), ok: false },
    {
      name: "one of two terms",
      asked: placement(1, { affinity: [...need("arch", "Exists").affinity, ...need("zone", "Exists").affinity] }),
      ok: true,
    },
    { name: "a taint", asked: placement(1), taints: [taint("NoSchedule")], ok: false },
    { name: "a preference", asked: placement(1), taints: [taint("PreferNoSchedule")], ok: true },
    {
      name: "tolerated by key",
      asked: placement(1, { tolerations: [{ key: "nvidia.com/gpu", operator: "Exists" }] }),
      taints: [taint("NoSchedule", "present")],
      ok: true,
    },
    {
      name: "another value isn't tolerated",
      asked: placement(1, { tolerations: [{ key: "nvidia.com/gpu", value: "no" }] }),
      taints: [taint("NoSchedule", "present")],
      ok: false,
    },
    {
      name: "another effect isn't tolerated",
      asked: placement(1, { tolerations: [{ operator: "Exists", effect: "NoSchedule" }] }),
      taints: [taint("NoExecute")],
      ok: false,
    },
  ])("$name", ({ asked, taints = [], ok }) => expect(suits(asked, { ...node, taints })).toBe(ok));
});

describe("the scheduler", () => {
  it("needs all GPUs of a pod on one node", () => {
    // 8 GPUs are free in all, 2 on each node.
    const nodes = cluster([6, 6, 6, 6]);
    const one = scheduler(nodes);
    one.add(placed("tp4", 4));
    expect(one.schedule(at(0))).toEqual([]);
    expect(one.waiting.map(({ name }) => name)).toEqual(["tp4"]);
    const [node] = [...nodes.all];
    node?.release("h100-0/0", at(1));
    node?.release("h100-0/1", at(1));
    expect(one.schedule(at(1)).map((binding) => binding.node.name)).toEqual(["h100-0"]);
    expect(one.waiting).toEqual([]);
  });

  it.each([
    { strategy: "LeastAllocated", node: "h100-1" },
    { strategy: "MostAllocated", node: "h100-2" },
  ] as const)("$strategy picks $node", ({ strategy, node }) => {
    const one = scheduler(cluster([4, 1, 5, 7]), strategy);
    one.add(placed("a", 2));
    expect(one.schedule(at(0)).map((binding) => binding.node.name)).toEqual([node]);
  });

  it("packs or fragments: spread pods of one GPU leave no room for four", () => {
    const roomForFour = (strategy: "LeastAllocated" | "MostAllocated") => {
      const one = scheduler(cluster([0, 0]), strategy);
      for (let i = 0; i < 10; i += 1) one.add(placed(`small-${i}`, 1));
      one.add(placed("tp4", 4));
      return one.schedule(at(0)).some(({ pod }) => pod.name === "tp4");
    };
    expect(roomForFour("MostAllocated")).toBe(true);
    expect(roomForFour("LeastAllocated")).toBe(false);
  });

  it("goes by priority, then by how long a pod waits, and lets small ones pass big ones that don't fit", () => {
    const one = scheduler(cluster([5]));
    one.add(placed("late", 1, 5));
    one.add(placed("early", 1, 1));
    one.add(placed("urgent", placement(1, { priority: 100 }), 9));
    one.add(placed("big", placement(8, { priority: 200 }), 0));
    expect(one.schedule(at(9)).map(({ pod }) => pod.name)).toEqual(["urgent", "early", "late"]);
    expect(one.waiting.map(({ name }) => name)).toEqual(["big"]);
  });

  it("settles ties by its stream", () => {
    const picked = (seed: number) => {
      const one = scheduler(cluster([0, 0, 0]), "LeastAllocated", seed);
      one.add(placed("a", 1));
      return one.schedule(at(0))[0]?.node.name;
    };
    expect(new Set(Array.from({ length: 40 }, (_, seed) => picked(seed))).size).toBe(3);
    expect(picked(7)).toBe(picked(7));
  });

  it("never gives a GPU to two, and leaves nobody waiting who fits", () =>
    forAllSeeds(150, (rng) => {
      const nodes = cluster(Array.from({ length: 1 + rng.below(5) }, () => rng.below(9)));
      const one = scheduler(nodes, rng.below(2) === 0 ? "LeastAllocated" : "MostAllocated");
      for (let i = 0; i < 30; i += 1) one.add(placed(`pod-${i}`, 1 + rng.below(8), rng.below(100)));
      const bound = one.schedule(at(100));
      expect(bound.length + one.waiting.length).toBe(30);
      for (const node of nodes.all) {
        expect(node.free).toBeGreaterThanOrEqual(0);
        expect(node.pods.reduce((sum, pod) => sum + pod.placement.gpus, 0) + node.free).toBe(8);
        for (const pod of one.waiting) expect(pod.placement.gpus).toBeGreaterThan(node.free);
      }
    }));
});
