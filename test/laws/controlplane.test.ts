import { describe, expect, it } from "vitest";
import { HorizontalPodAutoscaler, type HpaDecision } from "../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import { averageReplicas } from "../../src/controlplane/hpa/replica-calculator.ts";
import { type HpaSpec, type ScalingRules, withBehaviorDefaults } from "../../src/controlplane/hpa/spec.ts";
import { type Recommendation, stabilizeBothWays, stabilizeDown } from "../../src/controlplane/hpa/stabilization.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { micros, type SimTime, seconds } from "../../src/sim/time.ts";
import { at, metricsApi, podView, scaleView, spec, waiting } from "../controlplane/hpa/fixtures.ts";
import { forAllSeeds } from "../for-all-seeds.ts";

const pick = <T>(rng: Rng, choices: readonly T[]): T => choices[rng.below(choices.length)] as T;

const anyRules = (rng: Rng): Partial<ScalingRules> => ({
  stabilizationWindowSeconds: rng.below(120),
  selectPolicy: pick(rng, ["Max", "Min", "Disabled"]),
  policies: Array.from({ length: 1 + rng.below(3) }, () => ({
    type: pick(rng, ["Pods", "Percent"]),
    value: 1 + rng.below(100),
    periodSeconds: 15 * (1 + rng.below(8)),
  })),
});

const anySpec = (rng: Rng): HpaSpec => {
  const minReplicas = 1 + rng.below(4);
  const behavior = withBehaviorDefaults({ scaleUp: anyRules(rng), scaleDown: anyRules(rng) });
  return spec({
    minReplicas,
    maxReplicas: minReplicas + rng.below(20),
    metrics: [waiting(1 + rng.below(20))],
    ...(rng.below(2) === 0 ? { behavior } : {}),
  });
};

interface Step {
  readonly before: number;
  readonly decision: HpaDecision;
}

/** An HPA on a load that jumps about; replicas follow at once.  */
const course = (hpaSpec: HpaSpec, rng: Rng, syncs: number, origin = 0, scale = 1): readonly Step[] => {
  const hpa = new HorizontalPodAutoscaler(hpaSpec);
  const steps: Step[] = [];
  let current = hpaSpec.minReplicas + rng.below(hpaSpec.maxReplicas - hpaSpec.minReplicas + 1);
  let load = rng.below(200);
  for (let index = 0; index < syncs; index += 1) {
    if (rng.below(5) === 0) load = rng.below(200);
    const perPod = Array.from({ length: current }, () => scale * Math.round((load / current) * 2));
    const metrics = metricsApi({ perPod: rng.below(20) === 0 ? undefined : perPod });
    const decision = hpa.sync(at(origin + 15 * index), scaleView(current), metrics);
    steps.push({ before: current, decision });
    current = decision.desiredReplicas;
  }
  return steps;
};

const wishes = (steps: readonly Step[]) => steps.map(({ decision }) => decision.desiredReplicas);

describe("every HPA", () => {
  it("stays between its minimum and its maximum", () =>
    forAllSeeds(150, (rng) => {
      const hpaSpec = anySpec(rng);
      for (const wish of wishes(course(hpaSpec, rng, 60))) {
        expect(wish).toBeGreaterThanOrEqual(hpaSpec.minReplicas);
        expect(wish).toBeLessThanOrEqual(hpaSpec.maxReplicas);
      }
    }));

  it("changes replicas if, and only if, it says so", () =>
    forAllSeeds(100, (rng) => {
      for (const { before, decision } of course(anySpec(rng), rng, 40)) {
        expect(decision.rescale).toBe(decision.desiredReplicas !== before);
        expect(decision.events.some(({ reason }) => reason === "SuccessfulRescale")).toBe(decision.rescale);
      }
    }));

  it("holds while its metric has no data", () => {
    let silent = 0;
    forAllSeeds(100, (rng) => {
      for (const { decision } of course(anySpec(rng), rng, 60)) {
        if (decision.metrics.some(({ seen }) => seen !== undefined)) continue;
        silent += 1;
        expect(decision).toMatchObject({ rescale: false, error: "FailedGetPodsMetric" });
      }
    });
    expect(silent).toBeGreaterThan(100);
  });

  it("holds within the tolerance", () =>
    forAllSeeds(300, (rng) => {
      const hpaSpec = spec({ metrics: [waiting(100)], maxReplicas: 50 });
      const replicas = 1 + rng.below(50);
      const perPod = Array.from({ length: replicas }, () => 90 + rng.below(21));
      const decision = new HorizontalPodAutoscaler(hpaSpec).sync(at(0), scaleView(replicas), metricsApi({ perPod }));
      expect(decision).toMatchObject({ rescale: false, desiredReplicas: replicas });
    }));

  it("decides the same when all instants are later by the same time", () =>
    forAllSeeds(100, (_, seed) => {
      const run = (origin: number) => {
        const rng = rngOf(seed).stream("course");
        return wishes(course(anySpec(rng), rng, 60, origin));
      };
      expect(run(86_400)).toEqual(run(0));
    }));

  it("decides the same when values and targets are in other units", () =>
    forAllSeeds(100, (_, seed) => {
      const run = (scale: number) => {
        const rng = rngOf(seed).stream("course");
        const hpaSpec = anySpec(rng);
        const metrics = hpaSpec.metrics.map((metric) =>
          "metric" in metric && metric.target.type === "AverageValue"
            ? { ...metric, target: { ...metric.target, milli: metric.target.milli * scale } }
            : metric,
        );
        return wishes(course({ ...hpaSpec, metrics }, rng, 40, 0, scale));
      };
      expect(run(1000)).toEqual(run(1));
    }));

  it("decides the same whatever the order of the pods", () =>
    forAllSeeds(200, (rng) => {
      const phases = ["Running", "Running", "Running", "Pending", "Failed"] as const;
      const pods = Array.from({ length: 1 + rng.below(12) }, (_, index) =>
        podView(`pod-${index}`, { phase: pick(rng, phases), deleting: rng.below(8) === 0, ready: rng.below(3) > 0 }),
      );
      const metrics = metricsApi({ perPod: pods.slice(rng.below(3)).map(() => rng.below(40)) });
      const replicas = pods.length;
      const decide = (ordered: typeof pods) =>
        new HorizontalPodAutoscaler(spec()).sync(at(0), scaleView(replicas, { pods: ordered }), metrics);
      expect(decide([...pods].reverse())).toEqual(decide(pods));
    }));
});

