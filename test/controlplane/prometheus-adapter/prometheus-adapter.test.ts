import { describe, expect, it } from "vitest";
import { HorizontalPodAutoscaler } from "../../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import type { HpaMetric } from "../../../src/controlplane/hpa/spec.ts";
import type { MonitoringServer, SeriesLabels } from "../../../src/controlplane/monitoring-server.ts";
import type { PrometheusAdapter } from "../../../src/controlplane/prometheus-adapter/index.ts";
import { podView, scaleView, spec } from "../hpa/fixtures.ts";
import { GAUGES_OF_PODS, LLM_D, PRODUCTION_STACK, RESOURCE_RULES, SAMPLE } from "./configs.ts";
import { adapterOf, atSeconds, ScriptedServer, StoreServer } from "./servers.ts";

const pod = (name: string, phase: "Pending" | "Running" | "Failed" = "Running") => ({ name, phase });
const ask = (adapter: PrometheusAdapter, monitoring: MonitoringServer, pods = ["chat-1", "chat-0"], seconds = 30) =>
  adapter.api({ monitoring, now: atSeconds(seconds), namespace: "ns", pods: pods.map((name) => pod(name)) });

const ofPod = (name: string, pod: string): SeriesLabels => ({ __name__: name, namespace: "ns", pod });
const KV = ofPod("vllm:kv_cache_usage_perc", "chat-0");
const QUEUE = { __name__: "llm_d_epp_flow_control_queue_size", namespace: "ns", inference_pool: "qwen" };
const RUNNING = { __name__: "inference_objective_running_requests", namespace: "gw" };

describe("queries", () => {
  const WAITING = ofPod("vllm:num_requests_waiting", "chat-0");

  it.each([
    {
      name: "of pods",
      config: LLM_D,
      found: [KV],
      request: (api: ReturnType<typeof ask>) => api.pods("vllm_kv_cache_usage_perc", {}),
      query: 'avg(vllm:kv_cache_usage_perc{namespace="ns",pod=~"chat-0|chat-1"}) by (pod)',
    },
    {
      name: "of pods with a selector, by name of its labels",
      config: LLM_D,
      found: [KV],
      request: (api: ReturnType<typeof ask>) => api.pods("vllm_kv_cache_usage_perc", { model_name: "q", engine: "0" }),
      query: 'avg(vllm:kv_cache_usage_perc{engine="0",model_name="q",namespace="ns",pod=~"chat-0|chat-1"}) by (pod)',
    },
    {
      name: "of one pod",
      config: GAUGES_OF_PODS,
      found: [WAITING],
      pods: ["chat-0"],
      request: (api: ReturnType<typeof ask>) => api.pods("num_requests_waiting", {}),
      query: 'sum(vllm:num_requests_waiting{namespace="ns",pod="chat-0"}) by (pod)',
    },
    {
      name: "of a namespace, which lies in none",
      config: GAUGES_OF_PODS,
      found: [WAITING],
      request: (api: ReturnType<typeof ask>) => api.object("num_requests_waiting", "other", {}, "Namespace"),
      query: 'sum(vllm:num_requests_waiting{namespace="other"}) by (namespace)',
    },
    {
      name: "of a service",
      config: SAMPLE,
      found: [{ __name__: "http_requests_total", namespace: "ns", service: "web" }],
      request: (api: ReturnType<typeof ask>) => api.object("http_requests", "web", {}, "Service"),
      query: 'sum(rate(http_requests_total{namespace="ns",service="web",container!="POD"}[2m])) by (service)',
    },
    {
      name: "of an external metric",
      config: LLM_D,
      found: [QUEUE],
      request: (api: ReturnType<typeof ask>) => api.external("igw_queue_depth", { inference_pool: "qwen" }),
      query: 'sum(llm_d_epp_flow_control_queue_size{inference_pool="qwen",namespace="ns"})',
    },
    {
      name: "of an external metric of any namespace",
      config: SAMPLE,
      found: [{ __name__: "queue_depth", topic: "t" }],
      request: (api: ReturnType<typeof ask>) => api.external("queue_depth", { namespace: "queue", name: "q" }),
      query: 'sum(queue_depth{name="q",namespace="queue"}) by (name)',
    },
  ])("$name", ({ config, found, pods, request, query }) => {
    const server = new ScriptedServer(found);
    request(ask(adapterOf(config), server, pods));
    expect(server.asked).toEqual([query]);
  });

  it.each([
    ["a metric that no rule shows", (api: ReturnType<typeof ask>) => api.pods("kv_cache_usage_perc", {})],
    [
      "a metric of pods asked of a kind that it has no label for",
      (api) => api.object("vllm_kv_cache_usage_perc", "s", {}, "Service"),
    ],
    ["a kind that nobody knows", (api) => api.object("vllm_kv_cache_usage_perc", "s", {}, "Brand")],
    // It has no label for the namespace, yet asks for one.
    ["an external metric without one for the namespace", (api) => api.external("lag", {})],
    ["CPU without rules for it", (api) => api.resource?.("cpu", undefined)],
  ] as readonly (readonly [string, (api: ReturnType<typeof ask>) => unknown])[])(
    "are not made for %s",
    (_, request) => {
      const lag = { __name__: "queue_consumer_lag", name: "x" };
      const server = new ScriptedServer([KV, lag]);
      const config = LLM_D.replace(
        "externalRules:",
        `externalRules:\n- {seriesQuery: lag, metricsQuery: "<<.Series>>", name: {matches: lag$}}`,
      );
      expect(request(ask(adapterOf(config), server))).toBeUndefined();
      expect(server.asked).toEqual([]);
    },
  );

  it("are not made for no pods", () => {
    const server = new ScriptedServer([KV]);
    expect(ask(adapterOf(LLM_D), server, []).pods("vllm_kv_cache_usage_perc", {})).toBeUndefined();
    expect(server.asked).toEqual([]);
  });
});

