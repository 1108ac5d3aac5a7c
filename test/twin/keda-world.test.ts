import { describe, expect, it } from "vitest";
import { hpaOf, triggersOf } from "../../src/controlplane/keda/hpa-of.ts";
import type { ScaledObjectSpec, TriggerSpec } from "../../src/controlplane/keda/spec.ts";
import { KEDA_DEFAULTS } from "../../src/controlplane/keda/spec.ts";
import type { Fact } from "../../src/model/fact.ts";
import { familiesOf } from "../../src/report/metrics/index.ts";
import type { AutoscalerScenario, Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { KEDA_FAMILIES, kedaFamilies, pageOf } from "../exporter/keda-page.ts";
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

const ran = (autoscaler: AutoscalerScenario, over: Partial<Scenario> = {}) => {
  const facts: Fact[] = [];
  const workloads = [workload({ replicas: 1 })];
  const said = scenario({ workloads, autoscalers: [autoscaler], horizonMicros: 600e6, ...over });
  const world = new World(said, (fact) => facts.push(fact));
  while (world.next !== undefined) world.step();
  return { world, facts };
};
const run = (autoscaler: AutoscalerScenario): readonly Fact[] => ran(autoscaler).facts;

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

  it("shows the page of KEDA's operator, with the families of its source", async () => {
    const nothing: TriggerSpec = {
      ...running,
      metadata: { ...running.metadata, query: "sum(vllm:num_requests_waiting) > 1e9" },
    };
    const { world } = ran(scaledBy({ triggers: [running, nothing], minReplicaCount: 1 }));
    const families = familiesOf(world.view());
    expect(kedaFamilies(await pageOf(families))).toEqual(KEDA_FAMILIES);
    const of = (name: string) => families.find((family) => family.name === name)?.samples ?? [];
    const labels = { namespace: "inference", scaledObject: "llama", type: "scaledobject" };
    expect(of("keda_scaler_metrics_value")[0]?.labels).toEqual({
      ...labels,
      scaler: "prometheusScaler",
      triggerIndex: "0",
      metric: "s0-prometheus",
    });
    expect(of("keda_trigger_registered_total")).toEqual([{ labels: { type: "prometheus" }, value: 2 }]);
    expect(of("keda_scaler_empty_upstream_responses")[0]?.value).toBeGreaterThan(10);
    expect(of("keda_scaled_object_errors").map(({ value }) => value)).toEqual([0]);
  });

  it("scrapes that page where a query asks for it, its namespace as Prometheus renames it", () => {
    const query = 'max(keda_scaler_active{exported_namespace="inference",job="keda-operator"})';
    const asking: TriggerSpec = { ...running, metadata: { ...running.metadata, query, threshold: "1" } };
    const { world } = ran(scaledBy({ triggers: [given, asking], minReplicaCount: 1 }), { horizonMicros: 100e6 });
    const values = familiesOf(world.view()).find(({ name }) => name === "keda_scaler_metrics_value")?.samples;
    expect(values?.map(({ value }) => value)).toEqual([30, 1]);
  });

  it("says how many elements a query had where it had not one", () => {
    const asking = (query: string) =>
      scaledBy({ triggers: [{ ...running, metadata: { ...running.metadata, query } }] });
    const elements = (query: string, replicas: number): ReadonlySet<number | undefined> => {
      const { facts } = ran(asking(query), { workloads: [workload({ replicas })] });
      const metrics = facts.flatMap((fact) => (fact.kind === "synced" ? fact.sync.metrics : []));
      // Before the first scrapes there is nothing.
      return new Set(metrics.slice(-3).map((one) => one.elements));
    };
    // Each replica has a series of its own, and KEDA takes none of several.
    expect([...elements("vllm:num_requests_running", 2)]).toEqual([2]);
    expect([...elements("sum(vllm:num_requests_running)", 2)]).toEqual([undefined]);
    expect([...elements("vllm:no_such_series", 2)]).toEqual([0]);
  });

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
