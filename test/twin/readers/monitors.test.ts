import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { describeProblem, type Result } from "../../../src/model/problem.ts";
import { type FoundTarget, scrapedTarget, targetLabels } from "../../../src/promql/index.ts";
import type { Manifest } from "../../../src/twin/manifest.ts";
import type { MonitorReading } from "../../../src/twin/reader.ts";
import { podMonitor } from "../../../src/twin/readers/prometheus/pod-monitor.ts";
import { prometheusRule } from "../../../src/twin/readers/prometheus/prometheus-rule.ts";
import { serviceMonitor } from "../../../src/twin/readers/prometheus/service-monitor.ts";

const manifest = (kind: string, spec: string): Manifest => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind,
  metadata: { name: "vllm", namespace: "serving" },
  spec: load(spec),
});

const value = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value;
};
const told = <T>(result: Result<T>): readonly string[] =>
  (result.ok ? result.warnings : result.problems).map(describeProblem);

const endpointOf = (reading: MonitorReading) => {
  const [endpoint] = reading.endpoints;
  if (endpoint === undefined) throw new Error("no endpoint");
  return endpoint;
};

const POD: FoundTarget = {
  namespace: "serving",
  pod: "vllm-7d4-abc",
  podIp: "10.1.2.3",
  podLabels: { "llm-d.ai/inference-serving": "true", "app.kubernetes.io/name": "vllm", "llm-d.ai/role": "decode" },
  node: "gpu-1",
  container: "vllm",
  port: { name: "http", number: 8000 },
};
const SERVICE = { name: "vllm-metrics", labels: { app: "vllm", tier: "gold" }, portName: "web" };
const BEHIND: FoundTarget = { ...POD, service: SERVICE };

/** As llm-d's modelservice chart makes it. */
const LLM_D = `
selector: {matchLabels: {llm-d.ai/inference-serving: "true"}}
podMetricsEndpoints: [{port: http, path: /metrics, interval: 15s}]`;

