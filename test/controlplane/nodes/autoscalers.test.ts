import { describe, expect, it } from "vitest";
import {
  Node,
  type NodeAutoscaler,
  type NodePool,
  Nodes,
  nodeAutoscalers,
  type PlacedPod,
} from "../../../src/controlplane/nodes/index.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { NEVER } from "../../../src/sim/time.ts";
import { at, cluster, placed, placement, pool } from "./fixtures.ts";

const make = (said: Record<string, unknown>): NodeAutoscaler =>
  nodeAutoscalers.create(nodeAutoscalers.schema.parse(said), { rng: rngOf(1).stream("nodes") });

const wanted = (autoscaler: NodeAutoscaler, nodes: Nodes, waiting: readonly PlacedPod[], now: number) => {
  const { add, remove } = autoscaler.look(at(now), nodes, waiting);
  return {
    add: Object.fromEntries(add.map(({ pool: { name }, count }) => [name, count])),
    remove: remove.map(({ name }) => name),
  };
};

const provisioning = (nodes: Nodes, of: NodePool, name: string, since: number): Node => {
  const node = new Node(name, of, at(since));
  nodes.add(node);
  return node;
};

describe("the Cluster Autoscaler", () => {
  it("looks at its next scan, and not while nothing happens", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    expect(one.due).toBe(NEVER);
    one.unschedulable(at(12.5));
    expect(one.due).toBe(at(20));
    expect(wanted(one, cluster([8]), [placed("a", 4)], 20)).toEqual({ add: { h100: 1 }, remove: [] });
  });

  it("asks for no more than nodes on their way can't take", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const nodes = cluster([8]);
    provisioning(nodes, nodes.pools[0] as NodePool, "coming", 5);
    const pods = [placed("a", 4), placed("b", 4), placed("c", 4)];
    expect(wanted(one, nodes, pods, 10).add).toEqual({ h100: 1 });
    expect(wanted(one, nodes, pods.slice(0, 2), 10).add).toEqual({});
  });

  it("packs, within the pool's bound", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const pods = Array.from({ length: 9 }, (_, i) => placed(`p${i}`, 4));
    expect(wanted(one, cluster([8]), pods, 10).add).toEqual({ h100: 5 });
    expect(wanted(one, cluster([8], pool({ maxNodes: 3 })), pods, 10).add).toEqual({ h100: 2 });
  });

  it.each([
    { gpus: 1, pool: "small" },
    { gpus: 3, pool: "small" },
    { gpus: 6, pool: "big" },
  ])("least-waste takes a node of $pool for a pod of $gpus", ({ gpus, pool: name }) => {
    const pools = [pool({ name: "big" }), pool({ name: "small", gpusPerNode: 4 })];
    const one = make({ kind: "ClusterAutoscaler" });
    expect(wanted(one, new Nodes(pools), [placed("a", gpus)], 10).add).toEqual({ [name]: 1 });
  });

  it("leaves alone pools that the pod may not run on", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const pod = placed("a", placement(1, { nodeSelector: { "nvidia.com/gpu.product": "A100" } }));
    expect(wanted(one, cluster([8]), [pod], 10).add).toEqual({});
  });

  it("gives up a node that doesn't come in time, and its pool for five minutes", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const nodes = cluster([8]);
    const late = provisioning(nodes, nodes.pools[0] as NodePool, "late", 0);
    const pods = [placed("a", 4)];
    expect(wanted(one, nodes, pods, 890)).toEqual({ add: {}, remove: [] });
    expect(one.due).toBe(at(900));
    expect(wanted(one, nodes, pods, 900)).toEqual({ add: {}, remove: ["late"] });
    nodes.remove(late);
    expect(wanted(one, nodes, pods, 1190).add).toEqual({});
    expect(one.due).toBe(at(1200));
    expect(wanted(one, nodes, pods, 1200).add).toEqual({ h100: 1 });
  });

  it("gives back what was unneeded for ten minutes, ten after it grew, down to the least", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const nodes = cluster([8, 0, 3], pool({ minNodes: 1 }));
    expect(wanted(one, nodes, [], 0)).toEqual({ add: {}, remove: [] });
    expect(one.due).toBe(at(600));
    expect(wanted(one, nodes, [], 600).remove).toEqual(["h100-1"]);
    // 3 GPUs would have fitted on the empty node only.
    const [full, , third] = [...nodes.all];
    nodes.remove(nodes.get("h100-1") as Node);
    for (let i = 0; i < 3; i += 1) full?.release(`h100-0/${i}`, at(610));
    expect(wanted(one, nodes, [], 620).remove).toEqual([]);
    expect(one.due).toBe(at(1220));
    expect(wanted(one, nodes, [], 1220).remove).toEqual([third?.name]);
  });

  it("keeps nodes that are half in use, whose pods fit nowhere else, or may not be moved", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const nodes = cluster([4, 5]);
    wanted(one, nodes, [], 0);
    expect(wanted(one, nodes, [], 3600).remove).toEqual([]);
    const pinned = cluster([0, 0]);
    for (const node of pinned.all) node.bind({ ...placed(`pod-${node.name}`, 1), evictable: false }, at(0));
    const other = make({ kind: "ClusterAutoscaler" });
    wanted(other, pinned, [], 0);
    expect(wanted(other, pinned, [], 3600).remove).toEqual([]);
  });

  it("doesn't shrink for ten minutes after it grew", () => {
    const one = make({ kind: "ClusterAutoscaler" });
    const nodes = cluster([8, 0]);
    const pinned = placed("a", placement(1, { nodeSelector: { other: "yes" } }));
    const other = pool({ name: "other", labels: { other: "yes" } });
    const both = new Nodes([...nodes.pools, other]);
    for (const node of nodes.all) both.add(node);
    wanted(one, both, [], 0);
    expect(wanted(one, both, [pinned], 500).add).toEqual({ other: 1 });
    provisioning(both, other, "coming", 500);
    expect(wanted(one, both, [pinned], 700).remove).toEqual([]);
    expect(wanted(one, both, [pinned], 1100).remove).toEqual(["h100-1"]);
  });
});

