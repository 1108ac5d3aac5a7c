import { describe, expect, it } from "vitest";
import { type ScorerSaid, scorers } from "../../src/dataplane/scorers/index.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { instant } from "../../src/sim/time.ts";
import { endpointOf } from "./any.ts";
import { among, askOf, type Known, knowing, scoresOf } from "./ask.ts";

interface Example {
  readonly name: string;
  readonly said: Readonly<Record<string, unknown>> & { readonly type: ScorerSaid["type"] };
  readonly endpoints: readonly Partial<Endpoint>[];
  readonly scores: readonly number[];
  readonly known?: Known;
  readonly request?: Partial<RequestHead>;
  readonly peer?: number;
  readonly candidates?: readonly number[];
}

const waiting = (...queues: number[]): Partial<Endpoint>[] => queues.map((q) => ({ waiting: q }));
const labelled = (label: string, ...values: (string | undefined)[]): Partial<Endpoint>[] =>
  values.map((value) => ({ labels: value === undefined ? {} : { [label]: value } }));
const lora = (max: number, running: string[], queued: string[]): Partial<Endpoint> => ({
  lora: { max, running, waiting: queued },
});
const range = (...values: (string | undefined)[]) => labelled("llm-d.ai/context-length-range", ...values);
const three = [{}, {}, {}];

