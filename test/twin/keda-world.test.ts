import { describe, expect, it } from "vitest";
import { hpaOf, triggersOf } from "../../src/controlplane/keda/hpa-of.ts";
import type { ScaledObjectSpec, TriggerSpec } from "../../src/controlplane/keda/spec.ts";
import { KEDA_DEFAULTS } from "../../src/controlplane/keda/spec.ts";
import type { Fact } from "../../src/model/fact.ts";
import type { AutoscalerScenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { scenario, waitingHpa, workload } from "./scenario-fixture.ts";

const given: TriggerSpec = {
  type: "kafka",
  useCachedMetrics: false,
  metadata: {},
  given: {
    series: [
      { afterMicros: 0, value: 30 },
      { afterMicros: 120e6, value: 0 },
      { afterMicros: 480e6, value: 5 },
    ],
    target: 10,
  },
};
const running: TriggerSpec = {
  type: "prometheus",
  useCachedMetrics: false,
  metadata: { serverAddress: "http://prometheus", query: "sum(vllm:num_requests_running)", threshold: "8" },
};

const scaledBy = (change: Partial<ScaledObjectSpec>, over: Partial<AutoscalerScenario> = {}): AutoscalerScenario => {
  const keda: ScaledObjectSpec = {
    namespace: "inference",
    name: "llama",
    targetKind: "apps/v1.Deployment",
    workload: "llama",
    hpaName: "keda-hpa-llama",
    ...KEDA_DEFAULTS,
    maxReplicaCount: 6,
    cooldownPeriodSeconds: 60,
    triggers: [given],
    annotations: { paused: false, pausedScaleIn: false, pausedScaleOut: false, forceActivation: false },
    activeBefore: false,
    ...change,
  };
  const triggers = triggersOf(keda);
  if (!triggers.ok) throw new Error("triggers of the test");
  return { ...waitingHpa(1), name: keda.hpaName, spec: hpaOf(keda, triggers.value, 36), keda, ...over };
};

const run = (autoscaler: AutoscalerScenario): readonly Fact[] => {
  const facts: Fact[] = [];
  const said = scenario({ workloads: [workload({ replicas: 1 })], autoscalers: [autoscaler], horizonMicros: 600e6 });
  const world = new World(said, (fact) => facts.push(fact));
  while (world.next !== undefined) world.step();
  return facts;
};

const scales = (facts: readonly Fact[]) =>
  facts.flatMap((fact) => (fact.kind === "scaled" ? [[fact.by, fact.from, fact.to] as const] : []));

const HPA = "HorizontalPodAutoscaler/inference/keda-hpa-llama";
const LOOP = "ScaledObject/inference/llama";

describe("a world with a ScaledObject", () => {
  it("is scaled by KEDA's HPA between one and many, and by its loop to zero and back", () =>
    expect(scales(run(scaledBy({})))).toEqual([
      [HPA, 1, 3],
      [LOOP, 3, 0],
      [LOOP, 0, 1],
    ]));

  it("is left alone while paused, but for the count that the pause names", () => {
    const paused = { paused: true, pausedScaleIn: false, pausedScaleOut: false, forceActivation: false };
    expect(scales(run(scaledBy({ annotations: { ...paused, pausedReplicas: 2 } })))).toEqual([[LOOP, 1, 2]]);
    expect(scales(run(scaledBy({ annotations: paused })))).toEqual([]);
  });

  it("is nobody's of ours where something outside drives it", () =>
    expect(scales(run(scaledBy({}, { driver: "External" })))).toEqual([]));

  it("asks what was scraped, and is told the truth beside it", () => {
    const facts = run(scaledBy({ triggers: [running], minReplicaCount: 1 }));
    const metrics = facts.flatMap((fact) => (fact.kind === "synced" ? fact.sync.metrics : []));
    const seen = metrics.filter((metric) => metric.seen !== undefined);
    expect(seen.length).toBeGreaterThan(10);
    expect(Math.max(...seen.map((metric) => metric.seen ?? 0))).toBeGreaterThan(1);
    // What is true goes up and down with what is seen, a scrape earlier: never far away, nor always 0.
    expect(Math.max(...seen.map(({ truth }) => truth ?? 0))).toBeGreaterThan(1);
    expect(seen.filter(({ truth }) => truth !== undefined && truth > 0).length).toBeGreaterThan(seen.length / 2);
    expect(scales(facts).every(([by]) => by === HPA)).toBe(true);
    expect(run(scaledBy({ triggers: [running], minReplicaCount: 1 }))).toEqual(facts);
  });
});
