import { expect, it } from "vitest";
import { type FilterSaid, filters } from "../../src/dataplane/filters/index.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { type Rng, rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { endpointOf } from "./any.ts";
import { askOf, type Known, keptBy, knowing } from "./ask.ts";

interface Example {
  readonly name: string;
  readonly said: Readonly<Record<string, unknown>> & { readonly type: FilterSaid["type"] };
  readonly endpoints: readonly Partial<Endpoint>[];
  readonly kept: readonly number[];
  readonly known?: Known;
  readonly request?: Partial<RequestHead>;
  readonly peer?: number;
  /** What chance says. */
  readonly draw?: number;
}

const labelled = (label: string, ...values: (string | undefined)[]): Partial<Endpoint>[] =>
  values.map((value) => ({ labels: value === undefined ? {} : { [label]: value } }));
const roles = labelled(
  "llm-d.ai/role",
  "decode",
  "prefill",
  "prefill-decode",
  "encode",
  undefined,
  "both",
  "encode-prefill",
  "x",
);
const selector = { matchLabels: { app: "vllm" } };
const apps = labelled("app", "vllm", "other", undefined);
const expression = (operator: string, values?: string[]) => ({
  type: "label-selector-filter" as const,
  matchExpressions: [{ key: "app", operator, ...(values === undefined ? {} : { values }) }],
});
const sticky: Known = { matched: [9, 1, 8], total: 10 };
const now = 1_000_000;
const fresh = { scrapedAt: instant(now) };
const range = labelled("llm-d.ai/context-length-range", "0-100", "101-200", undefined, "x");

