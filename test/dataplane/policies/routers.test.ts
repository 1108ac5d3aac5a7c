import { describe, expect, it } from "vitest";
import { Gateway } from "../../../src/dataplane/gateway.ts";
import { type PolicySaid, routingPolicies } from "../../../src/dataplane/policies/index.ts";
import { prefixKeys } from "../../../src/model/prefix-keys.ts";
import type { RequestHead } from "../../../src/model/request.ts";
import { type Rng, rngOf } from "../../../src/sim/rng.ts";
import { instant } from "../../../src/sim/time.ts";
import { endpointOf } from "../any.ts";

const never: Rng = { next: () => expect.fail("drew without need"), below: () => expect.fail("drew without need") };
const make = (policy: PolicySaid["policy"], rng: Rng = rngOf(1).stream("policy"), params: object = {}) =>
  routingPolicies.create(routingPolicies.schema.parse({ policy, ...params }), { rng });
const pods = (...inFlight: number[]) => inFlight.map((n, at) => endpointOf(`pod-${at}`, { inFlight: n }));
const head = (id: number, more: Partial<RequestHead> = {}): RequestHead => ({
  id,
  arrival: instant(id),
  promptTokens: 640,
  ...more,
});
const group = (key: string): Partial<RequestHead> => ({ prefix: { kind: "group", key, tokens: 640 } });

it("least-loaded: waiting, running and in flight together", () => {
  const endpoints = [
    endpointOf("a", { waiting: 2 }),
    endpointOf("b", { waiting: 1, running: 3 }),
    endpointOf("c", { inFlight: 1 }),
  ];
  expect(make("least-loaded", never).pick(head(0), endpoints, instant(0))).toBe(2);
});

describe("power-of-two", () => {
  const drawing = (...draws: number[]): Rng => ({ ...never, below: () => draws.shift() as number });
  it.each([
    { name: "the second drawn, if it has less", draws: [0, 0], inFlight: [5, 1, 0], picked: 1 },
    { name: "the first, if it has less", draws: [1, 1], inFlight: [5, 1, 9], picked: 1 },
    { name: "the first, if they are equal", draws: [2, 0], inFlight: [1, 0, 1], picked: 2 },
    { name: "two distinct ones", draws: [1, 0], inFlight: [0, 1, 1], picked: 0 },
  ])("picks $name", ({ draws, inFlight, picked }) => {
    expect(make("power-of-two", drawing(...draws)).pick(head(0), pods(...inFlight), instant(0))).toBe(picked);
  });
});

describe("service", () => {
  const endpoints = pods(0, 0, 0, 0, 0, 0, 0, 0);
  it("keeps a client on its connection while it is in use again within 5 s", () => {
    const policy = make("service");
    const first = policy.pick(head(0, { client: "c" }), endpoints, instant(0));
    for (let id = 1; id < 20; id += 1) {
      policy.ended?.(id - 1, instant(id * 4_000_000));
      expect(policy.pick(head(id, { client: "c" }), endpoints, instant(id * 4_000_000 + 1))).toBe(first);
    }
  });

  it("opens further connections for requests at the same time, and new ones after 5 s", () => {
    const policy = make("service");
    const busy = Array.from({ length: 30 }, (_, id) => policy.pick(head(id, { client: "c" }), endpoints, instant(0)));
    expect(new Set(busy).size).toBeGreaterThan(4);
    const fresh = make("service");
    const later = Array.from({ length: 30 }, (_, id) => {
      const picked = fresh.pick(head(id, { client: "c" }), endpoints, instant(id * 10_000_000));
      fresh.ended?.(id, instant(id * 10_000_000 + 1));
      return picked;
    });
    expect(new Set(later).size).toBeGreaterThan(4);
  });
});

it("production-stack-roundrobin: in order of name", () => {
  const policy = make("production-stack-roundrobin", never);
  const endpoints = ["c", "a", "b"].map((name) => endpointOf(name));
  const picked = [0, 1, 2, 3].map((id) => endpoints[policy.pick(head(id), endpoints, instant(id))]?.name);
  expect(picked).toEqual(["a", "b", "c", "a"]);
});

describe("production-stack-disaggregated", () => {
  const endpoints = [
    ["c", "decode"],
    ["z", "prefill"],
    ["a", "decode"],
    ["b", "other"],
    ["y", "prefill-large"],
  ].map(([name, model]) => endpointOf(name as string, { labels: { model: model as string } }));
  const labels = { prefillModelLabels: "prefill,prefill-large", decodeModelLabels: "decode" };

  it.each([
    { name: "the first of either kind, always", orchestrated: false, pairs: ["z>c", "z>c", "z>c"] },
    { name: "each in turn, in order of name", orchestrated: true, pairs: ["y>a", "z>c", "y>a"] },
  ])("$name", ({ orchestrated, pairs }) => {
    const policy = make("production-stack-disaggregated", never, { ...labels, orchestrated });
    const seen = pairs.map((_, id) => policy.pair?.(head(id), endpoints, instant(id)));
    expect(seen.map((pair) => pair && `${endpoints[pair.prefill]?.name}>${endpoints[pair.decode]?.name}`)).toEqual(
      pairs,
    );
  });

  it.each(["prefill", "decode"])("is refused where nobody does the %s", (kind) => {
    const policy = make("production-stack-disaggregated", never, labels);
    const left = endpoints.filter(({ labels: { model } }) => model?.startsWith(kind) === false);
    expect(policy.pair?.(head(0), left, instant(0))).toBeUndefined();
    const gateway = new Gateway(policy);
    for (const { name, labels: own } of left) gateway.join(name, own);
    expect(gateway.place(head(0), instant(0))).toEqual({ kind: "refused", why: "no-endpoints" });
  });
});

