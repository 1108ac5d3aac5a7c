import { describe, expect, it } from "vitest";
import { type PodStart, planStart, planStop, scaleInOrder } from "../../../src/controlplane/pods/index.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { forAllSeeds } from "../../for-all-seeds.ts";
import { at, podView } from "../hpa/fixtures.ts";

const fixed = (mean: number) => ({ mean, deviation: 0 });
const start = (change: Partial<PodStart> = {}): PodStart => ({
  scheduleSeconds: fixed(1),
  imagePullSeconds: fixed(30),
  modelLoadSeconds: fixed(40),
  engineInitSeconds: fixed(20),
  probe: { initialDelaySeconds: 15, periodSeconds: 10 },
  ...change,
});

describe("planStart", () => {
  const rng = rngOf(1).stream("pod");

  it("adds up phases, and waits for the probe after the engine is up", () =>
    expect(planStart(at(100), start(), rng)).toEqual({
      scheduled: at(101),
      started: at(131),
      loaded: at(171),
      serving: at(191),
      // Probes come 15, 25 ... 55, 65 s after the container's start; the engine is up 60 s after it.
      ready: at(196),
    }));

  it.each([
    { name: "a probe at the very instant counts", init: 25, delay: 15, period: 10, ready: 65 },
    { name: "a microsecond later it is the next", init: 25.000_001, delay: 15, period: 10, ready: 75 },
    { name: "the initial delay is the least", init: 0, delay: 300, period: 10, ready: 300 },
    { name: "without initial delay", init: 21, delay: 0, period: 5, ready: 65 },
  ])("$name", ({ init, delay, period, ready }) => {
    const probe = { initialDelaySeconds: delay, periodSeconds: period };
    const plan = planStart(at(0), start({ engineInitSeconds: fixed(init), probe }), rng);
    expect((plan.ready - plan.started) / 1e6).toBe(ready);
  });

  it("draws with the mean and deviation that are given", () => {
    const lengths: number[] = [];
    forAllSeeds(4000, (_, seed) => {
      const plan = planStart(
        at(0),
        start({ scheduleSeconds: { mean: 240, deviation: 120 } }),
        rngOf(seed).stream("pod"),
      );
      lengths.push(plan.scheduled / 1e6);
    });
    const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
    const deviation = Math.sqrt(lengths.reduce((sum, length) => sum + (length - mean) ** 2, 0) / lengths.length);
    expect(Math.abs(mean - 240)).toBeLessThan(8);
    expect(Math.abs(deviation - 120)).toBeLessThan(15);
  });

  it("draws a phase alike, whatever the width of those before it", () => {
    const wide = { modelLoadSeconds: { mean: 100, deviation: 20 } };
    const load = (imagePullSeconds: PodStart["imagePullSeconds"]) => {
      const plan = planStart(at(0), start({ ...wide, imagePullSeconds }), rngOf(7).stream("pod"));
      return plan.loaded - plan.started;
    };
    expect(load(fixed(0))).toBe(load({ mean: 30, deviation: 10 }));
  });

  it("keeps its instants in order", () =>
    forAllSeeds(200, (rng) => {
      const any = () => ({ mean: rng.below(300), deviation: rng.below(100) });
      const plan = planStart(
        at(rng.below(1000)),
        {
          scheduleSeconds: any(),
          imagePullSeconds: any(),
          modelLoadSeconds: any(),
          engineInitSeconds: any(),
          probe: { initialDelaySeconds: rng.below(60), periodSeconds: 1 + rng.below(30) },
        },
        rng,
      );
      const instants = [plan.scheduled, plan.started, plan.loaded, plan.serving, plan.ready];
      expect(instants).toEqual([...instants].sort((a, b) => a - b));
    }));
});

describe("planStop", () => {
  it.each([
    { name: "defaults abort at once", grace: 30, preStop: 0, timeout: 0, sigterm: 0, abort: 0, sigkill: 30 },
    { name: "KServe drains", grace: 60, preStop: 15, timeout: 45, sigterm: 15, abort: 60, sigkill: 60 },
    { name: "llm-d drains", grace: 60, preStop: 0, timeout: 30, sigterm: 0, abort: 30, sigkill: 60 },
    {
      name: "a kill comes before the drain's end",
      grace: 30,
      preStop: 15,
      timeout: 45,
      sigterm: 15,
      abort: 30,
      sigkill: 30,
    },
    {
      name: "a hook is cut off by the grace, 2 s remain",
      grace: 30,
      preStop: 60,
      timeout: 45,
      sigterm: 30,
      abort: 32,
      sigkill: 32,
    },
    { name: "no grace", grace: 0, preStop: 15, timeout: 0, sigterm: 0, abort: 0, sigkill: 2 },
  ])("$name", ({ grace, preStop, timeout, sigterm, abort, sigkill }) => {
    const stop = { gracePeriodSeconds: grace, preStopSeconds: preStop, shutdownTimeoutSeconds: timeout };
    expect(planStop(at(100), stop)).toEqual({
      endpointRemoved: at(100),
      sigterm: at(100 + sigterm),
      abort: at(100 + abort),
      sigkill: at(100 + sigkill),
    });
  });
});

describe("scaleInOrder", () => {
  const now = at(10_000);
  const ready = (name: string, age: number) => podView(name, { readyChangedAt: at(10_000 - age) });
  const order = (pods: readonly ReturnType<typeof podView>[], seed = 1) =>
    scaleInOrder(pods, now, rngOf(seed).stream("scale-in"));

  it("takes pending before running, not ready before ready, new before old", () =>
    expect(
      order([
        ready("old", 8000),
        ready("young", 100),
        podView("loading", { ready: false }),
        podView("pending", { phase: "Pending", ready: null, startedAt: undefined }),
      ]),
    ).toEqual(["pending", "loading", "young", "old"]));

  it("takes the younger of two that aren't ready", () => {
    const loading = (name: string, age: number) => podView(name, { ready: false, createdAt: at(10_000 - age) });
    expect(order([loading("first", 400), loading("second", 30)])).toEqual(["second", "first"]);
  });

  it("tells ages apart by powers of two only, and else by chance", () => {
    // 2^39 ns is 549.8 s: 530 s and 540 s are one rank, 560 s is another.
    const firsts = Array.from({ length: 60 }, (_, seed) => order([ready("a", 540), ready("b", 530)], seed + 1)[0]);
    expect(new Set(firsts)).toEqual(new Set(["a", "b"]));
    for (let seed = 1; seed <= 60; seed += 1) expect(order([ready("a", 560), ready("b", 540)], seed)[0]).toBe("b");
  });

  it("names each pod once", () =>
    forAllSeeds(100, (rng) => {
      const pods = Array.from({ length: rng.below(20) }, (_, index) => ready(`pod-${index}`, rng.below(9000)));
      expect([...scaleInOrder(pods, now, rng)].sort()).toEqual(pods.map(({ name }) => name).sort());
    }));
});