const EXAMPLES: readonly Example[] = [
  { name: "decoders and pods without a role", said: { type: "decode-filter" }, endpoints: roles, kept: [0, 2, 4, 5] },
  { name: "prefillers", said: { type: "prefill-filter" }, endpoints: roles, kept: [1, 2, 5, 6] },
  { name: "encoders", said: { type: "encode-filter" }, endpoints: roles, kept: [3, 6] },
  { name: "values", said: { type: "by-label", label: "app", validValues: ["vllm"] }, endpoints: apps, kept: [0] },
  {
    name: "or no label",
    said: { type: "by-label", label: "app", validValues: ["vllm"], allowsNoLabel: true },
    endpoints: apps,
    kept: [0, 2],
  },
  { name: "labels", said: { type: "label-selector-filter", ...selector }, endpoints: apps, kept: [0] },
  { name: "an empty selector", said: { type: "label-selector-filter" }, endpoints: apps, kept: [0, 1, 2] },
  { name: "In", said: expression("In", ["other", "x"]), endpoints: apps, kept: [1] },
  { name: "NotIn", said: expression("NotIn", ["other"]), endpoints: apps, kept: [0, 2] },
  { name: "Exists", said: expression("Exists"), endpoints: apps, kept: [0, 1] },
  { name: "DoesNotExist", said: expression("DoesNotExist"), endpoints: apps, kept: [2] },
  { name: "the old name", said: { type: "by-label-selector", ...selector }, endpoints: apps, kept: [0] },
  {
    name: "holders of most of the prompt",
    said: { type: "prefix-cache-affinity-filter" },
    endpoints: [{}, {}, {}],
    known: sticky,
    kept: [0, 2],
  },
  {
    name: "all where nobody holds it",
    said: { type: "prefix-cache-affinity-filter" },
    endpoints: [{}, {}, {}],
    known: { total: 10 },
    kept: [0, 1, 2],
  },
  {
    name: "all where holders are too busy",
    said: { type: "prefix-cache-affinity-filter", peakPrefillThroughput: 1000, maxTTFTPenaltyMs: 500 },
    endpoints: [{ inFlightTokens: 501 }, {}, { inFlightTokens: 900 }],
    known: sticky,
    kept: [0, 1, 2],
  },
  {
    name: "holders that are just not too busy",
    said: { type: "prefix-cache-affinity-filter", peakPrefillThroughput: 1000, maxTTFTPenaltyMs: 500 },
    endpoints: [{ inFlightTokens: 500 }, {}, { inFlightTokens: 900 }],
    known: sticky,
    kept: [0, 2],
  },
  {
    name: "by predictions",
    said: { type: "prefix-cache-affinity-filter", ttftSource: "latencyPredictor", maxTTFTPenaltyMs: 10 },
    endpoints: [{}, {}, {}],
    known: { ...sticky, ttftMs: [90, 50, 80], ttftHeadroomMs: [0, 0, 0] },
    kept: [0, 1, 2],
  },
  {
    name: "exploring",
    said: { type: "prefix-cache-affinity-filter", explorationProbability: 0.5 },
    endpoints: [{}, {}, {}],
    known: sticky,
    draw: 0.4,
    kept: [0, 1, 2],
  },
  {
    name: "those that meet the targets",
    said: { type: "slo-headroom-tier-filter" },
    endpoints: [{}, {}, {}],
    known: { ttftHeadroomMs: [1, -1, 0], tpotHeadroomMs: [1, 1, 0] },
    draw: 0.5,
    kept: [0, 2],
  },
  {
    name: "the others, once in a while",
    said: { type: "slo-headroom-tier-filter" },
    endpoints: [{}, {}, {}],
    known: { ttftHeadroomMs: [1, -1, 0], tpotHeadroomMs: [1, 1, 0] },
    draw: 0.009,
    kept: [1],
  },
  { name: "all without predictions", said: { type: "slo-headroom-tier-filter" }, endpoints: [{}, {}], kept: [0, 1] },
  {
    name: "all conditions, limits included",
    said: {
      type: "utilization-filter",
      conditions: [
        { metric: "waiting-queue", maxValue: 2 },
        { metric: "kv-cache-utilization", maxValue: 0.5 },
      ],
    },
    endpoints: [{ waiting: 2, kvUsage: 0.5 }, { waiting: 3 }, { kvUsage: 0.6 }],
    kept: [0],
  },
  {
    name: "nobody",
    said: { type: "utilization-filter", conditions: [{ metric: "active-requests", maxValue: 0 }] },
    endpoints: [{ inFlight: 1 }],
    kept: [],
  },
  {
    name: "falls back",
    said: {
      type: "utilization-filter",
      conditions: [{ metric: "running-requests", maxValue: 0 }],
      fallbackOnEmpty: true,
    },
    endpoints: [{ running: 1 }, { running: 2 }],
    kept: [0, 1],
  },
  {
    name: "below both thresholds, and fresh",
    said: { type: "utilization-detector" },
    endpoints: [
      { ...fresh, waiting: 4 },
      { ...fresh, waiting: 5 },
      { ...fresh, kvUsage: 0.8 },
      { scrapedAt: instant(now - 200_001) },
      { scrapedAt: undefined },
    ],
    kept: [0],
  },
  {
    name: "with headroom",
    said: { type: "utilization-detector", headroom: 0.2 },
    endpoints: [
      { ...fresh, waiting: 5 },
      { ...fresh, waiting: 6 },
    ],
    kept: [0],
  },
  {
    name: "fails open",
    said: { type: "utilization-detector" },
    endpoints: [{ ...fresh, waiting: 9 }, { scrapedAt: undefined }],
    kept: [0, 1],
  },
  {
    name: "below the limit",
    said: { type: "concurrency-detector", maxConcurrency: 10, headroom: 0.15 },
    endpoints: [{ inFlight: 10 }, { inFlight: 11 }],
    kept: [0],
  },
  {
    name: "by tokens",
    said: { type: "concurrency-detector", concurrencyMode: "tokens", maxTokenConcurrency: 100 },
    endpoints: [{ inFlight: 500, inFlightTokens: 99 }, { inFlightTokens: 100 }],
    kept: [0],
  },
  {
    name: "by both; does not fail open",
    said: { type: "concurrency-detector", concurrencyMode: "hybrid", maxConcurrency: 2, maxTokenConcurrency: 100 },
    endpoints: [{ inFlight: 2 }, { inFlightTokens: 100 }],
    kept: [],
  },
  {
    name: "a threshold",
    said: {
      type: "endpoint-attribute-filter",
      attribute: "vllm:num_requests_waiting",
      algorithm: { type: "threshold", threshold: { operator: "LessThanOrEqual", value: 2 } },
    },
    endpoints: [{ waiting: 2 }, { waiting: 3 }, { scrapedAt: undefined, waiting: 9 }],
    kept: [0, 2],
  },
  {
    name: "missing fails",
    said: {
      type: "endpoint-attribute-filter",
      attribute: "dcgm",
      onMissing: "Fail",
      algorithm: { type: "threshold", threshold: { operator: "Equal", value: 2 } },
    },
    endpoints: [{}, {}],
    kept: [],
  },
  {
    name: "missing fails, falls back",
    said: {
      type: "endpoint-attribute-filter",
      attribute: "dcgm",
      onMissing: "Fail",
      fallbackOnEmpty: true,
      algorithm: { type: "threshold", threshold: { operator: "NotEqual", value: 2 } },
    },
    endpoints: [{}, {}],
    kept: [0, 1],
  },
  {
    name: "all of an unknown session",
    said: { type: "session-affinity-filter" },
    endpoints: [{}, {}],
    request: { session: "s" },
    kept: [0, 1],
  },
  {
    name: "on the same host",
    said: { type: "topology-affinity-filter" },
    endpoints: labelled("kubernetes.io/hostname", "h", "i", "h"),
    peer: 0,
    kept: [0, 2],
  },
  {
    name: "all where none is near",
    said: { type: "topology-affinity-filter", minAffinity: "rack" },
    endpoints: labelled("topology.kubernetes.io/zone", "z", "z"),
    peer: 0,
    kept: [0, 1],
  },
  {
    name: "no other stage",
    said: { type: "topology-affinity-filter" },
    endpoints: labelled("kubernetes.io/hostname", "h", "i"),
    kept: [0, 1],
  },
  { name: "passes all through", said: { type: "context-length-aware" }, endpoints: range, kept: [0, 1, 2, 3] },
  {
    name: "in range, or without label",
    said: { type: "context-length-aware", enableFiltering: true },
    endpoints: range,
    kept: [0, 2],
  },
];

