import { describe, expect, it } from "vitest";
import { rngOf } from "../../../src/sim/rng.ts";
import { type ObservedClass, ObservedSource, type ObservedStep } from "../../../src/workload/observed/index.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { drain } from "../drain.ts";

const STEP = 30_000_000;
const lengths = (bound: number, count = 300) => ({ bounds: [bound, 2 * bound], counts: [0, count, 0], sum: undefined });
const llama = (requests: number, more: Partial<ObservedClass> = {}): ObservedClass => ({
  name: "llama",
  model: "llama",
  requests,
  prompts: lengths(100),
  outputs: lengths(10),
  ...more,
});
const stepsOf = (...all: (readonly ObservedClass[])[]): ObservedStep[] =>
  all.map((classes, i) => ({ fromMicros: i * STEP, classes, coverage: 1 }));
const source = (steps: readonly ObservedStep[] | undefined, more = {}, seed = 1) =>
  new ObservedSource(
    { ...(steps === undefined ? {} : { steps }), stepMicros: STEP, repeated: false, rateScale: 1, ...more },
    rngOf(seed),
  );
const perStep = (requests: readonly { arrival: number }[], count: number): number[] =>
  Array.from({ length: count }, (_, i) => requests.filter(({ arrival }) => Math.floor(arrival / STEP) === i).length);

describe("ObservedSource", () => {
  it("sends in each step as many requests as were seen in it, in order of arrival", () => {
    forAllSeeds(20, (rng) => {
      const counts = Array.from({ length: 6 }, () => rng.below(50));
      const requests = drain(source(stepsOf(...counts.map((count) => [llama(count)])), {}, rng.below(1e6)));
      expect(perStep(requests, 6)).toEqual(counts);
      expect(requests.every(({ arrival }, i) => arrival >= (requests[i - 1]?.arrival ?? 0))).toBe(true);
      expect(requests.map(({ id }) => id)).toEqual(requests.map((_, i) => i));
    });
  });

  it("loses no part of a request that lies across two steps", () => {
    expect(drain(source(stepsOf([llama(0.4)], [llama(0.4)], [llama(0.2)])))).toHaveLength(1);
  });

  it("draws lengths from the histograms of the time, and falls back on those near it", () => {
    const silent = llama(20);
    const { prompts: _, ...withoutPrompts } = silent;
    const changed = stepsOf([silent], [withoutPrompts], [llama(20, { prompts: lengths(1000) })]);
    const requests = drain(source(changed));
    const of = (step: number) => requests.filter(({ arrival }) => Math.floor(arrival / STEP) === step);
    const within = (step: number, from: number, to: number) =>
      of(step).every(({ promptTokens }) => promptTokens > from && promptTokens <= to);
    expect([within(0, 100, 200), within(1, 100, 200), within(2, 1000, 2000)]).toEqual([true, true, true]);
  });

  it("gives a gateway's class the lengths that the engines tell of its model", () => {
    const [gateway, engine] = [
      { name: "llama/priority=1", model: "llama", priority: 1, requests: 10 },
      llama(0, { prompts: lengths(500) }),
    ];
    const requests = drain(source(stepsOf([gateway, engine]), { sloClasses: { "1": "critical" } }));
    expect(requests).toHaveLength(10);
    expect(requests[0]).toMatchObject({ client: "llama/priority=1", model: "llama", sloClass: "critical" });
    expect(requests.every(({ promptTokens }) => promptTokens > 500)).toBe(true);
  });

  it("makes up no lengths: it leaves out requests of which none was told, and counts them", () => {
    const alone = source(stepsOf([{ name: "llama", model: "llama", requests: 12 }]));
    expect(drain(alone)).toEqual([]);
    expect(alone.dropped.lines).toBe(12);
  });

  it("shares so much of the prompts that hits come out as they were", () => {
    const requests = drain(source(stepsOf([llama(2000, { prefix: { queried: 1000, found: 600 } })])));
    const tokens = requests.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
    const whole = requests.reduce(
      (sum, { prefix }) => sum + (prefix?.kind === "group" ? 16 * Math.floor(prefix.tokens / 16) : 0),
      0,
    );
    expect(whole / tokens).toBeCloseTo(0.6, 2);
    expect(new Set(requests.map(({ prefix }) => prefix?.kind === "group" && prefix.key)).size).toBe(1);
  });

  it("comes again, if it is to, and ends otherwise", () => {
    const twice = source(stepsOf([llama(3)], [llama(1)]), { repeated: true });
    const requests = Array.from({ length: 12 }, () => twice.next()).flatMap((drawn) =>
      drawn.kind === "request" ? [drawn.request] : [],
    );
    expect(perStep(requests, 6)).toEqual([3, 1, 3, 1, 3, 1]);
    expect(source(stepsOf([]), { repeated: true }).next()).toEqual({ kind: "ended" });
  });

  it("is fed the same steps as it would be given, line by line", () => {
    const steps = stepsOf([llama(30)], [], [llama(7)]);
    const text = steps.map((step) => `${JSON.stringify(step)}\n`).join("");
    const [middle, fed] = [Math.floor(text.length / 2), source(undefined)];
    expect(drain(fed, [text.slice(0, middle), text.slice(middle)])).toEqual(drain(source(steps)));
  });
});