describe("a scale-up policy of pods per period", () => {
  it("is never exceeded within any period", () =>
    forAllSeeds(60, (rng) => {
      const [value, periodSeconds] = [1 + rng.below(4), 15 * (1 + rng.below(8))];
      const behavior = withBehaviorDefaults({
        scaleUp: { policies: [{ type: "Pods", value, periodSeconds }] },
        scaleDown: { selectPolicy: "Disabled" },
      });
      const steps = course(spec({ behavior, maxReplicas: 60, metrics: [waiting(1)] }), rng, 80);
      const added = steps.map(({ before, decision }) => decision.desiredReplicas - before);
      const length = periodSeconds / 15;
      for (let from = 0; from < added.length; from += 1) {
        const sum = added.slice(from, from + length).reduce((total, change) => total + change, 0);
        expect(sum).toBeLessThanOrEqual(value);
      }
    }));
});

describe("stabilisation", () => {
  const anyHistory = (rng: Rng): Recommendation[] =>
    Array.from({ length: rng.below(20) }, () => ({ replicas: rng.below(30), at: at(rng.below(1000)) }));
  const now = at(1000);

  it("without behavior never lowers a wish, nor raises it above what was wished before", () =>
    forAllSeeds(300, (rng) => {
      const history = anyHistory(rng);
      const wished = Math.max(...history.map(({ replicas }) => replicas), 0);
      const desired = rng.below(30);
      const stable = stabilizeDown(history, desired, seconds(rng.below(600)), now);
      expect(stable).toBeGreaterThanOrEqual(desired);
      expect(stable).toBeLessThanOrEqual(Math.max(desired, wished));
    }));

  it("with behavior stays between what there is and what is wished", () =>
    forAllSeeds(300, (rng) => {
      const [current, desired] = [rng.below(30), rng.below(30)];
      const windows = { up: seconds(rng.below(600)), down: seconds(rng.below(600)) };
      const stable = stabilizeBothWays(anyHistory(rng), current, desired, windows, now);
      expect(stable).toBeGreaterThanOrEqual(Math.min(current, desired));
      expect(stable).toBeLessThanOrEqual(Math.max(current, desired));
    }));

  it("remembers no more than its window holds", () => {
    const history: Recommendation[] = [];
    for (let sync = 0; sync < 1000; sync += 1) stabilizeDown(history, 1, seconds(300), at(15 * sync));
    expect(history).toHaveLength(21);
  });
});

describe("an average over pods that all report and are ready", () => {
  it("never asks for fewer replicas when one pod's value grows", () =>
    forAllSeeds(300, (rng) => {
      const pods = Array.from({ length: 1 + rng.below(20) }, (_, index) => podView(`pod-${index}`));
      const values = pods.map(() => rng.below(40_000));
      const grown = values.map((value, index) => (index === 0 ? value + rng.below(20_000) : value));
      const ask = (milli: readonly number[]) => {
        const outcome = averageReplicas(
          {
            currentReplicas: pods.length,
            pods,
            tolerance: { up: 0.1, down: 0.1 },
            readiness: { cpuInitialization: micros(0), initialReadinessDelay: micros(0) },
            now: 0 as SimTime,
          },
          {
            resource: "",
            samples: new Map(
              milli.map((value, index) => [
                `pod-${index}`,
                { valueMilli: BigInt(value), at: at(0), windowSeconds: 60 },
              ]),
            ),
            targetMilli: 10_000n,
            what: "unable to get metric",
          },
        );
        return outcome.ok ? outcome.value.replicas : Number.NaN;
      };
      expect(ask(grown)).toBeGreaterThanOrEqual(ask(values));
    }));
});
