import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Fact, Routing } from "../../src/model/fact.ts";
import type { MetricFamily } from "../../src/model/metric-family.ts";
import type { Request } from "../../src/model/request.ts";
import { BoundedLabel } from "../../src/report/bounded-label.ts";
import { GatewayFold } from "../../src/report/gateway-fold.ts";
import { familiesOf, gatewayMetrics } from "../../src/report/metrics/index.ts";
import { NOT_SIMULATED } from "../../src/report/not-simulated.ts";
import { flushed } from "../../src/report/pool-flush.ts";
import type { GatewayView } from "../../src/report/world-view.ts";
import { micros } from "../../src/sim/time.ts";
import { forAllSeeds } from "../for-all-seeds.ts";
import { at, finished, request, view } from "./views.ts";

const PAGES = new URL("../../../shared/expositions/epp/llm-d-router_2026-08/", import.meta.url);
const SEEDS = Number(process.env.SEEDS ?? 30);

const gatewayView = (fold: GatewayFold, over: Partial<GatewayView> = {}): GatewayView => ({
  namespace: "inference",
  pod: "chat-epp-0",
  container: "epp",
  service: "chat-epp",
  pool: "chat",
  since: at(0),
  flushed: flushed(undefined, [
    { waiting: 1, running: 3, kvUsage: 0.25 },
    { waiting: 2, running: 5, kvUsage: 0.5 },
  ]),
  endpoints: [
    { name: "chat-0", waiting: 7, inFlight: 3, inFlightTokens: 900 },
    { name: "chat-1", waiting: 0, inFlight: 0, inFlightTokens: 0 },
  ],
  loadProducer: "inflight-load-producer",
  flowControl: {
    saturation: { decode: 0.5, effective: 0.5 },
    bands: [{ priority: 0, requestsRatio: 0.1, bytesRatio: 0 }],
    all: { requestsRatio: 0.25 },
    stale: { detector: "utilization-detector", endpoints: 3 },
    reclamation: { issued: new Map([[10, 2]]), confirmed: 1, timedOut: 1, target: 0.1, pending: 0.05 },
  },
  prefixIndex: { pluginName: "approx", pluginType: "approx-prefix-cache-producer", entries: 12 },
  disagg: { pluginName: "pd", pluginType: "disagg-profile-handler" },
  counted: fold.counts,
  ...over,
});

const familiesFrom = (fold: GatewayFold, over: Partial<GatewayView> = {}): Map<string, MetricFamily> =>
  new Map(
    familiesOf({ ...view(10, [], []), autoscalers: [], gateways: [gatewayView(fold, over)] }).map((family) => [
      family.name,
      family,
    ]),
  );

const routed = (of: Request, over: Partial<Routing> = {}): Fact => ({
  kind: "routed",
  at: of.arrival,
  request: of,
  priority: 0,
  endpoint: "chat-0",
  workload: "chat",
  decision: "decode-only",
  ...over,
});

/** Everything once. */
const busy = (): GatewayFold => {
  const fold = new GatewayFold("llama");
  const [one, two, three] = [request(0, 1), { ...request(1, 2), tenant: "acme" }, request(2, 3)];
  fold.tell({ kind: "gate", at: at(1), request: one, priority: 2, event: "held", bytes: 400 });
  fold.tell({ kind: "gate", at: at(1.5), request: one, priority: 2, event: "dispatched", waited: micros(5e5) });
  fold.tell(routed(one, { priority: 2, prefix: { matchedTokens: 48, totalTokens: 96 } }));
  fold.tell({ kind: "gate", at: at(2), request: two, priority: -1, event: "held", bytes: 80 });
  fold.tell({
    kind: "gate",
    at: at(3),
    request: three,
    priority: -1,
    event: "shed",
    reason: "queue full",
    status: 429,
    outcome: "RejectedCapacity",
  });
  fold.tell(finished(one, "stop", { ttft: 0.7, end: 2.5, priority: 2 }));
  return fold;
};

const value = (families: Map<string, MetricFamily>, name: string, labels: Record<string, string> = {}) =>
  families
    .get(name)
    ?.samples.find((sample) => Object.entries(labels).every(([key, said]) => sample.labels[key] === said))?.value;
