import { describe, expect, it } from "vitest";
import {
  GpuScheduler,
  type Nodes,
  nodeScorings,
  type PlacedPod,
  type Preempting,
} from "../../../src/controlplane/nodes/index.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { at, cluster, placed, placement, pool } from "./fixtures.ts";

const low = (name: string, gpus: number, priority = 0): PlacedPod => placed(name, placement(gpus, { priority }));

/** A scheduler on nodes of 8 GPUs with these pods, in the order in which they came. */
const on = (
  pods: readonly (readonly PlacedPod[])[],
  over: Partial<Preempting> = {},
  of: Nodes = cluster(pods.map(() => 0)),
) => {
  const pushed: string[][] = [];
  const leaving = new Set<string>();
  const scheduler = new GpuScheduler(
    of,
    nodeScorings.create({ strategy: "LeastAllocated" }, undefined),
    rngOf(1).stream("ties"),
    {
      leaving: ({ name }) => leaving.has(name),
      budgetOf: () => undefined,
      preempt: (pod, victims) => {
        pushed.push([pod.name, ...victims.map(({ name }) => name)]);
        for (const { name } of victims) leaving.add(name);
      },
      ...over,
    },
  );
  const nodes = [...of.all];
  for (const [i, some] of pods.entries()) {
    // The scheduler has seen all pods that it placed.
    for (const pod of some) {
      scheduler.add(pod);
      scheduler.drop(pod.name);
      nodes[i]?.bind(pod, at(i));
    }
  }
  const release = (...names: readonly string[]) => {
    for (const node of nodes) for (const name of names) node.release(name, at(50));
  };
  return { scheduler, pushed, nodes, release };
};

const high = (name: string, gpus: number, over = {}): PlacedPod =>
  placed(name, placement(gpus, { priority: 100, ...over }));
const bound = (scheduler: GpuScheduler): string[] =>
  scheduler.schedule(at(60)).map(({ pod, node }) => `${pod.name} on ${node.name}`);

describe("a pod that fits nowhere", () => {
  it("pushes out as few as can be, the least important and the latest first", () => {
    const { scheduler, pushed } = on([[low("old", 2), low("worst", 1, -3), low("mid", 3, 5), low("new", 2)]]);
    scheduler.add(high("a", 3));
    expect(scheduler.schedule(at(9))).toEqual([]);
    expect(pushed).toEqual([["a", "new", "worst"]]);
  });

  it.each([
    { name: "where the victim matters least", pods: [[low("a", 8, 7)], [low("b", 8, 3)]], victim: "b" },
    { name: "where all victims together do", pods: [[low("a", 4), low("b", 4)], [low("c", 8)]], victim: "c" },
    { name: "where they came last", pods: [[low("a", 8)], [low("b", 8)]], victim: "b" },
  ])("takes the node $name", ({ pods, victim }) => {
    const { scheduler, pushed } = on(pods);
    scheduler.add(high("x", 8));
    scheduler.schedule(at(9));
    expect(pushed).toEqual([["x", victim]]);
  });

  it("keeps budgets where it can, and breaks them where it can't", () => {
    const budgetOf = ({ name }: PlacedPod) => (name.startsWith("kept") ? { name: "kept", allowed: 0 } : undefined);
    const one = on([[low("kept", 8, 1)], [low("free", 8, 50)]], { budgetOf });
    one.scheduler.add(high("x", 8));
    one.scheduler.add(high("y", 8));
    one.scheduler.schedule(at(9));
    expect(one.pushed).toEqual([
      ["x", "free"],
      ["y", "kept"],
    ]);
  });

  it("gets the room of its victims when they are gone, which nobody of lower priority takes meanwhile", () => {
    const { scheduler, pushed, release } = on([[low("a", 6)]]);
    scheduler.add(high("x", 8));
    scheduler.add(low("late", 2));
    expect(bound(scheduler)).toEqual([]);
    expect(scheduler.unplaced.map(({ name }) => name)).toEqual(["late"]);
    // Nobody is pushed out twice, and the two free GPUs are kept.
    expect(bound(scheduler)).toEqual([]);
    expect(pushed).toEqual([["x", "a"]]);
    release("a");
    expect(bound(scheduler)).toEqual(["x on h100-0"]);
  });

  it("leaves its node to one of still higher priority, and looks again", () => {
    const { scheduler, pushed, release } = on([[low("a", 8)], [low("b", 8, 50)]]);
    scheduler.add(high("x", 8));
    scheduler.schedule(at(9));
    scheduler.add(placed("y", placement(8, { priority: 200 })));
    release("a");
    expect(bound(scheduler)).toEqual(["y on h100-0"]);
    expect(pushed).toEqual([
      ["x", "a"],
      ["x", "b"],
    ]);
  });

  it.each([
    { name: "its class doesn't let it", pod: high("x", 8, { preempts: false }) },
    { name: "nobody is less important", pod: low("x", 8) },
    { name: "the nodes don't suit it", pod: high("x", 8, { nodeSelector: { zone: "b" } }) },
    { name: "no node is that big", pod: high("x", 9) },
  ])("waits where $name", ({ pod }) => {
    const { scheduler, pushed } = on([[low("a", 8)]]);
    scheduler.add(pod);
    expect(bound(scheduler)).toEqual([]);
    expect(pushed).toEqual([]);
    expect(scheduler.unplaced).toEqual([pod]);
  });

  it("pushes nobody out for a node that takes no pods", () => {
    const { scheduler, pushed, nodes } = on([[low("a", 8)]]);
    if (nodes[0] !== undefined) nodes[0].phase = "draining";
    scheduler.add(high("x", 8));
    scheduler.schedule(at(9));
    expect(pushed).toEqual([]);
  });
});

it("pushes out only who is less important, and no more than make room", () =>
  forAllSeeds(150, (rng) => {
    const pods = Array.from({ length: 1 + rng.below(4) }, (_, i) => {
      const some: PlacedPod[] = [];
      for (let left = 8; left > 0; ) {
        const gpus = 1 + rng.below(left);
        some.push(low(`${i}/${left}`, gpus, rng.below(4)));
        left -= gpus;
      }
      return some;
    });
    const { scheduler, pushed } = on(
      pods,
      {},
      cluster(
        pods.map(() => 0),
        pool(),
      ),
    );
    const asked = placed("x", placement(1 + rng.below(8), { priority: rng.below(5) }));
    scheduler.add(asked);
    scheduler.schedule(at(9));
    const victims = (pushed[0] ?? ["x"]).slice(1).flatMap((name) => pods.flat().filter((pod) => pod.name === name));
    expect(victims.every(({ placement: { priority } }) => priority < asked.placement.priority)).toBe(true);
    const taken = victims.reduce((sum, { placement: { gpus } }) => sum + gpus, 0);
    const possible = pods.some(
      (some) =>
        some
          .filter(({ placement: { priority } }) => priority < asked.placement.priority)
          .reduce((sum, { placement: { gpus } }) => sum + gpus, 0) >= asked.placement.gpus,
    );
    expect(victims.length > 0).toBe(possible);
    if (possible) expect(taken).toBeGreaterThanOrEqual(asked.placement.gpus);
    for (const one of victims) expect(taken - one.placement.gpus).toBeLessThan(asked.placement.gpus);
  }));