it("has an example of every filter", () => {
  const shown = new Set(EXAMPLES.map(({ said }) => said.type));
  expect(filters.all.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

it.each(EXAMPLES)("$said.type: $name", ({ said, endpoints, known, request, peer, draw, kept }) => {
  const rng: Rng =
    draw === undefined ? rngOf(1).stream("filter") : { next: () => draw, below: () => expect.fail("draws a share") };
  const plugin = filters.create(filters.schema.parse(said), knowing(known ?? {}, rng));
  const pods = endpoints.map((endpoint, at) => endpointOf(`pod-${at}`, endpoint));
  const ask = askOf(pods, request, { peer: peer ?? -1, now: instant(now) });
  expect(keptBy((a, into) => plugin.keep(a, into), ask)).toEqual(kept);
});

it("session-affinity-filter: only the session's endpoint, while it is there", () => {
  const plugin = filters.create(
    filters.schema.parse({ type: "session-affinity-filter", strategy: "session_id" }),
    knowing({}),
  );
  const [a, b, c] = ["a", "b", "c"].map((name) => endpointOf(name)) as [Endpoint, Endpoint, Endpoint];
  const keeps = (endpoints: Endpoint[]) =>
    keptBy((ask, into) => plugin.keep(ask, into), askOf(endpoints, { session: "s" }));
  plugin.placed?.(askOf([a, b, c], { session: "s" }), { primary: 1, prefill: -1 });
  expect(keeps([a, b, c])).toEqual([1]);
  expect(keeps([a, c])).toEqual([0, 1]);
});