const EXAMPLES: readonly Example[] = [
  {
    name: "spreads between shortest and longest",
    said: { type: "queue-scorer" },
    endpoints: waiting(2, 6, 10),
    scores: [1, 0.5, 0],
  },
  { name: "can't tell equals apart", said: { type: "queue-scorer" }, endpoints: waiting(4, 4), scores: [1, 1] },
  {
    name: "scales over the candidates alone",
    said: { type: "queue-scorer" },
    endpoints: waiting(2, 6, 100),
    candidates: [0, 1],
    scores: [1, 0],
  },
  { name: "a single candidate", said: { type: "queue-scorer" }, endpoints: waiting(9), scores: [1] },
  {
    name: "free share",
    said: { type: "kv-cache-utilization-scorer" },
    endpoints: [{ kvUsage: 0.25 }, { kvUsage: 1 }, {}],
    scores: [0.75, 0, 1],
  },
  {
    name: "running, turned round",
    said: { type: "running-requests-size-scorer" },
    endpoints: [{ running: 10 }, { running: 0 }, { running: 5 }],
    scores: [0, 1, 0.5],
  },
  {
    name: "on a fixed scale, half at best",
    said: { type: "load-aware-scorer" },
    endpoints: waiting(0, 32, 128, 500),
    scores: [0.5, 0.375, 0, 0],
  },
  {
    name: "by a threshold of one's own",
    said: { type: "load-aware-scorer", threshold: 10 },
    endpoints: waiting(5),
    scores: [0.25],
  },
  {
    name: "a useless threshold means the default",
    said: { type: "load-aware-scorer", threshold: 0 },
    endpoints: waiting(64),
    scores: [0.25],
  },
  {
    name: "counts in flight",
    said: { type: "active-request-scorer" },
    endpoints: [{ inFlight: 3 }, {}, { inFlight: 6 }],
    scores: [0.5, 1, 0],
  },
  { name: "nobody busy", said: { type: "active-request-scorer" }, endpoints: [{}, {}], scores: [1, 1] },
  {
    name: "idle up to a threshold",
    said: { type: "active-request-scorer", idleThreshold: 1, maxBusyScore: 0.5 },
    endpoints: [{ inFlight: 1 }, { inFlight: 2 }, { inFlight: 4 }],
    scores: [1, 0.25, 0],
  },
  {
    name: "or not at all",
    said: { type: "active-request-scorer", maxBusyScore: 0 },
    endpoints: [{ inFlight: 1 }, {}, { inFlight: 2 }],
    scores: [0, 1, 0],
  },
  {
    name: "tokens in flight and to come",
    said: { type: "token-load-scorer", queueThresholdTokens: 1000 },
    endpoints: [{ inFlightTokens: 100 }, {}, { inFlightTokens: 5000 }],
    known: { uncached: [150, 0, 0] },
    scores: [0.75, 1, 0],
  },
  {
    name: "share of the prompt",
    said: { type: "prefix-cache-scorer" },
    endpoints: three,
    known: { matched: [0, 5, 10], total: 10 },
    scores: [0, 0.5, 1],
  },
  {
    name: "a prompt without blocks",
    said: { type: "prefix-cache-scorer" },
    endpoints: three,
    known: { total: 0 },
    scores: [0, 0, 0],
  },
  {
    name: "length counts by its square",
    said: { type: "prefix-cache-scorer", matchLengthWeight: 0.5, matchLengthScaleTokens: 640 },
    endpoints: three,
    known: { matched: [0, 5, 20], total: 20, blockSize: 64 },
    scores: [0, 0.25, 1],
  },
  {
    name: "the old spelling of it",
    said: { type: "precise-prefix-cache-scorer" },
    endpoints: three,
    known: { matched: [0, 5, 10], total: 10 },
    scores: [0, 0.5, 1],
  },
  {
    name: "never used ones in order",
    said: { type: "no-hit-lru-scorer" },
    endpoints: three,
    known: { total: 9 },
    scores: [1, 0.5, 0],
  },
  {
    name: "a hit anywhere leaves all neutral",
    said: { type: "no-hit-lru-scorer" },
    endpoints: three,
    known: { matched: [0, 1, 0], total: 9 },
    scores: [0.5, 0.5, 0.5],
  },
  { name: "one candidate", said: { type: "no-hit-lru-scorer" }, endpoints: [{}], known: { total: 9 }, scores: [1] },
  {
    name: "active, free slot, waits, none",
    said: { type: "lora-affinity-scorer" },
    endpoints: [lora(1, ["a"], []), lora(2, ["b"], []), lora(1, ["b"], ["a"]), lora(1, ["b"], []), {}],
    request: { adapter: "a" },
    scores: [1, 0.8, 0.6, 0, 0],
  },
  {
    name: "no adapter: free slots",
    said: { type: "lora-affinity-scorer" },
    endpoints: [lora(1, ["a"], []), lora(2, ["a"], [])],
    scores: [0, 0.8],
  },
  {
    name: "an unknown session",
    said: { type: "session-affinity-scorer" },
    endpoints: three,
    request: { session: "s" },
    scores: [0, 0, 0],
  },
  {
    name: "ranges",
    said: { type: "context-length-aware" },
    endpoints: range("0-10000", "100-100", "0-50", "200-900", undefined, "x", "9-1"),
    scores: [0.3 + 0.7 * (0.7 * 0.5 + 0.3 * 0.99), 1, 0.3 / 1.05, 0.3 / 1.1, 0.5, 0, 0].map(
      (s) => Math.round(s * 1e9) / 1e9,
    ),
  },
  {
    name: "without predictions a blend",
    said: { type: "latency-scorer" },
    endpoints: [
      { kvUsage: 0.4, waiting: 0 },
      { kvUsage: 0, waiting: 4 },
    ],
    known: { matched: [5, 0], total: 10 },
    scores: [0.7, 0.33],
  },
  {
    name: "nobody waits",
    said: { type: "latency-scorer" },
    endpoints: [{}, {}],
    known: { total: 0 },
    scores: [0.67, 0.67],
  },
  {
    name: "tight headroom first",
    said: { type: "latency-scorer" },
    endpoints: three,
    known: { ttftHeadroomMs: [100, 300, -50], tpotHeadroomMs: [10, 10, 10] },
    scores: [1.01, 0.01, 0],
  },
  {
    name: "or much of it",
    said: { type: "latency-scorer", headroomSelectionStrategy: "most" },
    endpoints: three,
    known: { ttftHeadroomMs: [100, 300, -50], tpotHeadroomMs: [10, 10, 10] },
    scores: [0.01, 1.01, 0],
  },
  {
    name: "both targets weigh",
    said: { type: "latency-scorer" },
    endpoints: [{}, {}, {}],
    known: { ttftHeadroomMs: [0, 100, 50], tpotHeadroomMs: [10, 0, 5] },
    // EPP cuts 100 x (1 - 0.8) = 19.99… off to 19.
    scores: [0.81, 0.2, 0.51],
  },
  {
    name: "idle ones where all would miss",
    said: { type: "latency-scorer" },
    endpoints: [{ inFlight: 1 }, {}, {}],
    known: { ttftHeadroomMs: [-1, -200, -100], tpotHeadroomMs: [0, 0, 0] },
    scores: [0, 0.01, 1.01],
  },
  {
    name: "TPOT missed alone before TTFT missed alone",
    said: { type: "latency-scorer" },
    endpoints: [{ inFlight: 1 }, { inFlight: 1 }, { inFlight: 1 }],
    known: { ttftHeadroomMs: [-1, 10, -1], tpotHeadroomMs: [1, -5, -1] },
    scores: [0, 0.51, 0],
  },
  {
    name: "near the other stage",
    said: { type: "topology-affinity-scorer" },
    endpoints: [
      { labels: { "topology.kubernetes.io/zone": "z", "kubernetes.io/hostname": "h" } },
      ...labelled("kubernetes.io/hostname", "h"),
      ...labelled("topology.kubernetes.io/zone", "z", "y", undefined),
    ],
    peer: 0,
    scores: [1, 1, 0.05, 0, 0],
  },
  {
    name: "no other stage",
    said: { type: "topology-affinity-scorer" },
    endpoints: labelled("kubernetes.io/hostname", "h", "h"),
    scores: [0, 0],
  },
  {
    name: "label named in a header",
    said: { type: "header-label-affinity-scorer", headerName: "X-LLM-D-Inference-Fairness-ID", labelKey: "tenant" },
    endpoints: labelled("tenant", "acme", "other", undefined),
    request: { tenant: "acme" },
    scores: [1, 0, 0],
  },
  {
    name: "no such header",
    said: { type: "header-label-affinity-scorer", headerName: "x-colour", labelKey: "tenant" },
    endpoints: labelled("tenant", "acme", undefined),
    request: { tenant: "acme" },
    scores: [0, 0],
  },
  {
    name: "adaptive range",
    said: {
      type: "endpoint-attribute-scorer",
      attributeKey: "vllm:num_requests_running",
      algorithm: { type: "linear_higher_is_better" },
    },
    endpoints: [{ running: 1 }, { running: 5 }, { running: 3 }, { scrapedAt: undefined }],
    scores: [0, 1, 0.5, 0],
  },
  {
    name: "all equal",
    said: {
      type: "endpoint-attribute-scorer",
      attributeKey: "vllm:num_requests_running",
      algorithm: { type: "linear_lower_is_better", normalization: { adaptiveRange: {} } },
    },
    endpoints: [{ running: 2 }, { running: 2 }],
    scores: [1, 1],
  },
  {
    name: "fixed range",
    said: {
      type: "endpoint-attribute-scorer",
      attributeKey: "vllm:kv_cache_usage_perc",
      algorithm: { type: "linear_lower_is_better", normalization: { fixedRange: { min: 0.5, max: 1 } } },
    },
    endpoints: [{ kvUsage: 0.1 }, { kvUsage: 0.75 }, { scrapedAt: undefined }],
    scores: [1, 0.5, 0],
  },
  {
    name: "an attribute that nobody has",
    said: { type: "endpoint-attribute-scorer", attributeKey: "dcgm", algorithm: { type: "linear_lower_is_better" } },
    endpoints: [{}, {}],
    scores: [0, 0],
  },
  {
    name: "on the candidates' scale",
    said: { type: "precise-prefix-cache" },
    endpoints: three,
    known: { matched: [2, 4, 6], total: 10 },
    scores: [0, 0.5, 1],
  },
  {
    name: "all equal: 1, where EPP says 0",
    said: { type: "precise-prefix-cache" },
    endpoints: three,
    known: { total: 10 },
    scores: [1, 1, 1],
  },
  {
    name: "1 / (1 + load)",
    said: { type: "load-balance" },
    endpoints: [{}, { waiting: 1, running: 1, inFlight: 1 }],
    scores: [1, 0.25],
  },
  {
    name: "4 q + r",
    said: { type: "vllm-dp" },
    endpoints: [{ waiting: 1, running: 0 }, { running: 8 }, { running: 6 }],
    scores: [1, 0, 0.5],
  },
  {
    name: "resident",
    said: { type: "lora-affinity" },
    endpoints: [lora(1, ["a"], []), lora(1, [], []), {}],
    request: { adapter: "a" },
    scores: [1, 0, 0],
  },
  {
    name: "resident everywhere, or no adapter",
    said: { type: "lora-affinity" },
    endpoints: [lora(1, ["b"], []), {}],
    scores: [1, 1],
  },
];

