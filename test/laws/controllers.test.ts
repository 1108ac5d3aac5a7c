import { describe, expect, it } from "vitest";
import type { ControlLoop } from "../../src/controlplane/control-loop.ts";
import type { ControllerTarget } from "../../src/controlplane/controller.ts";
import { controllers } from "../../src/controlplane/controllers/index.ts";
import { withinBudget, withinSharedBudget } from "../../src/controlplane/dynamo-planner/budget.ts";
import type { QueryElement } from "../../src/controlplane/monitoring-server.ts";
import { costAware } from "../../src/controlplane/wva/cost-aware.ts";
import { analyseSpare, spareTargets } from "../../src/controlplane/wva/saturation-percentage.ts";
import type { Rng } from "../../src/sim/rng.ts";
import {
  byPod,
  contextOf,
  monitoringOf,
  published,
  Scales,
  scaleOf,
  sight,
  target,
} from "../controlplane/controller-fixtures.ts";
import { at } from "../controlplane/hpa/fixtures.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const thresholds = { kvCacheThreshold: 0.8, queueLengthThreshold: 5, kvSpareTrigger: 0.1, queueSpareTrigger: 3 };

/** KV usage and waiting requests of pods, as Prometheus might have them; one is missing now and then. */
const loadOf = (rng: Rng, pods: readonly string[]): readonly (readonly [string, readonly QueryElement[]])[] => {
  const level = rng.next();
  const told = pods.filter(() => rng.below(20) > 0);
  const values = (value: () => number) => byPod(Object.fromEntries(told.map((pod) => [pod, value()])));
  return [
    ["kv_cache_usage_perc", values(() => Math.min(1, level * (0.5 + rng.next())))],
    ["num_requests_waiting", values(() => Math.floor(level * rng.below(12)))],
  ];
};

/** A course of one workload: each pass sees another load, and what is written is there at once. */
const course = (loop: ControlLoop, rng: Rng, passes: number): readonly (readonly [number, number])[] => {
  const steps: (readonly [number, number])[] = [];
  let replicas = 1 + rng.below(6);
  for (let i = 1; i <= passes; i += 1) {
    const pods = Array.from({ length: replicas }, (_, n) => `a-${n}`);
    const scales = new Scales(
      { a: scaleOf("a", replicas, replicas - (rng.below(6) === 0 ? 1 : 0)) },
      monitoringOf(loadOf(rng, pods)),
    );
    const { scales: written, againAfter } = loop.run(scales.view(at(30 * i)));
    expect(againAfter).toBeGreaterThan(0);
    const wanted = written[0]?.replicas ?? replicas;
    steps.push([replicas, wanted]);
    replicas = wanted;
  }
  return steps;
};

const make = (
  said: Record<string, unknown>,
  targets: readonly ControllerTarget[],
  sights?: () => ReturnType<typeof sight>[],
) =>
  controllers.create(
    controllers.schema.parse(said),
    contextOf(targets, sights === undefined ? {} : { engines: sights }),
  )[0] as ControlLoop;

describe("WVA's V1", () => {
  it("changes at most one replica of a model, never the last, and none in transition", () =>
    forAllSeeds(300, (rng) => {
      const names = ["a", "b", "c"].slice(0, 1 + rng.below(3));
      const states = names.map((name) => ({
        target: target(name, { cost: rng.below(3) }),
        current: 1 + rng.below(4),
        desired: rng.below(4) === 0 ? 1 + rng.below(4) : 0,
        pending: rng.below(5) === 0 ? 1 : 0,
      }));
      const signals = states.flatMap(({ target: { name }, current }) =>
        Array.from({ length: current - (rng.below(8) === 0 ? 1 : 0) }, (_, i) => ({
          pod: `${name}-${i}`,
          variant: name,
          kvUsage: rng.next(),
          queue: rng.below(7),
          kvTokens: 0,
          tokensInUse: 0,
          inputTokens: 0,
          outputTokens: 0,
          hitRate: 0,
        })),
      );
      const wanted = spareTargets(analyseSpare(signals, thresholds), states);
      const told = states.filter(({ target: { name } }) => wanted.has(name));
      const inTransition = told.some(
        ({ target: { name }, current, desired }) =>
          (desired !== 0 && desired !== current) ||
          signals.filter(({ variant }) => variant === name).length !== current,
      );
      const moved = told.filter(({ target: { name }, current }) => wanted.get(name) !== current);
      if (inTransition) {
        for (const {
          target: { name },
          current,
          desired,
        } of told) {
          expect(wanted.get(name)).toBe(desired !== 0 ? desired : current);
        }
      } else {
        expect(moved.length).toBeLessThanOrEqual(1);
        for (const {
          target: { name },
          current,
        } of moved)
          expect(Math.abs((wanted.get(name) as number) - current)).toBe(1);
        for (const count of wanted.values()) expect(count).toBeGreaterThanOrEqual(1);
      }
    }));

  it("publishes the same for the same course", () =>
    forAllSeeds(20, (_rng, seed) => {
      const wish = () => {
        const loop = make({ name: "wva" }, [target("a")]);
        const pods = ["a-0", "a-1", "a-2"];
        return Array.from({ length: 10 }, (_, i) => {
          const load = (seed * (i + 3)) % 17;
          const usage = byPod(Object.fromEntries(pods.map((pod, n) => [pod, ((load + n) % 10) / 10])));
          loop.run(new Scales({ a: scaleOf("a", 3) }, monitoringOf([["kv_cache", usage]])).view(at(30 * i)));
          return published(loop, "wva_desired_replicas", "a");
        });
      };
      expect(wish()).toEqual(wish());
    }));
});