describe("production-stack-session", () => {
  it("keeps sessions where they are; a newcomer takes only some", () => {
    const policy = make("production-stack-session", never);
    const at = (session: string, count: number) =>
      policy.pick(head(0, { session }), pods(...new Array(count).fill(0)), instant(0));
    const sessions = Array.from({ length: 200 }, (_, n) => `session-${n}`);
    const before = sessions.map((session) => at(session, 4));
    const after = sessions.map((session) => at(session, 5));
    const moved = after.filter((index, n) => index !== before[n]);
    expect(new Set(before).size).toBe(4);
    expect([...new Set(moved)]).toEqual([4]);
    expect(moved.length).toBeLessThan(80);
  });

  it("sends the rest to whoever never got one, then to the lowest rate of 60 s", () => {
    const policy = make("production-stack-session", never);
    const pick = (seconds: number) => policy.pick(head(0), pods(0, 0), instant(seconds * 1e6));
    expect([pick(0), pick(1), pick(2), pick(3), pick(60.5)]).toEqual([0, 1, 0, 1, 0]);
  });
});

it("production-stack-prefixaware: whoever was sent the longest beginning", () => {
  const policy = make("production-stack-prefixaware");
  const first = policy.pick(head(0, group("a")), pods(0, 0, 0, 0), instant(0));
  for (let id = 1; id < 10; id += 1) {
    expect(policy.pick(head(id, group("a")), pods(0, 0, 0, 0), instant(id))).toBe(first);
  }
  policy.left?.(`pod-${first}`);
  const spread = new Set(
    Array.from({ length: 20 }, (_, id) => policy.pick(head(id, group(`x${id}`)), pods(0, 0, 0, 0), instant(0))),
  );
  expect(spread.size).toBeGreaterThan(2);
});

const stored = (endpoint: string, request: RequestHead, count: number) => ({
  kind: "stored" as const,
  endpoint,
  strand: prefixKeys(request, 16).strandOf(0),
  from: 0,
  to: count,
});

it("production-stack-kvaware: whoever holds most, unless too much is missing", () => {
  const policy = make("production-stack-kvaware", never, { kvAwareThreshold: 320 });
  const request = head(0, group("a"));
  policy.observeKv?.(stored("pod-1", request, 19));
  expect(policy.pick(request, pods(0, 0), instant(0))).toBe(0); // 304 of at least 320
  policy.observeKv?.(stored("pod-1", request, 20));
  expect(policy.pick(request, pods(0, 0), instant(0))).toBe(1);
});

describe("sglang-cache-aware", () => {
  it("follows the prefix while loads are alike, else the least busy", () => {
    const policy = make("sglang-cache-aware", never);
    expect(policy.pick(head(0, group("a")), pods(1, 0), instant(0))).toBe(1);
    expect(policy.pick(head(1, group("a")), pods(0, 64), instant(1))).toBe(1);
    expect(policy.pick(head(2, group("a")), pods(0, 65), instant(2))).toBe(0);
    expect(policy.pick(head(3, group("b")), pods(3, 2), instant(3))).toBe(1);
  });
});

describe("dynamo-kv", () => {
  it("weighs what is missing against what is under way", () => {
    const policy = make("dynamo-kv", never);
    const request = head(0, group("a"));
    policy.observeKv?.(stored("pod-1", request, 40));
    const pick = (id: number) => policy.pick({ ...request, id }, pods(0, 0), instant(id));
    // pod-0: 40 blocks to fill + 40 to hold; pod-1: 0 + 40 and 40 more per request that it has.
    expect(pick(1)).toBe(1);
    policy.firstToken?.(1, instant(1));
    expect(policy.pick({ ...request, id: 2 }, pods(0, 0), instant(2))).toBe(0); // equal: the smaller cache
    policy.ended?.(1, instant(3));
    expect(pick(4)).toBe(1);
  });

  it("draws by cost at a temperature", () => {
    const policy = make("dynamo-kv", rngOf(1).stream("softmax"), { routerTemperature: 0.5 });
    const request = head(0, group("a"));
    policy.observeKv?.(stored("pod-1", request, 40));
    const counts = [0, 0];
    for (let id = 0; id < 2000; id += 1) {
      const picked = policy.pick({ ...request, id }, pods(0, 0), instant(id));
      counts[picked] = (counts[picked] ?? 0) + 1;
      policy.ended?.(id, instant(id));
    }
    // exp(0) against exp(-1 / 0.5): 0.881 of 2000, deviation 14.5.
    expect(Math.abs((counts[1] as number) - 1761.6)).toBeLessThan(5 * 14.5);
  });
});