it("has an example of every scorer", () => {
  const shown = new Set(EXAMPLES.map(({ said }) => said.type));
  expect(scorers.all.map(({ name }) => name).filter((name) => !shown.has(name))).toEqual([]);
});

it.each(EXAMPLES)("$said.type: $name", ({ said, endpoints, known, request, peer, candidates, scores }) => {
  const plugin = scorers.create(scorers.schema.parse(said), knowing(known ?? {}));
  const pods = endpoints.map((endpoint, at) => endpointOf(`pod-${at}`, endpoint));
  const ask = askOf(pods, request, { peer: peer ?? -1 });
  if (candidates !== undefined) among(ask, candidates);
  expect(scoresOf((a, into) => plugin.score(a, into), ask)).toEqual(scores);
});

describe("no-hit-lru-scorer", () => {
  const pods = ["a", "b", "c"].map((name) => endpointOf(name));
  const scoring = (known: Known = { total: 9 }) => {
    const plugin = scorers.create(scorers.schema.parse({ type: "no-hit-lru-scorer" }), knowing(known));
    let decision = 0;
    return (primary?: number, prefill = -1): number[] => {
      const ask = askOf(pods, {}, { decision: ++decision });
      const scores = scoresOf((a, into) => plugin.score(a, into), ask);
      if (primary !== undefined) plugin.placed?.(ask, { primary, prefill });
      return scores;
    };
  };

  it("sends cold requests to the least recently used", () => {
    const score = scoring();
    expect(score(1)).toEqual([1, 0.5, 0]);
    expect(score(2)).toEqual([1, 0, 0.5]);
    expect(score(0)).toEqual([1, 0.5, 0]);
    expect(score(1)).toEqual([0, 1, 0.5]);
    expect(score()).toEqual([0.5, 0, 1]);
  });

  it("moves the prefill endpoint too", () => {
    const score = scoring();
    score(0, 2);
    expect(score()).toEqual([0.5, 1, 0]);
  });

  it("is not moved by warm requests", () => {
    const score = scoring({ matched: [1, 0, 0], total: 9 });
    expect([score(1), score()]).toEqual([
      [0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5],
    ]);
  });
});