describe("answers", () => {
  const pods = (server: ScriptedServer) => {
    const values = ask(adapterOf(LLM_D), server).pods("vllm_kv_cache_usage_perc", {});
    return values && Object.fromEntries([...values].map(([name, { valueMilli }]) => [name, valueMilli]));
  };
  const external = (server: ScriptedServer) =>
    ask(adapterOf(LLM_D), server)
      .external("igw_queue_depth", {})
      ?.map(({ valueMilli }) => valueMilli);

  it.each([
    { name: "thousandths, finer parts cut off", values: [0.7509, 2], expected: { "chat-0": 750n, "chat-1": 2000n } },
    { name: "NaN as 0", values: [NaN, -0.0019], expected: { "chat-0": 0n, "chat-1": -1n } },
    { name: "what is too large as -2^63, as on amd64", values: [Infinity], expected: { "chat-0": -(2n ** 63n) } },
    { name: "nothing as no answer", values: [], expected: undefined },
  ])("pods: $name", ({ values, expected }) => {
    const server = new ScriptedServer([KV]);
    server.answer = values.map((value, i) => ({ labels: { pod: `chat-${i}` }, value }));
    expect(pods(server)).toEqual(expected);
  });

  it("pods: other pods are passed over, and what names none", () => {
    const server = new ScriptedServer([KV]);
    server.answer = [
      { labels: { pod: "other" }, value: 1 },
      { labels: {}, value: 2 },
    ];
    expect(pods(server)).toBeUndefined();
  });

  it("external: every series; NaN is what Go makes of it, and no series is no answer", () => {
    const server = new ScriptedServer([QUEUE]);
    server.answer = [3, 0.0019, NaN].map((value) => ({ labels: {}, value }));
    expect(external(server)).toEqual([3000n, 1n, -(2n ** 63n)]);
    server.answer = [];
    expect(external(server)).toBeUndefined();
  });

  it("a scalar is an external metric and no custom one", () => {
    const server = new ScriptedServer([QUEUE, KV]);
    server.answer = { ok: true, type: "scalar", elements: [{ labels: {}, value: 5 }] };
    expect(external(server)).toEqual([5000n]);
    expect(pods(server)).toBeUndefined();
  });

  it("come at the time of the query, over the HPA's own window", () => {
    const server = new ScriptedServer([QUEUE]);
    server.answer = [{ labels: {}, value: 1 }];
    const [value] = ask(adapterOf(LLM_D), server, [], 42).external("igw_queue_depth", {}) ?? [];
    expect(value).toEqual({ valueMilli: 1000n, at: 42e6, windowSeconds: 60 });
  });

  it("are errors while the server is down, and come again", () => {
    const server = new ScriptedServer([QUEUE]);
    server.answer = [{ labels: {}, value: 1 }];
    const adapter = adapterOf(LLM_D);
    adapter.run({ monitoring: server, now: atSeconds(700) });
    server.down = true;
    adapter.run({ monitoring: server, now: atSeconds(1300) });
    expect(ask(adapter, server, [], 1310).external("igw_queue_depth", {})).toBeUndefined();
    server.down = false;
    expect(ask(adapter, server, [], 1320).external("igw_queue_depth", {})).toHaveLength(1);
  });
});