describe("a PodMonitor", () => {
  const read = (spec: string) => podMonitor.read(manifest("PodMonitor", spec));

  it("is a job for each endpoint, with the operator's defaults", () => {
    const reading = value(read("selector: {}\npodMetricsEndpoints: [{port: http}, {port: metrics, interval: 5s}]"));
    expect(reading.endpoints.map(({ job: { selection: _, ...job } }) => job)).toEqual([
      {
        name: "podMonitor/serving/vllm/0",
        role: "pod",
        namespaces: ["serving"],
        intervalMs: 30_000,
        timeoutMs: 10_000,
        path: "/metrics",
        scheme: "http",
        honorLabels: false,
        honorTimestamps: true,
        relabelings: [],
        metricRelabelings: [],
      },
      expect.objectContaining({ name: "podMonitor/serving/vllm/1", intervalMs: 5000, timeoutMs: 5000 }),
    ]);
  });

  it("names its targets as prometheus-operator does", () => {
    const { job, interval } = endpointOf(value(read(LLM_D)));
    expect(interval).toEqual({
      value: 15,
      from: { kind: "field", object: "PodMonitor/serving/vllm", field: "spec.podMetricsEndpoints[0].interval" },
    });
    expect(targetLabels(job, POD)?.record()).toEqual({
      namespace: "serving",
      pod: "vllm-7d4-abc",
      container: "vllm",
      endpoint: "http",
      job: "serving/vllm",
      instance: "10.1.2.3:8000",
    });
  });

  it.each<[string, Partial<FoundTarget>]>([
    ["another port", { port: { name: "grpc", number: 8001 } }],
    ["no port", { port: undefined as never }],
    ["another label", { podLabels: { "llm-d.ai/inference-serving": "false" } }],
    ["no label", { podLabels: {} }],
    ["another namespace", { namespace: "default" }],
    ["a Service", { service: SERVICE }],
  ])("passes over a target with %s", (_name, change) => {
    expect(targetLabels(endpointOf(value(read(LLM_D))).job, { ...POD, ...change })).toBeUndefined();
  });

  it.each([
    ["jobLabel", "jobLabel: app.kubernetes.io/name", { job: "vllm" }],
    ["a jobLabel that the pod has not", "jobLabel: other", { job: "serving/vllm" }],
    ["podTargetLabels", "podTargetLabels: [llm-d.ai/role, none]", { llm_d_ai_role: "decode" }],
    ["any namespace", "namespaceSelector: {any: true}", {}],
    ["named namespaces", "namespaceSelector: {matchNames: [serving, other]}", {}],
  ])("reads %s", (_name, further, labels) => {
    const { job } = endpointOf(value(read(`${LLM_D}\n${further}`)));
    expect(targetLabels(job, POD)?.record()).toMatchObject({ container: "vllm", ...labels });
  });

  it.each([
    ["{operator: In, key: llm-d.ai/role, values: [prefill, decode]}", true],
    ["{operator: In, key: llm-d.ai/role, values: [prefill]}", false],
    ["{operator: NotIn, key: llm-d.ai/role, values: [prefill]}", true],
    ["{operator: NotIn, key: llm-d.ai/role, values: [decode]}", false],
    ["{operator: NotIn, key: absent, values: [decode]}", true],
    ["{operator: Exists, key: llm-d.ai/role}", true],
    ["{operator: Exists, key: absent}", false],
    ["{operator: DoesNotExist, key: absent}", true],
    ["{operator: DoesNotExist, key: llm-d.ai/role}", false],
  ])("selects by %s: %s", (expression, isSelected) => {
    const spec = `selector: {matchExpressions: [${expression}]}\npodMetricsEndpoints: [{port: http}]`;
    expect(targetLabels(endpointOf(value(read(spec))).job, POD) !== undefined).toBe(isSelected);
  });

  it.each([
    ["portNumber: 8000", true, undefined],
    ["portNumber: 8001", false, undefined],
    ["targetPort: http", true, "http"],
    ["targetPort: 8000", true, "8000"],
    ["path: /m", true, undefined],
  ])("chooses by %s: %s", (endpoint, isChosen, label) => {
    const { job } = endpointOf(value(read(`selector: {}\npodMetricsEndpoints: [{${endpoint}}]`)));
    expect(targetLabels(job, POD)?.record().endpoint).toBe(isChosen ? label : undefined);
    expect(targetLabels(job, POD) !== undefined).toBe(isChosen);
  });

  it("relabels last, and what it hides from samples goes", () => {
    const relabelings = `[
      {action: LabelMap, regex: __meta_kubernetes_pod_label_(llm_d_ai_role), replacement: $1},
      {sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: node},
      {targetLabel: __scrape_interval__, replacement: 20s},
      {targetLabel: __metrics_path__, replacement: /other},
      {sourceLabels: [pod], regex: vllm-(.*)-.*, targetLabel: pod}]`;
    const { job } = endpointOf(
      value(read(`selector: {}\npodMetricsEndpoints: [{port: http, relabelings: ${relabelings}}]`)),
    );
    const target = scrapedTarget(job, POD);
    expect(target).toMatchObject({ intervalMs: 20_000, timeoutMs: 10_000, path: "/other" });
    expect(target?.labels.record()).toMatchObject({ node: "gpu-1", llm_d_ai_role: "decode", pod: "7d4" });
    expect(target?.labels.names.filter((name) => name.startsWith("__"))).toEqual([]);
  });

  it("drops targets that relabelling drops", () => {
    const drop = "[{action: drop, sourceLabels: [__meta_kubernetes_pod_label_llm_d_ai_role], regex: decode}]";
    const { job } = endpointOf(value(read(`selector: {}\npodMetricsEndpoints: [{port: http, relabelings: ${drop}}]`)));
    expect(targetLabels(job, POD)).toBeUndefined();
    expect(targetLabels(job, { ...POD, podLabels: {} })).toBeDefined();
  });

  const P = "PodMonitor/serving/vllm: spec.podMetricsEndpoints[0]";
  it.each([
    ["{interval: 30}", `${P}.interval: must be text, not 30; quote it: "30"`],
    ["{interval: soon}", `${P}.interval: must be a duration such as 30s, 1m30s or 500ms, got "soon"`],
    [
      "{interval: 5s, scrapeTimeout: 10s}",
      `${P}.scrapeTimeout: scrapeTimeout 10 s greater than scrapeInterval 5 s; set at most the interval`,
    ],
    [
      "{scrapeTimeout: 1m}",
      `${P}.scrapeTimeout: scrapeTimeout 60 s greater than scrapeInterval 30 s; set at most the interval`,
    ],
    ["{relabelings: [{action: rename}]}", `${P}.relabelings[0].action: unknown relabel action "rename"`],
    [
      "{metricRelabelings: [{regex: 'a(', action: drop}]}",
      `${P}.metricRelabelings[0].regex: error parsing regexp: missing closing ): \`a(\``,
    ],
    [
      "{relabelings: [{action: hashmod, targetLabel: x}]}",
      `${P}.relabelings[0].modulus: relabel configuration for hashmod requires non-zero modulus`,
    ],
  ])("is refused with %s", (endpoint, problem) => {
    const result = read(`selector: {}\npodMetricsEndpoints: [${endpoint}]`);
    expect(result.ok).toBe(false);
    expect(told(result)).toEqual([problem]);
  });

  it("tells what it can't know", () => {
    const sources = "[__meta_kubernetes_pod_uid, __meta_kubernetes_pod_name]";
    expect(
      told(
        read(
          `scrapeClass: tls\nselector: {}\npodMetricsEndpoints: [{relabelings: [{sourceLabels: ${sources}, targetLabel: x}]}]`,
        ),
      ),
    ).toEqual([
      `${P}.relabelings[0].sourceLabels[0]: __meta_kubernetes_pod_uid is not simulated: it reads as empty`,
      "PodMonitor/serving/vllm: spec.scrapeClass: the relabelings of a scrape class stand in the Prometheus object, which is not read",
    ]);
  });
});

