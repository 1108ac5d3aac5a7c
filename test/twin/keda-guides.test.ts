import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dump, loadAll } from "js-yaml";
import { describe, expect, it } from "vitest";
import { prepare } from "../../src/cli/prepare.ts";
import type { Fact, SyncMetric } from "../../src/model/fact.ts";
import { describeProblem } from "../../src/model/problem.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { manifestStore } from "../../src/store/manifests.ts";
import { World } from "../../src/twin/world.ts";
import type { Json } from "./quickstart.ts";

/*
 * ScaledObjects of the structure that llm-d's guides have (guides/workload-autoscaling of llm-d/llm-d), each from its manifests
 * to replicas that move: every query finds data under the labels that it asks for.
 */
const examples = new URL("../../deploy/examples/", import.meta.url);
const objectsIn = (folder: string): Json[] => {
  const path = fileURLToPath(new URL(`${folder}/`, examples));
  return readdirSync(path).flatMap((file) => loadAll(readFileSync(path + file, "utf8")) as Json[]);
};

const the = (objects: readonly Json[], kind: string, name?: string): Json =>
  objects.find((one) => one.kind === kind && (name === undefined || one.metadata.name === name));

interface Run {
  readonly warnings: readonly string[];
  readonly peak: Readonly<Record<string, number>>;
  /** What each metric of an HPA came to, by autoscaler and name. */
  readonly metrics: Readonly<Record<string, readonly SyncMetric[]>>;
  readonly errors: readonly string[];
}

/** Runs a simulation for some minutes; pods start within half a minute. */
const run = async (objects: readonly Json[], simulation: string, minutes = 6): Promise<Run> => {
  const one = the(objects, "InferenceSimulation", simulation);
  one.spec.run = { horizon: `${minutes}m` };
  const quick = { mean: "8s" };
  one.spec.overrides = { ...one.spec.overrides, start: { modelLoad: quick, engineInit: quick } };
  const text = objects.map((object) => dump(object)).join("---\n");
  const store = manifestStore([{ file: "all.yaml", text }]);
  const stored = store.list("InferenceSimulation").find(({ object }) => object.metadata.name === simulation);
  if (stored === undefined) throw new Error(`there is no ${simulation}`);
  const { scenario, warnings } = await prepare(store, stored, DEFAULT_LIMITS, []);
  const peak: Record<string, number> = {};
  const metrics: Record<string, SyncMetric[]> = {};
  const errors: string[] = [];
  const hear = (fact: Fact): void => {
    if (fact.kind === "scaled") peak[fact.workload] = Math.max(peak[fact.workload] ?? 0, fact.to);
    if (fact.kind !== "synced") return;
    if (fact.sync.error !== undefined) errors.push(fact.sync.error);
    for (const metric of fact.sync.metrics) {
      const name = `${fact.autoscaler.replace(/^.*keda-hpa-/, "")} ${metric.name}`;
      metrics[name] = [...(metrics[name] ?? []), metric];
    }
  };
  const world = new World(scenario, hear);
  while (world.next !== undefined) world.step();
  return { warnings: warnings.map(describeProblem), peak, metrics, errors };
};

const mostSeen = (metrics: readonly SyncMetric[] | undefined): number =>
  Math.max(...(metrics ?? []).map(({ seen }) => seen ?? Number.NEGATIVE_INFINITY));

