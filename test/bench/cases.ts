import type { HpaMetric } from "../../src/controlplane/hpa/spec.ts";
import { adapterConfig } from "../../src/controlplane/prometheus-adapter/index.ts";
import { frontGateSchema } from "../../src/dataplane/front-gate/index.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import type { AutoscalerScenario, GatewayScenario, Scenario } from "../../src/twin/scenario.ts";
import { benchScenario } from "./scenario.ts";

/**
 * The named cases of `npm run bench`: Qwen3-14B on H100 at TP 1, BLIS's chatbot lengths, the latency model `physical`, from
 * one replica to an autoscaled day. Others are written as numbers: `8x200k` is 8 replicas and 200 000 requests at 5/s each,
 * `least-queue`, trained-physics.
 */
export const NAMED_CASES: readonly string[] = ["a", "b", "c", "d", "e", "f", "g-queue", "g-storm"];

/** @throws if there is no such case */
export const caseNamed = (name: string): Scenario => {
  switch (name) {
    case "a":
      return chat(1, 5, 1000);
    case "b":
      return { ...chat(4, 40, 10_000), gateway: picker(WEIGHTED) };
    case "c":
      return { ...chat(8, 100, 50_000), gateway: picker(WEIGHTED) };
    case "d":
      return withGroups({ ...chat(64, 800, 100_000), gateway: picker([...WEIGHTED, ["prefix-cache-scorer", 3]]) }, 128);
    case "e":
      return { ...chat(8, 100, 1_000_000), gateway: picker(WEIGHTED) };
    case "f":
      return autoscaledDay();
    // Far above what one replica can do: nearly all of them wait.
    case "g-queue":
      return chat(1, 200, 10_000);
    // Room for a dozen requests at a time.
    case "g-storm":
      return withBlocks(chat(1, 40, 10_000), 300);
    default:
      return numbered(name);
  }
};

const numbered = (name: string): Scenario => {
  const [, replicas, thousands] = /^(\d+)x(\d+)k$/.exec(name) ?? [];
  if (replicas === undefined || thousands === undefined)
    throw new Error(`no case ${name}; there are ${NAMED_CASES.join(", ")}, and such as 8x200k`);
  return benchScenario(Number(replicas), Number(thousands) * 1000);
};

const chat = (replicas: number, rate: number, requests: number): Scenario => {
  const base = benchScenario(replicas, requests, rate);
  const latency = latencyModels.schema.parse({ name: "physical" });
  return { ...base, workloads: base.workloads.map((workload) => ({ ...workload, latency })) };
};

/** Queue and KV usage as llm-d's endpoint picker weighs them by default, on scrapes every 50 ms. */
const WEIGHTED: readonly (readonly [string, number])[] = [
  ["queue-scorer", 2],
  ["kv-cache-utilization-scorer", 2],
];

const picker = (weights: typeof WEIGHTED): GatewayScenario => ({
  kind: "epp",
  namespace: "bench",
  pool: "qwen",
  scheduling: schedulingSaid.parse({
    scorers: weights.map(([type]) => ({ name: type, plugin: { type } })),
    profiles: [{ name: "default", scorers: weights.map(([ref, weight]) => ({ ref, weight })) }],
  }),
  gate: frontGateSchema.parse({}),
  scrapeIntervalMicros: 50_000,
  stalenessMicros: 2_000_000,
  kvTransfer: { gigabytesPerSecond: 25, latencyMicros: 50, contention: true, failureRatio: 0 },
});

/** Each prompt begins with the 512 tokens of one of `groups` groups. */
const withGroups = (scenario: Scenario, groups: number): Scenario => {
  if (scenario.traffic.kind !== "synthetic") throw new Error("the bench's traffic is synthetic");
  const { synthetic } = scenario.traffic;
  const clients = synthetic.clients.map((client) => ({ ...client, prefix: { tokens: 512, groups } }));
  return { ...scenario, traffic: { kind: "synthetic", synthetic: { ...synthetic, clients } } };
};

const withBlocks = (scenario: Scenario, numGpuBlocks: number): Scenario => ({
  ...scenario,
  workloads: scenario.workloads.map((workload) => ({
    ...workload,
    engine: { ...workload.engine, numGpuBlocks, maxModelLen: 2048 },
  })),
});

const external = (metric: string, target: "AverageValue" | "Value", milli: number): HpaMetric => ({
  type: "External",
  metric,
  selector: {},
  target: { type: target, milli },
});

/** An external metric of prometheus-adapter that one PromQL query answers. */
const rule = (as: string, series: string, metricsQuery: string) => ({
  seriesQuery: `{__name__="${series}"}`,
  name: { matches: ".*", as },
  resources: { namespaced: false },
  metricsQuery,
});

/** A gauge, a rate and a quantile of a histogram. */
const QUERIES = [
  rule("running", "vllm:num_requests_running", "sum(vllm:num_requests_running)"),
  rule("completions_per_second", "vllm:request_success_total", "sum(rate(vllm:request_success_total[2m]))"),
  rule(
    "ttft_p90_seconds",
    "vllm:time_to_first_token_seconds_bucket",
    "histogram_quantile(0.9, sum by (le) (rate(vllm:time_to_first_token_seconds_bucket[2m])))",
  ),
];

/** 4 to 40 replicas, 3.5 million requests over a day with its peak in the afternoon, three PromQL metrics through an adapter. */
const autoscaledDay = (): Scenario => {
  const base = { ...chat(4, 40, 40 * 86_400), gateway: picker(WEIGHTED) };
  if (base.traffic.kind !== "synthetic") throw new Error("the bench's traffic is synthetic");
  const hpa: AutoscalerScenario = {
    namespace: "bench",
    name: "qwen",
    workload: "qwen",
    spec: {
      minReplicas: 4,
      maxReplicas: 40,
      metrics: [
        external("running", "AverageValue", 16_000),
        external("completions_per_second", "AverageValue", 4000),
        external("ttft_p90_seconds", "Value", 2000),
      ],
      featureGates: { scaleToZero: false, configurableTolerance: true },
      kubernetesMinor: 36,
    },
    syncPeriodMicros: 15_000_000,
    downscaleStabilizationSeconds: 300,
    tolerance: 0.1,
    driver: "Simulated",
  };
  const synthetic = {
    ...base.traffic.synthetic,
    pattern: [{ shape: "diurnal" as const, peakHour: 14, peakToTrough: 4, startHour: 0 }],
  };
  const config = adapterConfig.parse({ externalRules: QUERIES });
  const adapter = { config, relistIntervalMicros: 600e6, maxAgeMicros: 600e6 };
  return {
    ...base,
    metrics: { ...base.metrics, adapter },
    autoscalers: [hpa],
    traffic: { kind: "synthetic", synthetic },
  };
};