describe("what may be read", () => {
  it("is what rules list, and one query of each that says how far back", () => {
    expect(adapterOf(PRODUCTION_STACK + LLM_D.replace(/rules:\n- seriesQuery: 'vllm[^]*/, "")).queries).toEqual([
      '{__name__=~"^vllm:num_requests_waiting$"}',
      'llm_d_epp_flow_control_queue_size{inference_pool!=""}',
      "inference_objective_running_requests",
      "sum by(namespace) (vllm:num_requests_waiting)",
      'sum(any{namespace="any"})',
      'sum(inference_objective_running_requests{top_level_controller_name="qwen-epp"})',
    ]);
    expect(adapterOf(RESOURCE_RULES).queries).toEqual([
      'sum(rate(container_cpu_usage_seconds_total{namespace="any",pod="any"}[5m])) by (pod)',
      'sum(container_memory_working_set_bytes{namespace="any",pod="any"}) by (pod)',
    ]);
  });
});

describe("the list of metrics", () => {
  it("is looked up for every request before the first pass, then by the passes only", () => {
    const server = new ScriptedServer([]);
    server.answer = [{ labels: {}, value: 1 }];
    const adapter = adapterOf(LLM_D);
    const there = (seconds: number) => ask(adapter, server, [], seconds).external("igw_queue_depth", {}) !== undefined;
    expect(there(15)).toBe(false);
    server.found = [QUEUE];
    expect(there(30)).toBe(true);
    server.found = [];
    expect(there(45)).toBe(false);
    expect(adapter.run({ monitoring: server, now: atSeconds(700) })).toEqual({ scales: [], againAfter: 600e6 });
    server.found = [QUEUE];
    expect(there(715)).toBe(false);
    adapter.run({ monitoring: server, now: atSeconds(1300) });
    expect(there(1315)).toBe(true);
    server.found = [];
    expect(there(1330)).toBe(true);
  });

  it("asks each seriesQuery once per pass, of custom and external rules apart", () => {
    const server = new ScriptedServer([QUEUE]);
    const twice = `
rules: [{seriesQuery: a, metricsQuery: a}, {seriesQuery: a, metricsQuery: b}, {seriesQuery: b, metricsQuery: b}]
externalRules: [{seriesQuery: a, metricsQuery: a}]`;
    adapterOf(twice).run({ monitoring: server, now: atSeconds(700) });
    expect(server.listed.map(([query]) => query)).toEqual(["a", "b", "a"]);
  });

  it("first passes between one interval and two, at a phase of its own", () => {
    const { firstAfter } = adapterOf(LLM_D, 60);
    expect(firstAfter).toBeGreaterThanOrEqual(60e6);
    expect(firstAfter).toBeLessThan(120e6);
    expect(adapterOf(LLM_D, 60).firstAfter).toBe(firstAfter);
  });
});

describe("over PromQL", () => {
  const server = new StoreServer();
  for (const [pod, waiting] of [
    ["chat-0", 4],
    ["chat-1", 9],
    ["other-0", 100],
  ] as const) {
    for (let seconds = 0; seconds <= 300; seconds += 15) {
      server.scrape(seconds, "vllm:num_requests_waiting", { namespace: "ns", pod, engine: "0" }, waiting);
      server.scrape(seconds, "vllm:num_requests_waiting", { namespace: "ns", pod, engine: "1" }, 1);
      server.scrape(seconds, "vllm:kv_cache_usage_perc", { namespace: "ns", pod, engine: "0" }, waiting / 10);
      const container = { namespace: "ns", pod, instance: "node-0" };
      server.scrape(
        seconds,
        "container_cpu_usage_seconds_total",
        { ...container, container: "vllm" },
        seconds * 1.0005,
      );
      server.scrape(seconds, "container_memory_working_set_bytes", { ...container, container: "vllm" }, 2 ** 30);
      server.scrape(seconds, "container_memory_working_set_bytes", { ...container, container: "proxy" }, 2 ** 20);
    }
  }
  for (const [pool, size] of [
    ["qwen", 7],
    ["llama", 5],
  ] as const) {
    const labels = { namespace: "ns", inference_pool: pool };
    server.scrape(300, "llm_d_epp_flow_control_queue_size", { ...labels, priority: "0" }, size);
    server.scrape(300, "llm_d_epp_flow_control_queue_size", { ...labels, priority: "-1" }, 1);
  }
  server.scrape(300, "inference_objective_running_requests", { ...RUNNING, top_level_controller_name: "qwen-epp" }, 31);
  const asked = (config: string) => ask(adapterOf(config), server, ["chat-0", "chat-1", "chat-2"], 310);
  const milli = (values: ReadonlyMap<string, { readonly valueMilli: bigint }> | undefined) =>
    values && Object.fromEntries([...values].map(([name, { valueMilli }]) => [name, valueMilli]));

  it("llm-d's metrics", () => {
    const api = asked(LLM_D);
    expect(api.external("igw_queue_depth", { inference_pool: "qwen" })).toMatchObject([{ valueMilli: 8000n }]);
    expect(api.external("igw_queue_depth", {})).toMatchObject([{ valueMilli: 14_000n }]);
    expect(api.external("igw_queue_depth", { inference_pool: "none" })).toBeUndefined();
    expect(api.external("igw_running_requests", {})).toMatchObject([{ valueMilli: 31_000n }]);
    expect(milli(api.pods("vllm_kv_cache_usage_perc", {}))).toEqual({ "chat-0": 400n, "chat-1": 900n });
  });

  it("production-stack's total of a namespace", () => {
    const api = asked(PRODUCTION_STACK);
    expect(api.object("vllm_num_requests_waiting", "ns", {}, "Namespace")).toMatchObject({ valueMilli: 116_000n });
    expect(api.object("vllm_num_requests_waiting", "none", {}, "Namespace")).toBeUndefined();
    expect(api.pods("vllm_num_requests_waiting", {})).toBeUndefined();
  });

  it("gauges of pods, summed over their engines; a pod without series is missing", () => {
    const api = asked(GAUGES_OF_PODS);
    expect(milli(api.pods("num_requests_waiting", {}))).toEqual({ "chat-0": 5000n, "chat-1": 10_000n });
    expect(milli(api.pods("num_requests_waiting", { engine: "1" }))).toEqual({ "chat-0": 1000n, "chat-1": 1000n });
    expect(api.pods("num_requests_running", {})).toBeUndefined();
  });

  it("usage by rules: containers together or one, which uses nothing of what it has no sample of", () => {
    const { resource } = asked(RESOURCE_RULES);
    expect(milli(resource?.("cpu", undefined))).toEqual({ "chat-0": 1000n, "chat-1": 1000n });
    expect(milli(resource?.("memory", undefined))).toMatchObject({ "chat-0": BigInt(2 ** 30 + 2 ** 20) * 1000n });
    expect(milli(resource?.("cpu", "proxy"))).toMatchObject({ "chat-0": 0n });
    expect(milli(resource?.("cpu", "none"))).toEqual({});
    expect(milli(resource?.("nvidia.com/gpu", undefined))).toEqual({});
    expect(resource?.("cpu", undefined)?.get("chat-0")).toMatchObject({ at: 310e6, windowSeconds: 300 });
  });

  it("usage is that of running pods", () => {
    const pods = [pod("chat-0"), pod("chat-1", "Pending")];
    const api = adapterOf(RESOURCE_RULES).api({ monitoring: server, now: atSeconds(310), namespace: "ns", pods });
    expect(Object.keys(milli(api.resource?.("cpu", undefined)) ?? {})).toEqual(["chat-0"]);
  });

  it.each([
    {
      name: "a queue with a value: ratio times ready pods",
      metric: { type: "External", metric: "igw_queue_depth", selector: {}, target: { type: "Value", milli: 7000 } },
      config: LLM_D,
      desired: 4,
    },
    {
      name: "a namespace's total with an average: 116 over 40",
      metric: {
        type: "Object",
        metric: "vllm_num_requests_waiting",
        selector: {},
        describedObject: { kind: "Namespace", name: "ns" },
        target: { type: "AverageValue", milli: 40_000 },
      },
      config: PRODUCTION_STACK,
      desired: 3,
    },
    {
      name: "pods: the mean of 5 and 10 over 5",
      metric: {
        type: "Pods",
        metric: "num_requests_waiting",
        selector: {},
        target: { type: "AverageValue", milli: 5000 },
      },
      config: GAUGES_OF_PODS,
      desired: 3,
    },
  ] satisfies readonly { readonly metric: HpaMetric; readonly [key: string]: unknown }[])(
    "an HPA on $name",
    ({ metric, config, desired }) => {
      const pods = ["chat-0", "chat-1"].map((name) => podView(name));
      const hpa = new HorizontalPodAutoscaler(spec({ metrics: [metric] }));
      const decision = hpa.sync(
        atSeconds(310),
        scaleView(2, { pods }),
        ask(adapterOf(config), server, ["chat-0", "chat-1"], 310),
      );
      expect(decision).toMatchObject({ desiredReplicas: desired, rescale: true });
    },
  );

  it("a metric is listed while its series had a sample within the age", () => {
    const adapter = adapterOf(LLM_D, 60);
    const there = (seconds: number) =>
      ask(adapter, server, [], seconds).external("igw_running_requests", {}) !== undefined;
    expect(there(355)).toBe(true);
    // The look-back would still find the sample.
    expect(there(365)).toBe(false);
  });
});
