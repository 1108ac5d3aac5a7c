import { describe, expect, it } from "vitest";
import { Gateway, type Watch } from "../../src/dataplane/gateway.ts";
import { type PolicySaid, routingPolicies } from "../../src/dataplane/policies/index.ts";
import { Scheduler } from "../../src/dataplane/scheduler.ts";
import { schedulingSaid } from "../../src/dataplane/scheduling.ts";
import { prefixKeys } from "../../src/model/prefix-keys.ts";
import type { RequestHead } from "../../src/model/request.ts";
import { rngOf } from "../../src/sim/rng.ts";
import { instant } from "../../src/sim/time.ts";
import { DEFAULT_SCHEDULING } from "./default-scheduling.ts";

/** A prompt of 200 tokens, of which others share the first 160. */
const prompt = (id: number): RequestHead => ({
  id,
  arrival: instant(0),
  promptTokens: 200,
  prefix: { kind: "group", key: "g", tokens: 160 },
});
const schedulerOf = (...types: readonly string[]): Scheduler =>
  new Scheduler(
    schedulingSaid.parse({
      producers: types.map((type) => ({ name: `our-${type}`, plugin: { type } })),
      profiles: [{ name: "default" }],
    }),
    rngOf(1),
  );
const policyOf = (policy: object) =>
  routingPolicies.create(routingPolicies.schema.parse(policy), { rng: rngOf(1).stream("gateway") });

const APPROX = "approx-prefix-cache-producer";
const PRECISE = "precise-prefix-cache-producer";

describe("what a gateway takes to be cached of a prompt", () => {
  /** Three blocks of 16 are told of `b`; then the same prompt comes twice. @returns what was believed the second time */
  const believed = (by: Scheduler | ReturnType<typeof policyOf>) => {
    const gateway = new Gateway(by);
    for (const name of ["a", "b"]) gateway.join(name);
    const strand = prefixKeys(prompt(0), 16).strandOf(0);
    gateway.observeKv({ kind: "stored", endpoint: "b", strand, from: 0, to: 3 }, instant(0));
    const to = gateway.route(prompt(1)) ?? "";
    const watch: Watch = { runs: [] };
    gateway.place(prompt(2), instant(0), watch);
    const [a, b] = watch.cachedTokens ?? [];
    return { to, a, b };
  };

  it.each([
    {
      name: "the default picker: where it sent blocks of 64",
      by: new Scheduler(DEFAULT_SCHEDULING, rngOf(1)),
      tokens: 128,
    },
    {
      name: "production-stack: where it sent chunks of 32",
      by: policyOf({ policy: "production-stack-prefixaware" }),
      tokens: 160,
    },
    { name: "SGLang: where it sent blocks of 16", by: policyOf({ policy: "sglang-cache-aware" }), tokens: 160 },
  ])("$name", ({ by, tokens }) => {
    const { to, ...cached } = believed(by);
    expect(cached).toEqual({ a: 0, b: 0, [to]: tokens });
  });

  it.each([
    { name: "a precise index", by: schedulerOf(PRECISE) },
    { name: "a precise index beside an approximate one", by: schedulerOf(APPROX, PRECISE) },
    { name: "Dynamo", by: policyOf({ policy: "dynamo-kv" }) },
    { name: "production-stack's kvaware", by: policyOf({ policy: "production-stack-kvaware" }) },
  ])("$name: what engines say", ({ by }) => expect(believed(by)).toMatchObject({ a: 0, b: 48 }));

  it.each<{ readonly name: string; readonly by: Scheduler | ReturnType<typeof policyOf> }>([
    { name: "a picker without a prefix index", by: schedulerOf() },
    ...(["round-robin", "least-queue", "service"] as const satisfies readonly PolicySaid["policy"][]).map((policy) => ({
      name: policy,
      by: policyOf({ policy }),
    })),
  ])("$name: nothing", ({ by }) => expect(believed(by)).toMatchObject({ a: undefined, b: undefined }));

  it("no more than the prompt has", () => {
    const gateway = new Gateway(policyOf({ policy: "production-stack-prefixaware" }));
    gateway.join("a");
    const whole: RequestHead = { ...prompt(1), promptTokens: 160 };
    gateway.place(whole, instant(0));
    const watch: Watch = { runs: [] };
    gateway.place({ ...whole, id: 2 }, instant(0), watch);
    expect(watch.cachedTokens).toEqual([160]);
  });
});