describe("a ScaledObject of llm-d's guides", () => {
  it.each([
    {
      simulation: "token-aware",
      sees: { "qwen3-32b-token-aware s0-prometheus": 3, "qwen3-32b-token-aware s1-prometheus": 0.3 },
    },
    { simulation: "queue-guard", sees: { "queue-guard composite-metric": 2 } },
    { simulation: "saturation", sees: { "saturation s0-prometheus": 0.7, "saturation s1-prometheus": 16 } },
  ])("$simulation finds its data through the monitors, and scales", async ({ simulation, sees }) => {
    const { warnings, errors, metrics, peak } = await run(objectsIn("keda"), simulation);
    expect(warnings).toEqual([]);
    expect(errors).toEqual([]);
    expect(Object.keys(metrics).sort()).toEqual(Object.keys(sees).sort());
    for (const [name, least] of Object.entries(sees))
      expect([name, mostSeen(metrics[name])]).toEqual([name, expect.toSatisfy((most) => most > least)]);
    expect(peak["qwen3-32b"]).toBeGreaterThan(1);
  });

  it("finds the same without monitors, by the labels that are usual", async () => {
    const objects = objectsIn("keda").filter(({ kind }) => !String(kind).endsWith("Monitor"));
    const { warnings, errors, metrics, peak } = await run(objects, "queue-guard");
    expect([warnings, errors]).toEqual([[], []]);
    expect(mostSeen(metrics["queue-guard composite-metric"])).toBeGreaterThan(2);
    expect(peak["qwen3-32b"]).toBe(4);
  });

  it("may ask a querier that wants a token, whose authentication stands beside it", async () => {
    const objects = objectsIn("keda");
    for (const trigger of the(objects, "ScaledObject", "qwen3-32b-queue-guard").spec.triggers) {
      trigger.metadata.serverAddress = "https://querier.monitoring.svc:9091";
      trigger.metadata.authModes = "bearer";
      trigger.authenticationRef = { name: "querier" };
    }
    objects.push({
      apiVersion: "keda.sh/v1alpha1",
      kind: "TriggerAuthentication",
      metadata: { name: "querier", namespace: "llm-d" },
      spec: { secretTargetRef: [{ parameter: "bearerToken", name: "querier", key: "token" }] },
    });
    const { warnings, errors, peak } = await run(objects, "queue-guard", 3);
    expect([warnings, errors]).toEqual([[], []]);
    expect(peak["qwen3-32b"]).toBe(4);
  });

  it("may race the queue against what runs", async () => {
    const objects = objectsIn("keda");
    const guard = the(objects, "ScaledObject", "qwen3-32b-queue-guard").spec;
    delete guard.advanced.scalingModifiers;
    delete guard.fallback;
    guard.triggers.length = 2;
    const { errors, metrics, peak } = await run(objects, "queue-guard");
    expect(errors).toEqual([]);
    expect(mostSeen(metrics["queue-guard s0-prometheus"])).toBeGreaterThan(1);
    expect(mostSeen(metrics["queue-guard s1-prometheus"])).toBeGreaterThan(5);
    expect(peak["qwen3-32b"]).toBe(4);
  });

  it("may go by what a rule records of latencies, and hold within a band of its formula", async () => {
    const objects = objectsIn("keda");
    const guard = the(objects, "ScaledObject", "qwen3-32b-queue-guard").spec;
    const of = (name: string, query: string): Json => ({
      type: "prometheus",
      name,
      metadata: { serverAddress: "http://prometheus.monitoring.svc:9090", query, threshold: "1" },
    });
    const counted = (what: string) => `kube_deployment_${what}{namespace="llm-d",deployment="qwen3-32b"}`;
    guard.triggers = [
      of("late", "sum(llmd:late:smooth) or vector(0)"),
      of("there", counted("spec_replicas")),
      of("ready", counted("status_replicas_ready")),
    ];
    guard.advanced.scalingModifiers.formula =
      "let share = ready > 0 && ready < there ? ready / there : 1; late > 0.6 ? there + ceil(there * (late * share / 0.6 - 1)) : late < 0.4 ? there - floor(there * (1 - late / 0.4)) : there";
    objects.push({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PrometheusRule",
      metadata: { name: "late", namespace: "llm-d" },
      spec: { groups: [{ name: "late", interval: "15s", rules: LATE }] },
    });
    const { warnings, errors, metrics, peak } = await run(objects, "queue-guard");
    expect([warnings, errors]).toEqual([[], []]);
    expect(mostSeen(metrics["queue-guard composite-metric"])).toBeGreaterThan(1);
    expect(peak["qwen3-32b"]).toBe(4);
  });

  it("may stand for each role where prompts and tokens are apart, told by names of pods", async () => {
    const objects = objectsIn("disaggregation");
    for (const one of objects) if (one.kind === "Deployment") one.spec.replicas = 1;
    const { spec } = the(objects, "InferenceSimulation");
    spec.overrides.gateway.endpointPickerConfig.plugins.push({ type: "inflight-load-producer" });
    spec.workload.synthetic.clients[0].rate = 12;
    objects.push(
      byRole(
        "prefill",
        `(
          sum(llm_d_epp_inflight_tokens{namespace="serving",
                                        producer_name="inflight-load-producer",
                                        endpoint_name=~".*prefill.*"}) / 30000
        ) or vector(0)`,
        "1.5",
      ),
      byRole("decode", `sum(vllm:kv_cache_usage_perc{namespace="serving", pod=~".*decode.*"}) or vector(0)`, "0.1"),
    );
    const { errors, metrics, peak } = await run(objects, "split", 3);
    expect(errors).toEqual([]);
    expect(mostSeen(metrics["prefill-token-aware s0-prometheus"])).toBeGreaterThan(1.5);
    expect(mostSeen(metrics["decode-token-aware s0-prometheus"])).toBeGreaterThan(0.1);
    expect(peak["llama-8b-prefill"]).toBeGreaterThan(1);
    expect(peak["llama-8b-decode"]).toBeGreaterThan(1);
  });
});

/** The slowest tenth of first tokens against three seconds, bounded and smoothed. */
const LATE = [
  {
    record: "llmd:late:raw",
    expr: `(histogram_quantile(0.9, sum by (le) (rate(llm_d_epp_request_ttft_seconds_bucket{namespace="llm-d"}[1m]))) / 3 >= 0) or vector(0)`,
  },
  { record: "llmd:late:smooth", expr: "avg_over_time(clamp_max(llmd:late:raw, 2)[45s:15s])" },
];

const byRole = (role: string, query: string, threshold: string): Json => ({
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: { name: `${role}-token-aware`, namespace: "serving", labels: { "llm-d.ai/role": role } },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: `llama-8b-${role}` },
    minReplicaCount: 1,
    maxReplicaCount: 10,
    pollingInterval: 15,
    triggers: [
      {
        type: "prometheus",
        name: `${role}-load`,
        metricType: "AverageValue",
        metadata: {
          serverAddress: "https://prometheus.monitoring.svc:9090",
          query,
          threshold,
          activationThreshold: "0",
          unsafeSsl: "false",
        },
        authenticationRef: { name: "prometheus" },
      },
    ],
  },
});