describe("WVA's cost-aware optimizer", () => {
  it("stays within every variant's bounds, and leaves the cheapest its last replica where it is the last", () =>
    forAllSeeds(400, (rng) => {
      const variants = ["a", "b", "c"].slice(0, 1 + rng.below(3)).map((name) => {
        const min = rng.below(3);
        const max = min + 1 + rng.below(5);
        const current = min + rng.below(max - min + 1);
        const bounds = rng.below(3) === 0 ? {} : { minReplicas: min, maxReplicas: max };
        return {
          current,
          target: target(name, { cost: rng.below(5), ...bounds }),
          perReplica: rng.below(6) === 0 ? 0 : 1000 * (1 + rng.below(20)),
        };
      });
      const up = rng.below(2) === 0;
      const amount = rng.below(200_000);
      const analysis = {
        variants: variants.map(({ target: of, current, perReplica }) => ({
          target: of,
          ready: current,
          pending: 0,
          perReplica,
          demand: 0,
        })),
        supply: 0,
        demand: 0,
        required: up ? amount : 0,
        spare: up ? 0 : amount,
      };
      const states = variants.map(({ target: of, current }) => ({ target: of, current, desired: 0, pending: 0 }));
      const wanted = costAware(analysis, states);
      const total = [...wanted.values()].reduce((sum, count) => sum + count, 0);
      for (const {
        target: { name, minReplicas, maxReplicas },
        current,
      } of variants) {
        const count = wanted.get(name) as number;
        expect(count).toBeGreaterThanOrEqual(minReplicas ?? 0);
        expect(count).toBeLessThanOrEqual(Math.max(maxReplicas ?? Number.POSITIVE_INFINITY, current));
        if (up) expect(count).toBeGreaterThanOrEqual(current);
        else expect(count).toBeLessThanOrEqual(current);
      }
      const [cheapest] = [...analysis.variants].sort(
        (a, b) => a.target.cost - b.target.cost || b.perReplica - a.perReplica,
      );
      if (cheapest !== undefined && cheapest.perReplica > 0 && cheapest.ready > 0) expect(total).toBeGreaterThan(0);
    }));
});

describe("Dynamo's planner, by fill", () => {
  it("moves by one, within the least and the budget, and only where all engines are ready and have told", () =>
    forAllSeeds(60, (rng) => {
      const minEndpoint = 1 + rng.below(2);
      const maxGpuBudget = minEndpoint + rng.below(8);
      const loop = make({ name: "dynamo-planner", minEndpoint, maxGpuBudget }, [target("a")]);
      for (const [before, wanted] of course(loop, rng, 40)) {
        if (wanted === before) continue;
        expect(wanted).toBeGreaterThanOrEqual(minEndpoint);
        expect(wanted).toBeLessThanOrEqual(maxGpuBudget);
        // A step of more than one only leads back into the bounds.
        if (before >= minEndpoint && before <= maxGpuBudget) expect(Math.abs(wanted - before)).toBe(1);
      }
    }));

  it("budgets are kept, and never grow what was wanted above the least", () =>
    forAllSeeds(500, (rng) => {
      const budget = { minEndpoint: 1 + rng.below(3), maxGpus: rng.below(40) - 1 };
      const [p, d] = [rng.below(60), rng.below(60)];
      const [gp, gd] = [1 + rng.below(8), 1 + rng.below(8)];
      const alone = withinBudget(p, gp, budget);
      const [q, e] = withinSharedBudget([p, d], [gp, gd], budget);
      if (budget.maxGpus >= 0) {
        expect(alone * gp).toBeLessThanOrEqual(budget.maxGpus);
        expect(q * gp + e * gd).toBeLessThanOrEqual(budget.maxGpus);
      }
      expect(alone).toBeLessThanOrEqual(Math.max(p, budget.minEndpoint));
      expect(q).toBeLessThanOrEqual(Math.max(p, budget.minEndpoint));
    }));
});

describe("BLIS's autoscaler", () => {
  it("with GPUs wants no more than they hold, and answers alike for alike courses", () =>
    forAllSeeds(60, (rng, seed) => {
      const gpus = 1 + rng.below(10);
      const run = (): readonly number[] => {
        const loads = rngFrom(seed);
        let replicas = Math.min(gpus, 2);
        const loop = make({ name: "blis-autoscaler", gpus: { H100: gpus } }, [target("a")], () =>
          Array.from({ length: replicas }, () =>
            sight({ kvTokensInUse: Math.floor(loads() * 10_000), queued: Math.floor(loads() * 20) }),
          ),
        );
        return Array.from({ length: 30 }, (_, i) => {
          const scales = new Scales({ a: scaleOf("a", replicas) }, monitoringOf([]));
          replicas = loop.run(scales.view(at(30 * i))).scales[0]?.replicas ?? replicas;
          expect(replicas).toBeLessThanOrEqual(gpus);
          expect(replicas).toBeGreaterThanOrEqual(0);
          return replicas;
        });
      };
      expect(run()).toEqual(run());
    }));
});

/** A course of numbers in [0, 1) of its own, the same each time. */
const rngFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
};