describe("Karpenter", () => {
  it("gathers pods until none came for a second, ten at most", () => {
    const one = make({ kind: "Karpenter" });
    one.unschedulable(at(5));
    expect(one.due).toBe(at(6));
    one.unschedulable(at(5.8));
    expect(one.due).toBe(at(6.8));
    for (let s = 6.5; s < 15; s += 0.5) one.unschedulable(at(s));
    expect(one.due).toBe(at(15));
    expect(wanted(one, cluster([8]), [placed("a", 4), placed("b", 8)], 15).add).toEqual({ h100: 2 });
    expect(one.due).toBe(NEVER);
  });

  it("asks pools by weight, within their limits", () => {
    const pools = [pool({ name: "a" }), pool({ name: "b", weight: 10, maxNodes: 1 }), pool({ name: "c" })];
    const pods = Array.from({ length: 4 }, (_, i) => placed(`p${i}`, 8));
    const look = (said: object) => {
      const one = make({ kind: "Karpenter", ...said });
      one.unschedulable(at(0));
      return wanted(one, new Nodes(pools), pods, 1).add;
    };
    expect(look({})).toEqual({ b: 1, a: 3 });
    expect(look({ gpuLimit: 16 })).toEqual({ b: 1, a: 2, c: 1 });
  });

  it("gives back empty nodes after their time and a second look, a tenth of the pool at a time", () => {
    const one = make({ kind: "Karpenter", consolidateAfter: "30s" });
    const nodes = cluster([0, 0, 4]);
    one.changed(at(0));
    wanted(one, nodes, [], 0);
    expect(one.due).toBe(at(30));
    expect(wanted(one, nodes, [], 30).remove).toEqual([]);
    expect(one.due).toBe(at(45));
    expect(wanted(one, nodes, [], 45).remove).toEqual(["h100-0"]);
  });

  it("moves the pods of a node that others have room for, unless told not to", () => {
    const consolidated = (said: object) => {
      const one = make({ kind: "Karpenter", ...said });
      const nodes = cluster([5, 2]);
      one.changed(at(0));
      wanted(one, nodes, [], 0);
      return one.due === NEVER ? [] : wanted(one, nodes, [], 15).remove;
    };
    expect(consolidated({})).toEqual(["h100-1"]);
    expect(consolidated({ consolidationPolicy: "WhenEmpty" })).toEqual([]);
    expect(consolidated({ consolidationPolicy: "Never" })).toEqual([]);
    expect(consolidated({ budgetPercent: 0 })).toEqual([]);
    expect(consolidated({ budgetPercent: 100, budgetNodes: 0 })).toEqual([]);
    expect(consolidated({ budgetPercent: 100, budgetNodes: 1 })).toEqual(["h100-1"]);
  });

  it("drops a command that doesn't hold any more", () => {
    const one = make({ kind: "Karpenter" });
    const nodes = cluster([0, 8]);
    one.changed(at(0));
    wanted(one, nodes, [], 0);
    nodes.get("h100-0")?.bind(placed("new", 8), at(7));
    expect(wanted(one, nodes, [], 15).remove).toEqual([]);
  });

  it("gives up a node that doesn't register, and asks again", () => {
    const one = make({ kind: "Karpenter" });
    const nodes = cluster([8]);
    provisioning(nodes, nodes.pools[0] as NodePool, "late", 0);
    one.changed(at(0));
    wanted(one, nodes, [placed("a", 4)], 0);
    expect(one.due).toBe(at(900));
    expect(wanted(one, nodes, [placed("a", 4)], 900)).toEqual({ add: { h100: 1 }, remove: ["late"] });
  });
});