describe("a ServiceMonitor", () => {
  const read = (spec: string) => serviceMonitor.read(manifest("ServiceMonitor", spec));
  const SPEC = "selector: {matchLabels: {app: vllm}}\nendpoints: [{port: web, honorLabels: true}]\nsampleLimit: 1000";

  it("names its targets as prometheus-operator does", () => {
    const { job } = endpointOf(value(read(SPEC)));
    expect(job).toMatchObject({
      name: "serviceMonitor/serving/vllm/0",
      role: "endpoints",
      honorLabels: true,
      sampleLimit: 1000,
    });
    expect(targetLabels(job, BEHIND)?.record()).toEqual({
      namespace: "serving",
      service: "vllm-metrics",
      pod: "vllm-7d4-abc",
      container: "vllm",
      endpoint: "web",
      job: "vllm-metrics",
      instance: "10.1.2.3:8000",
    });
    expect(targetLabels(job, POD)).toBeUndefined();
  });

  it("gives the same by endpoint slices", () => {
    const [plain, slices] = [SPEC, `${SPEC}\nserviceDiscoveryRole: EndpointSlice`].map((spec) =>
      targetLabels(endpointOf(value(read(spec))).job, BEHIND)?.record(),
    );
    expect(slices).toEqual(plain);
  });

  it.each([
    ["jobLabel", "jobLabel: tier", { job: "gold" }],
    ["targetLabels", "targetLabels: [tier, none]", { tier: "gold" }],
    ["podTargetLabels", "podTargetLabels: [llm-d.ai/role]", { llm_d_ai_role: "decode" }],
  ])("reads %s", (_name, further, labels) => {
    expect(targetLabels(endpointOf(value(read(`${SPEC}\n${further}`))).job, BEHIND)?.record()).toMatchObject(labels);
  });

  it("finds a port of the pod that is none of the Service's by targetPort alone", () => {
    const { portName: _, ...service } = SERVICE;
    const target = { ...POD, service };
    const by = (port: string) =>
      targetLabels(endpointOf(value(read(`selector: {}\nendpoints: [{${port}}]`))).job, target)?.record();
    expect(by("targetPort: http")).toMatchObject({ endpoint: "http", pod: "vllm-7d4-abc" });
    expect(by("targetPort: 8000")).toMatchObject({ endpoint: "8000" });
    expect(by("port: web")).toBeUndefined();
  });
});

