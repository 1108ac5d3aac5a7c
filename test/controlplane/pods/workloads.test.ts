import { describe, expect, it } from "vitest";
import {
  createDelay,
  disruptionsAllowed,
  evictionAllowed,
  type OrdinalPod,
  ordinalStep,
  ROLLOUT_DEFAULT,
  type RolloutStrategy,
  restartDelay,
  rolloutStep,
  scaleInOrder,
} from "../../../src/controlplane/pods/index.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { seconds, toSeconds } from "../../../src/sim/time.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { at, podView } from "../hpa/fixtures.ts";

describe("a rollout", () => {
  const step = (strategy: RolloutStrategy, replicas: number, fresh: [number, number], old: [number, number]) =>
    rolloutStep(
      {
        replicas,
        fresh: { replicas: fresh[0], available: fresh[1] },
        old: { replicas: old[0], available: old[1], pods: old[0] },
      },
      strategy,
    );
  const noSurge = { type: "RollingUpdate", maxSurge: 0, maxUnavailable: 1 } as const;

  it.each<{ name: string; strategy: RolloutStrategy; fresh: [number, number]; old: [number, number]; next: object }>([
    {
      name: "surges first, a quarter rounded up",
      strategy: ROLLOUT_DEFAULT,
      fresh: [0, 0],
      old: [10, 10],
      next: { fresh: 3, old: 10 },
    },
    {
      name: "then drops a quarter rounded down",
      strategy: ROLLOUT_DEFAULT,
      fresh: [3, 0],
      old: [10, 10],
      next: { fresh: 3, old: 8 },
    },
    {
      name: "waits for the new ones",
      strategy: ROLLOUT_DEFAULT,
      fresh: [5, 0],
      old: [8, 8],
      next: { fresh: 5, old: 8 },
    },
    { name: "goes on as they come", strategy: ROLLOUT_DEFAULT, fresh: [5, 5], old: [8, 8], next: { fresh: 5, old: 3 } },
    {
      name: "drops unhealthy old ones first",
      strategy: ROLLOUT_DEFAULT,
      fresh: [3, 0],
      old: [10, 7],
      next: { fresh: 3, old: 8 },
    },
    {
      name: "without surge one goes first",
      strategy: noSurge,
      fresh: [0, 0],
      old: [10, 10],
      next: { fresh: 0, old: 9 },
    },
    { name: "and then one comes", strategy: noSurge, fresh: [0, 0], old: [9, 9], next: { fresh: 1, old: 9 } },
    {
      name: "Recreate takes all away",
      strategy: { type: "Recreate" },
      fresh: [0, 0],
      old: [10, 10],
      next: { fresh: 0, old: 0 },
    },
  ])("$name", ({ strategy, fresh, old, next }) => expect(step(strategy, 10, fresh, old)).toEqual(next));

  it("Recreate waits until the last old pod is gone", () => {
    const gone = (pods: number) =>
      rolloutStep(
        { replicas: 4, fresh: { replicas: 0, available: 0 }, old: { replicas: 0, available: 0, pods } },
        { type: "Recreate" },
      ).fresh;
    expect([gone(1), gone(0)]).toEqual([0, 4]);
  });

  it("ends, with never too many pods nor too few available", () =>
    forAllSeeds(200, (rng) => {
      const replicas = 1 + rng.below(20);
      const [maxSurge, maxUnavailable] = [rng.below(4), rng.below(4)];
      const strategy = { type: "RollingUpdate", maxSurge, maxUnavailable } as const;
      const least = replicas - Math.min(replicas, Math.max(maxUnavailable, maxSurge === 0 ? 1 : 0));
      let [fresh, available, old] = [0, 0, replicas];
      for (let i = 0; i < 500 && (old > 0 || available < replicas); i += 1) {
        ({ fresh, old } = step(strategy, replicas, [fresh, available], [old, old]));
        expect(fresh + old).toBeLessThanOrEqual(replicas + maxSurge);
        expect(available + old).toBeGreaterThanOrEqual(least);
        if (rng.below(2) === 0) available = Math.min(fresh, available + 1);
      }
      expect([fresh, available, old]).toEqual([replicas, replicas, 0]);
    }));
});