describe("session-affinity-scorer", () => {
  const pods = ["a", "b"].map((name) => endpointOf(name));
  const make = (strategy: string) =>
    scorers.create(scorers.schema.parse({ type: "session-affinity-scorer", strategy }), knowing({}));

  it("encoded_endpoint_header: the client knows its endpoint once the response has begun", () => {
    const plugin = make("encoded_endpoint_header");
    const ask = askOf(pods, { id: 7, session: "s" });
    const score = () => scoresOf((a, into) => plugin.score(a, into), ask);
    plugin.placed?.(ask, { primary: 1, prefill: -1 });
    expect(score()).toEqual([0, 0]);
    plugin.firstToken?.(7, "b", instant(1));
    expect(score()).toEqual([0, 1]);
    const others = askOf(pods, { session: "other" });
    expect(scoresOf((a, into) => plugin.score(a, into), others)).toEqual([0, 0]);
  });

  it("session_id: stays bound while its endpoint is there, and is forgotten at a sweep after 300 s", () => {
    const plugin = make("session_id");
    let decision = 0;
    const at = (seconds: number, endpoints: readonly Endpoint[], primary: number): number[] => {
      const ask = askOf(endpoints, { session: "s" }, { now: instant(seconds * 1e6), decision: ++decision });
      const scores = scoresOf((a, into) => plugin.score(a, into), ask);
      plugin.placed?.(ask, { primary, prefill: -1 });
      return scores;
    };
    expect(at(1, pods, 1)).toEqual([0, 0]);
    expect(at(2, pods, 0)).toEqual([0, 1]); // went elsewhere, is still bound
    expect(at(3, pods, 1)).toEqual([0, 1]);
    expect(at(302, pods, 1)).toEqual([0, 1]);
    expect(at(611, pods, 0)).toEqual([0, 0]); // last seen at 302 s, swept at 610 s
    expect(at(612, [pods[1] as Endpoint], 0)).toEqual([0]); // its endpoint is gone: bound anew
    expect(at(613, pods, 1)).toEqual([0, 1]);
  });
});