const total = (families: Map<string, MetricFamily>, name: string): number => {
  const of = value(families, name);
  return of === undefined || typeof of === "number" ? -1 : of.counts.reduce((sum, count) => sum + count, 0);
};

describe("rows of the endpoint picker", () => {
  it("have names of their own", () => {
    const names = gatewayMetrics.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  it.skipIf(!existsSync(PAGES))(
    "are named, typed, explained, labelled and bucketed as on recorded pages (needs ../shared/expositions)",
    () => {
      const families = familiesFrom(busy());
      const checked: string[] = [];
      const missing: string[] = [];
      for (const file of readdirSync(PAGES)) {
        const lines = readFileSync(new URL(file, PAGES), "utf8").split("\n");
        const [, named = "", help] =
          lines.map((line) => /^\s*# HELP (\S+) (.*)$/.exec(line)).find((found) => found !== null) ?? [];
        const [, type] = lines.map((line) => /^\s*# TYPE \S+ (\S+)$/.exec(line)).find((found) => found !== null) ?? [];
        const name = type === "counter" ? named.replace(/_total$/, "") : named;
        const row = gatewayMetrics.find((one) => one.name === name);
        if (row === undefined) {
          missing.push(named);
          continue;
        }
        checked.push(name);
        expect([name, row.type, row.help]).toEqual([name, type, help]);
        const samples = lines.filter((line) => line.trim().startsWith(named) && !line.includes("# "));
        const labels = [...(samples[0] ?? "").matchAll(/(\w+)="/g)]
          .map(([, label]) => label)
          .filter((label) => label !== "le");
        const own = Object.keys(families.get(name)?.samples[0]?.labels ?? {});
        const place = labels.includes("namespace") ? ["pod", "container"] : ["namespace", "pod", "container"];
        // The tests of the project leave out what the index's own metrics bear.
        const since = name.startsWith("llm_d_epp_prefix_indexer") ? ["plugin_name", "plugin_type"] : [];
        expect([name, own.filter((label) => !place.includes(label) && !since.includes(label)).sort()]).toEqual([
          name,
          labels.sort(),
        ]);
        if (type !== "histogram") continue;
        const bounds = [...new Set(samples.flatMap((line) => /le="([^"]+)"/.exec(line)?.[1] ?? []).map(Number))].filter(
          Number.isFinite,
        );
        const histogram = families.get(name)?.samples[0]?.value;
        expect([name, typeof histogram === "object" ? histogram.bounds : []]).toEqual([name, bounds]);
      }
      expect(checked.length).toBeGreaterThan(35);
      expect([...new Set(missing)].sort()).toEqual(
        NOT_SIMULATED.filter(({ source }) => source === "Endpoint picker")
          .flatMap(({ names }) => names)
          .sort(),
      );
    },
  );

  it("tell what was counted", () => {
    const families = familiesFrom(busy());
    const own = { model_name: "llama", target_model_name: "llama", fairness_id: "default-flow", priority: "2" };
    expect(families.get("llm_d_epp_request")?.samples).toEqual([
      { labels: { namespace: "inference", pod: "chat-epp-0", container: "epp", ...own }, value: 1 },
    ]);
    expect(value(families, "llm_d_epp_request_running", own)).toBe(0);
    expect(value(families, "llm_d_epp_request_error", { error_code: "ResourceExhausted", priority: "-1" })).toBe(1);
    expect(value(families, "inference_objective_request_error", { error_code: "ResourceExhausted" })).toBe(1);
    for (const [name, sum] of [
      ["llm_d_epp_request_duration_seconds", 2.5],
      ["llm_d_epp_request_ttft_seconds", 0.7],
      ["llm_d_epp_request_streaming_tpot_seconds", 0.2],
      ["llm_d_epp_request_ntpot_seconds", 0.25],
      ["llm_d_epp_request_input_tokens", 100],
      ["llm_d_epp_request_output_tokens", 10],
      ["llm_d_epp_request_size_bytes", 400],
      ["inference_objective_response_sizes", 40],
      ["llm_d_epp_prefix_indexer_hit_ratio", 0.5],
      ["inference_extension_prefix_indexer_hit_bytes", 192],
    ] as const) {
      const told = value(families, name);
      expect([name, typeof told === "object" ? told.sum : undefined]).toEqual([name, expect.closeTo(sum, 9)]);
      expect(total(families, name)).toBe(1);
    }
    expect(value(families, "llm_d_epp_flow_control_queue_size", { priority: "2" })).toBe(0);
    expect(value(families, "llm_d_epp_flow_control_queue_size", { fairness_id: "acme" })).toBe(1);
    expect(value(families, "llm_d_epp_flow_control_queue_bytes", { fairness_id: "acme", inference_pool: "chat" })).toBe(
      80,
    );
    expect(value(families, "llm_d_epp_flow_control_requests", { outcome: "Dispatched", priority: "2" })).toBe(1);
    expect(value(families, "llm_d_epp_flow_control_requests", { outcome: "RejectedCapacity" })).toBe(1);
    expect(value(families, "llm_d_epp_flow_control_pool_saturation", { stage: "decode" })).toBe(0.5);
    expect(value(families, "llm_d_epp_flow_control_global_capacity_utilization_requests")).toBe(0.25);
    expect(value(families, "llm_d_epp_flow_control_global_capacity_utilization_bytes")).toBeUndefined();
    expect(value(families, "llm_d_epp_flow_control_stale_endpoints", { detector: "utilization-detector" })).toBe(3);
    expect(value(families, "llm_d_epp_flow_control_revocations_issued", { priority: "10" })).toBe(2);
    expect(value(families, "llm_d_epp_flow_control_revocations", { outcome: "timed_out" })).toBe(1);
    expect(value(families, "llm_d_epp_flow_control_pending_reclaim", { inference_pool: "chat" })).toBe(0.05);
    expect(value(families, "llm_d_epp_disagg_decision", { decision_type: "decode-only" })).toBe(1);
    expect(value(families, "inference_extension_scheduler_attempts", { pod_name: "chat-0", status: "success" })).toBe(
      1,
    );
    expect(value(families, "llm_d_epp_per_endpoint_queue_size", { model_server_endpoint: "chat-0" })).toBe(7);
    expect(value(families, "llm_d_epp_inflight_tokens", { endpoint_name: "chat-0" })).toBe(900);
    expect(families.get("llm_d_epp_inflight_requests")?.samples).toEqual([
      {
        labels: expect.objectContaining({ endpoint_name: "chat-0", producer_name: "inflight-load-producer" }),
        value: 3,
      },
    ]);
  });

  it("count load of replicas that compute prompts only, once they got one", () => {
    const fold = new GatewayFold("llama");
    const idle = { waiting: 0, inFlight: 0, inFlightTokens: 0 };
    const of = gatewayView(fold);
    const endpoints = [of.endpoints[0], { name: "prefill-0", ...idle }, { name: "prefill-1", ...idle }].filter(
      (one) => one !== undefined,
    );
    fold.tell(routed(request(0, 1), { prefillEndpoint: "prefill-1", decision: "prefill-decode" }));
    const rows = familiesOf({ ...view(0, [], []), autoscalers: [], gateways: [{ ...gatewayView(fold), endpoints }] });
    const named = rows.find(({ name }) => name === "llm_d_epp_inflight_tokens")?.samples ?? [];
    expect(named.map(({ labels }) => labels.endpoint_name)).toEqual(["chat-0", "prefill-1"]);
  });

  it("are not there before anything was counted, or where the feature is off", () => {
    const { flowControl: _, prefixIndex: __, disagg: ___, ...bare } = gatewayView(new GatewayFold("llama"));
    const names = familiesOf({ ...view(0, [], []), autoscalers: [], gateways: [{ ...bare, flushed: undefined }] }).map(
      ({ name }) => name,
    );
    expect(names).toEqual(["llm_d_epp_per_endpoint_queue_size"]);
    expect(familiesOf({ ...view(0, [], []), autoscalers: [] })).toEqual([]);
  });

  it.each([
    {
      name: "an engine that refuses answers with an error",
      outcome: "rejected",
      error: "ModelServerError",
      durations: 1,
    },
    { name: "a full engine likewise", outcome: "overloaded", error: "ModelServerError", durations: 1 },
    { name: "who hangs up leaves no latency", outcome: "timed-out", error: undefined, durations: -1 },
  ] as const)("$name", ({ outcome, error, durations }) => {
    const fold = new GatewayFold("llama");
    fold.tell(routed(request(0, 1)));
    fold.tell(finished(request(0, 1), outcome, { end: 1 }));
    const families = familiesFrom(fold);
    expect(families.get("llm_d_epp_request_error")?.samples[0]?.labels.error_code).toBe(error);
    expect(total(families, "llm_d_epp_request_duration_seconds")).toBe(durations);
    expect(value(families, "llm_d_epp_request_running")).toBe(0);
  });

  it.each([
    { status: 503, outcome: "RejectedNoEndpoints", event: "shed", code: "ServiceUnavailable" },
    { status: 429, outcome: "EvictedTTL", event: "expired", code: "ResourceExhausted" },
    { status: 503, outcome: "EvictedContextCancelled", event: "expired", code: "ServiceUnavailable" },
    { status: 429, outcome: "EvictedOther", event: "expired", code: "Internal" },
  ] as const)("$outcome is the error $code", ({ code, ...said }) => {
    const fold = new GatewayFold("llama");
    const gate = { kind: "gate", at: at(1), request: request(0, 1), priority: 0 } as const;
    fold.tell({ ...gate, waited: micros(1), reason: "", ...said } as unknown as Fact);
    expect([...(fold.counts.requests[0]?.errors ?? [])]).toEqual([[code, 1]]);
  });
});

describe("laws of the endpoint picker's counts", () => {
  it("running is what was sent on less what ended, and deprecated series are sums of the present ones", () => {
    forAllSeeds(SEEDS, (rng) => {
      const fold = new GatewayFold("llama");
      const open: { readonly one: Request; readonly priority: number }[] = [];
      let [sent, ended] = [0, 0];
      for (let id = 0; id < 200; id += 1) {
        const one = {
          ...request(id, id),
          tenant: `t${rng.below(3)}`,
          ...(rng.below(2) === 0 ? {} : { model: "other" }),
        };
        const priority = rng.below(3);
        fold.tell(routed(one, { priority }));
        sent += 1;
        open.push({ one, priority });
        if (rng.below(2) === 0) continue;
        const [gone] = open.splice(rng.below(open.length), 1);
        if (gone !== undefined) fold.tell(finished(gone.one, "stop", { priority: gone.priority }));
        ended += 1;
      }
      const families = familiesFrom(fold);
      const sum = (name: string): number =>
        (families.get(name)?.samples ?? []).reduce(
          (all, { value: one }) => all + (typeof one === "number" ? one : one.counts.reduce((a, b) => a + b, 0)),
          0,
        );
      expect(sum("llm_d_epp_request_running")).toBe(sent - ended);
      for (const [present, old] of [
        ["llm_d_epp_request", "inference_objective_request"],
        ["llm_d_epp_request_running", "inference_objective_running_requests"],
        ["llm_d_epp_request_duration_seconds", "inference_objective_request_duration_seconds"],
        ["llm_d_epp_request_cached_tokens", "inference_objective_prompt_cached_tokens"],
      ] as const)
        expect(sum(old)).toBe(sum(present));
      expect(sum("llm_d_epp_request")).toBe(sent);
      expect(sum("llm_d_epp_request_duration_seconds")).toBe(ended);
    });
  });
});

describe("gauges of a pool", () => {
  const of = (waiting: number) => ({ waiting, running: 0, kvUsage: waiting / 10 });
  it.each([
    { name: "one endpoint has no deviation", fresh: [of(3)], mean: 3, deviation: 0 },
    { name: "two decimals", fresh: [of(1), of(1), of(2)], mean: 1.33, deviation: 0.58 },
    { name: "the sample's deviation", fresh: [of(0), of(4)], mean: 2, deviation: 2.83 },
  ])("$name", ({ fresh, mean, deviation }) => expect(flushed(undefined, fresh).waiting).toEqual({ mean, deviation }));

  it("keep their values while no endpoint is fresh", () => {
    const before = flushed(undefined, [of(3)]);
    expect(flushed(before, [])).toEqual({ ...before, ready: 0 });
    expect(flushed(undefined, []).waiting).toBeUndefined();
  });
});

it("bounds labels as the endpoint picker does", () => {
  const label = new BoundedLabel(2);
  expect(["a", "b", "c", "a", ""].map((value) => label.bound(value))).toEqual(["a", "b", "other", "a", ""]);
});