describe("ordinals", () => {
  const pods = (text: string): OrdinalPod[] =>
    // r: ready, s: starting, d: deleting, -: missing
    [...text].flatMap((letter, ordinal) =>
      letter === "-" ? [] : [{ ordinal, ready: letter === "r", deleting: letter === "d" }],
    );

  it.each([
    { there: "", replicas: 3, ordered: [[0], []], parallel: [[0, 1, 2], []] },
    { there: "s", replicas: 3, ordered: [[], []], parallel: [[1, 2], []] },
    { there: "r", replicas: 3, ordered: [[1], []], parallel: [[1, 2], []] },
    { there: "r-r", replicas: 3, ordered: [[1], []], parallel: [[1], []] },
    { there: "rrrr", replicas: 2, ordered: [[], [3]], parallel: [[], [3, 2]] },
    { there: "rrrd", replicas: 2, ordered: [[], []], parallel: [[], [2]] },
    { there: "rsrr", replicas: 2, ordered: [[], []], parallel: [[], [3, 2]] },
  ])("$there of $replicas", ({ there, replicas, ordered, parallel }) => {
    const [create, remove] = ordered;
    expect(ordinalStep(pods(there), replicas, "OrderedReady")).toEqual({ create, remove });
    expect(ordinalStep(pods(there), replicas, "Parallel")).toEqual({ create: parallel[0], remove: parallel[1] });
  });
});

describe("scale-in on nodes", () => {
  const ready = (name: string, over: object) => podView(name, { readyChangedAt: at(100), node: "a", ...over });
  const first = (...pods: ReturnType<typeof podView>[]) => scaleInOrder(pods, at(10_000), rngOf(1).stream("s"))[0];

  it("takes who has no node, then the cheaper to delete, then one of the fuller node, before the younger", () => {
    expect(
      first(ready("a", {}), podView("b", { ready: false, node: undefined }), ready("c", { deletionCost: -5 })),
    ).toBe("b");
    expect(first(ready("a", {}), ready("b", { deletionCost: 1 }), ready("c", { deletionCost: -5, node: "b" }))).toBe(
      "c",
    );
    expect(first(ready("a", {}), ready("b", {}), ready("c", { node: "b", readyChangedAt: at(9990) }))).not.toBe("c");
  });
});

it.each([
  { budget: { minAvailable: 2 }, expected: 4, healthy: 3, allowed: 1 },
  { budget: { minAvailable: "50%" }, expected: 5, healthy: 5, allowed: 2 },
  { budget: { maxUnavailable: 1 }, expected: 4, healthy: 4, allowed: 1 },
  { budget: { maxUnavailable: "25%" }, expected: 5, healthy: 5, allowed: 2 },
  { budget: { maxUnavailable: 1 }, expected: 4, healthy: 2, allowed: 0 },
] as const)("a budget of $budget allows $allowed of $healthy/$expected", ({ budget, expected, healthy, allowed }) =>
  expect(disruptionsAllowed(budget, { expected, healthy })).toBe(allowed),
);

it.each([
  { of: "a ready pod within the budget", budget: { maxUnavailable: 1 }, healthy: 4, ready: true, may: true },
  { of: "a ready pod beyond it", budget: { maxUnavailable: 1 }, healthy: 3, ready: true, may: false },
  { of: "an unready pod while enough are healthy", budget: { maxUnavailable: 1 }, healthy: 3, ready: false, may: true },
  { of: "an unready pod while too few are", budget: { maxUnavailable: 1 }, healthy: 2, ready: false, may: false },
  {
    of: "one where none need be healthy, and none is",
    budget: { minAvailable: 0 },
    healthy: 0,
    ready: false,
    may: false,
  },
  {
    of: "an unready pod that may always go",
    budget: { maxUnavailable: 0, unhealthyPods: "AlwaysAllow" },
    healthy: 2,
    ready: false,
    may: true,
  },
] as const)("evicts $of: $may", ({ budget, healthy, ready, may }) =>
  expect(evictionAllowed(budget, { expected: 4, healthy }, ready)).toBe(may),
);

it("tries again to create pods after 5 ms, twice as long each time, at most 1000 s", () => {
  expect([0, 1, 2, 17, 18, 2000].map((failures) => createDelay(failures) / 1e6)).toEqual([
    0.005, 0.01, 0.02, 655.36, 1000, 1000,
  ]);
});

it("restarts at once, then after ever longer, and forgets after ten minutes", () => {
  const delays: number[] = [];
  let crashes = 0;
  for (const ran of [5, 5, 5, 5, 5, 5, 5, 5, 700, 5]) {
    const next = restartDelay(seconds(ran), crashes);
    crashes = next.crashes;
    delays.push(toSeconds(next.delay));
  }
  expect(delays).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 0, 10]);
});
