import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { MetricFamily } from "../../src/model/metric-family.ts";
import { metricsDocs } from "../../src/report/metrics/docs.ts";
import {
  autoscalerMetrics,
  familiesOf,
  nodeMetrics,
  pageOf,
  podMetrics,
  replicaMetrics,
  seriesNamesOf,
  workloadMetrics,
} from "../../src/report/metrics/index.ts";
import { NOT_SIMULATED, type NotSimulated } from "../../src/report/not-simulated.ts";
import { autoscaler, engineState, node, pendingPod, replica, view, workload } from "./views.ts";

const shared = new URL("../../../shared/expositions/", import.meta.url);
const VLLM = new URL("vllm/vllm_v0.26.0_families.txt", shared);
const KSM = new URL("kubernetes/ksm_k8s_1_35.txt.gz", shared);

const notSimulated = (source: NotSimulated["source"]): string[] =>
  NOT_SIMULATED.filter((one) => one.source === source).flatMap(({ names }) => names);

const family = (name: string, families = familiesOf(view(0))): MetricFamily => {
  const found = families.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no family ${name}`);
  return found;
};

describe("metric rows", () => {
  it("have names of their own", () => {
    const names = [...replicaMetrics, ...workloadMetrics, ...autoscalerMetrics].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.skipIf(!existsSync(VLLM))("are named and typed as vLLM 0.26 has them (needs ../shared/expositions)", () => {
    const recorded = new Map(
      readFileSync(VLLM, "utf8")
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith("#"))
        .map((line) => line.split(" ") as [string, string]),
    );
    // Since v0.29, with speculative decoding only, and with an offloading connector only.
    const elsewhere = /^vllm:(admission_rejections|spec_decode_|kv_offload_)/;
    for (const { name, type } of replicaMetrics.filter((row) => !elsewhere.test(row.name)))
      expect([name, recorded.get(type === "counter" ? `${name}_total` : name)]).toEqual([name, type]);
    const missing = [...recorded.keys()].filter(
      (name) => !replicaMetrics.some((row) => name === row.name || name === `${row.name}_total`),
    );
    expect(missing.sort()).toEqual(notSimulated("vLLM").sort());
  });

  it.skipIf(!existsSync(KSM))("say what kube-state-metrics says (needs ../shared/expositions)", () => {
    const recorded = gunzipSync(readFileSync(KSM)).toString().split("\n");
    const families = familiesOf({ ...view(0), nodes: [node], pods: [pendingPod] });
    for (const family of families.filter(({ name }) => name.startsWith("kube_"))) {
      const name = family.type === "counter" ? `${family.name}_total` : family.name;
      expect(recorded).toContain(`# HELP ${name} ${family.help}`);
      expect(recorded).toContain(`# TYPE ${name} ${family.type}`);
      const line = recorded.find((text) => text.startsWith(`${name}{`));
      if (line === undefined) continue;
      const labels = [...line.matchAll(/(\w+)="/g)].map(([, label]) => label);
      expect(Object.keys(family.samples[0]?.labels ?? {})).toEqual(labels);
    }
    const exposed = [...podMetrics, ...nodeMetrics, ...workloadMetrics, ...autoscalerMetrics].map((row) =>
      row.type === "counter" ? `${row.name}_total` : row.name,
    );
    const missing = recorded
      .flatMap(
        (line) =>
          /^# TYPE (kube_(?:deployment|statefulset|horizontalpodautoscaler|node|pod)_\S+)/.exec(line)?.[1] ?? [],
      )
      .filter((name) => !exposed.includes(name));
    expect(missing.sort()).toEqual(notSimulated("kube-state-metrics").sort());
  });

  it("tell an engine's state", () => {
    const state = engineState({
      running: 3,
      waiting: 4,
      kvUsage: 0.25,
      counters: {
        promptTokens: 100,
        promptTokensCached: 40,
        success: { stop: 1, length: 2, abort: 3, error: 0, repetition: 0 },
      },
    });
    state.histograms.timeToFirstToken.observe(0.05);
    const families = familiesOf(view(0, [replica(state)]));
    const labels = { namespace: "inference", pod: "chat-0", container: "vllm", model_name: "llama", engine: "0" };
    expect(family("vllm:num_requests_running", families).samples).toEqual([{ labels, value: 3 }]);
    expect(family("vllm:num_requests_waiting_by_reason", families).samples.map(({ value }) => value)).toEqual([4, 0]);
    expect(
      family("vllm:prompt_tokens_by_source", families).samples.map(({ labels: { source }, value }) => [source, value]),
    ).toEqual([
      ["local_compute", 60],
      ["local_cache_hit", 40],
      ["external_kv_transfer", 0],
    ]);
    expect(family("vllm:request_success", families).samples[2]).toEqual({
      labels: { ...labels, finished_reason: "abort" },
      value: 3,
    });
    expect(family("vllm:time_to_first_token_seconds", families).samples[0]?.value).toEqual({
      bounds: [0.01, 0.1, 1],
      counts: [0, 1, 0, 0],
      sum: 0.05,
    });
    expect(family("vllm:cache_config_info", families).samples[0]?.labels).toMatchObject({
      enable_prefix_caching: "True",
      gpu_memory_utilization: "0.9",
      num_gpu_blocks: "1000",
    });
  });

  it("copy histograms, so that what was told stays as it was", () => {
    const state = engineState();
    const told = familiesOf(view(0, [replica(state)]));
    state.histograms.e2eLatency.observe(0.5);
    expect(family("vllm:e2e_request_latency_seconds", told).samples[0]?.value).toMatchObject({ counts: [0, 0, 0, 0] });
  });

  it("tell an autoscaler's state", () => {
    expect(family("kube_horizontalpodautoscaler_status_target_metric").samples).toEqual([
      {
        labels: {
          namespace: "inference",
          horizontalpodautoscaler: "chat",
          metric_name: "vllm:num_requests_waiting",
          metric_target_type: "average",
          container: "",
        },
        value: 7.5,
      },
    ]);
    expect(family("kube_horizontalpodautoscaler_spec_target_metric").samples).toHaveLength(2);
    const conditions = family("kube_horizontalpodautoscaler_status_condition").samples;
    expect(
      conditions.map(({ labels: { condition, status }, value }) => `${condition} ${status} ${String(value)}`),
    ).toEqual([
      "AbleToScale true 1",
      "AbleToScale false 0",
      "AbleToScale unknown 0",
      "ScalingLimited true 0",
      "ScalingLimited false 0",
      "ScalingLimited unknown 1",
    ]);
    expect(family("kube_horizontalpodautoscaler_status_desired_replicas").samples[0]?.value).toBe(
      autoscaler.desiredReplicas,
    );
  });

  it("count unavailable replicas as the deployment controller does", () => {
    const unavailable = (spec: number, available: number) =>
      family(
        "kube_deployment_status_replicas_unavailable",
        familiesOf(view(0, [], [workload(spec, { availableReplicas: available })])),
      ).samples[0]?.value;
    expect([unavailable(5, 2), unavailable(2, 5)]).toEqual([3, 0]);
  });

  it("tell StatefulSets, and the leaders of LeaderWorkerSets as such, in their own series", () => {
    const of = (kind: string) =>
      familiesOf(view(0, [], [workload(3, { kind, statusReplicas: 4, readyReplicas: 2, availableReplicas: 1 })]))
        .filter(({ name }) => name.startsWith("kube_") && !name.startsWith("kube_horizontal"))
        .map(({ name, samples: [sample] }) => `${name} ${sample?.labels.statefulset} ${String(sample?.value)}`);
    const told = [
      "kube_statefulset_status_replicas chat 4",
      "kube_statefulset_status_replicas_available chat 1",
      "kube_statefulset_status_replicas_current chat 3",
      "kube_statefulset_status_replicas_ready chat 2",
      "kube_statefulset_status_replicas_updated chat 3",
      "kube_statefulset_replicas chat 3",
    ];
    expect(of("StatefulSet")).toEqual(told);
    expect(of("LeaderWorkerSet")).toEqual(told);
  });

  it("leave out what has no samples, and date counters only where the wall clock is known", () => {
    expect(familiesOf(view(0, [], [workload(1, { kind: "Rollout" })])).map(({ name }) => name)).toEqual(
      autoscalerMetrics.map(({ name }) => name),
    );
    const dated = familiesOf(view(0, [replica(undefined, { since: view(5).now })]), 1_000_000);
    expect(family("vllm:num_preemptions", dated).samples[0]?.createdSeconds).toBe(1_000_005);
    expect(family("vllm:num_requests_running", dated).samples[0]?.createdSeconds).toBeUndefined();
    expect(family("vllm:num_preemptions").samples[0]?.createdSeconds).toBeUndefined();
  });
});