describe("a PrometheusRule", () => {
  const read = (spec: string) => prometheusRule.read(manifest("PrometheusRule", spec));

  it("is read with the defaults of the operator", () => {
    const spec = `
groups:
  - name: vllm
    labels: {team: serving, tier: gold}
    rules:
      - {record: "vllm:queue:sum", expr: "sum(vllm:num_requests_waiting)", labels: {tier: iron}}
      - {alert: Full, expr: "vllm:queue:sum > 5", for: 2m, keep_firing_for: 1m, annotations: {summary: "{{ $value }}"}}
  - {name: other, interval: 10s, query_offset: 30s, limit: 5, rules: [{record: one, expr: 1}]}`;
    expect(value(read(spec)).groups).toEqual([
      {
        name: "vllm",
        file: "serving-vllm.yaml",
        intervalMs: 30_000,
        queryOffsetMs: 0,
        limit: 0,
        rules: [
          {
            record: "vllm:queue:sum",
            expr: "sum(vllm:num_requests_waiting)",
            labels: { team: "serving", tier: "iron" },
          },
          {
            alert: "Full",
            expr: "vllm:queue:sum > 5",
            forMs: 120_000,
            keepFiringForMs: 60_000,
            labels: { team: "serving", tier: "gold" },
          },
        ],
      },
      {
        name: "other",
        file: "serving-vllm.yaml",
        intervalMs: 10_000,
        queryOffsetMs: 30_000,
        limit: 5,
        rules: [{ record: "one", expr: "1", labels: {} }],
      },
    ]);
  });

  const R = "PrometheusRule/serving/vllm: spec.groups[0].rules[0]";
  it.each([
    ["{record: a, expr: 'sum(up'}", `${R}.expr: could not parse expression: 1:7: parse error: unexpected end of input`],
    ["{record: a}", `${R}.expr: field 'expr' must be set in rule`],
    ["{expr: up}", `${R}: one of 'record' or 'alert' must be set`],
    ["{record: a, alert: b, expr: up}", `${R}: only one of 'record' and 'alert' must be set`],
    ["{record: a, expr: up, for: 1m}", `${R}.for: invalid field 'for' in recording rule`],
    ["{record: 'a{}', expr: up}", `${R}.record: braces present in the recording rule name; should it be in expr?: a{}`],
    ["{record: a, expr: up, labels: {__name__: b}}", `${R}.labels.__name__: invalid label name: __name__`],
    ["{alert: a, expr: up, for: soon}", `${R}.for: must be a duration such as 30s, 1m30s or 500ms, got "soon"`],
  ])("is refused with %s", (rule, problem) => {
    const result = read(`groups: [{name: g, rules: [${rule}]}]`);
    expect(result.ok).toBe(false);
    expect(told(result)).toEqual([problem]);
  });

  it("is refused with a group twice", () => {
    expect(told(read("groups: [{name: g}, {name: g}]"))).toEqual([
      'PrometheusRule/serving/vllm: spec.groups[1].name: groupname: "g" is repeated in the same file',
    ]);
  });

  it("tells of templates that are not understood", () => {
    expect(
      told(
        read("groups: [{name: g, rules: [{alert: a, expr: up, labels: {v: '{{ $value }}', p: '{{ $labels.pod }}'}}]}]"),
      ),
    ).toEqual([
      `${R}.labels.v: of templates only {{ $labels.name }} is understood: the label v stays as it is written`,
    ]);
  });
});