describe("pageOf", () => {
  it("shows a replica without the labels that a scrape adds", () => {
    const [family] = pageOf(replicaMetrics, replica(engineState({ waiting: 4 }))).filter(
      ({ name }) => name === "vllm:num_requests_waiting",
    );
    expect(family?.samples).toEqual([{ labels: { model_name: expect.any(String), engine: "0" }, value: 4 }]);
  });

  it.each([
    { type: "gauge", names: ["x"] },
    { type: "counter", names: ["x_total"] },
    { type: "histogram", names: ["x_bucket", "x_sum", "x_count"] },
  ] as const)("exposes a $type as $names", ({ type, names }) =>
    expect(seriesNamesOf({ name: "x", type })).toEqual(names),
  );
});

describe("metricsDocs", () => {
  it("has a line for every row, and those it is given", () => {
    const text = metricsDocs([{ name: "servetwin_build_info", type: "gauge", help: "a | b", labels: ["version"] }], []);
    for (const { name } of [...replicaMetrics, ...workloadMetrics, ...autoscalerMetrics])
      expect(text).toMatch(new RegExp(`\\| \`${name}(_total)?\``));
    expect(text).toContain("| `servetwin_build_info` | gauge | `version` | a \\| b |");
    expect(text).toContain(
      "| `vllm:request_success_total` | counter | `namespace`, `pod`, `container`, `model_name`, `engine`, `finished_reason` |",
    );
  });
});
