import { describe, expect, it } from "vitest";
import { wishOf } from "../../../src/controlplane/blis-autoscaler/allocation.ts";
import { analyseTokens, type BlisVariant } from "../../../src/controlplane/blis-autoscaler/saturation.ts";
import { SignalTimer } from "../../../src/controlplane/blis-autoscaler/signal-timer.ts";
import type { ControlLoop } from "../../../src/controlplane/control-loop.ts";
import type { ControllerContext, EngineSight } from "../../../src/controlplane/controller.ts";
import { controllers } from "../../../src/controlplane/controllers/index.ts";
import { rngOf } from "../../../src/sim/rng.ts";
import { contextOf, monitoringOf, Scales, scaleOf, sight, target } from "../controller-fixtures.ts";
import { at } from "../hpa/fixtures.ts";

const thresholds = { kvCacheThreshold: 0.8, scaleUpThreshold: 0.8, scaleDownBoundary: 0.4, avgInputTokens: 512 };
const analyse = (...engines: readonly EngineSight[]) => analyseTokens([{ target: target("a"), engines }], thresholds);

// Cases of BLIS's sim/cluster/saturation_analyzer_test.go, with what they come to.
describe("the analysis", () => {
  it("wants nothing without a ready replica, whatever loads", () => {
    expect(analyse()).toMatchObject({ required: 0, spare: 0 });
    expect(analyse(sight({ state: "loading" }))).toMatchObject({ required: 0, spare: 0 });
  });
  it("wants what saturated replicas lack", () => {
    const { required, spare } = analyse(
      sight({ kvTokensInUse: 9000, queued: 10 }),
      sight({ kvTokensInUse: 8500, queued: 8 }),
    );
    expect(required).toBeCloseTo((9000 + 5120 + 8500 + 4096) / 0.8 - 16_000, 6);
    expect(spare).toBe(0);
  });
  it("counts what loads as there already", () => {
    const full = sight({ kvTokensInUse: 9000 });
    expect(analyse(full).required).toBeCloseTo(9000 / 0.8 - 8000, 6);
    expect(analyse(full, sight({ state: "loading" })).required).toBe(0);
  });
  it("spares what idle replicas have too much", () =>
    expect(analyse(...[500, 600, 400].map((kvTokensInUse) => sight({ kvTokensInUse }))).spare).toBeCloseTo(
      24_000 - 1500 / 0.4,
      6,
    ));
  it("spares nothing of a single one, nor where one fewer would be too few", () => {
    expect(analyse(sight()).spare).toBe(0);
    expect(analyse(sight({ kvTokensInUse: 2000 }), sight({ kvTokensInUse: 2000 })).spare).toBe(0);
  });
  it("passes over replicas whose cache is unknown, and those that drain", () =>
    expect(
      analyse(sight({ kvTokensInUse: 9000 }), sight({ kvTokens: 0, queued: 99 }), sight({ state: "draining" }))
        .required,
    ).toBeCloseTo(9000 / 0.8 - 8000, 6));
});

// Cases of BLIS's sim/cluster/engine_test.go.
describe("the engines", () => {
  const a100: BlisVariant = { target: target("a", { cost: 10 }), supply: 8000, demand: 0, replicas: 1 };
  const h100: BlisVariant = {
    target: target("h", { cost: 20, engine: { ...target("h").engine, tensorParallel: 2 } }),
    supply: 16_000,
    demand: 0,
    replicas: 1,
  };
  const both = [h100, a100];

  it("wish nothing without a signal", () => expect(wishOf({ variants: both, required: 0, spare: 0 })).toBeUndefined());
  it.each([
    [100, { target: a100.target, delta: 1 }],
    [8001, { target: a100.target, delta: 2 }],
  ])("more of the cheapest, for %d tokens", (required, wish) =>
    expect(wishOf({ variants: both, required, spare: 0 })).toEqual(wish),
  );
  it.each([
    [50, -1],
    [40_000, -2],
  ])("fewer of the most expensive, for %d tokens", (spare, delta) =>
    expect(wishOf({ variants: [a100, { ...h100, replicas: 2, supply: 32_000 }], required: 0, spare })).toEqual({
      target: h100.target,
      delta,
    }),
  );
  it("greedy: the cheapest that has room for all of them, else none", () => {
    const analysis = { variants: both, required: 20_000, spare: 0 };
    const free = (gpus: Record<string, number>) => (of: { name: string }) => gpus[of.name] ?? 0;
    expect(wishOf(analysis, free({ a: 3, h: 9 }))).toEqual({ target: a100.target, delta: 3 });
    expect(wishOf(analysis, free({ a: 2, h: 4 }))).toEqual({ target: h100.target, delta: 2 });
    expect(wishOf(analysis, free({ a: 2, h: 3 }))).toBeUndefined();
  });
});

describe("the timer", () => {
  const passes = (windowSeconds: number, wished: readonly boolean[]): readonly boolean[] => {
    const timer = new SignalTimer(windowSeconds * 1e6);
    return wished.map((yes, i) => {
      const mayPass = timer.tick(new Set(yes ? ["m"] : []), at(30 * i));
      return yes && mayPass("m");
    });
  };
  it("lets a wish pass that was there all through the window, then starts anew", () =>
    expect(passes(60, [true, true, true, true, true, true])).toEqual([false, false, true, false, false, true]));
  it("starts anew when the wish was gone", () =>
    expect(passes(60, [true, true, false, true, true, true])).toEqual([false, false, false, false, false, true]));
  it("lets all pass at once without a window", () => expect(passes(0, [true, true])).toEqual([true, true]));
});

describe("the loop", () => {
  const loopOf = (said: Record<string, unknown>, engines: ControllerContext["engines"], seed = 1): ControlLoop =>
    controllers.create(
      controllers.schema.parse({ name: "blis-autoscaler", ...said }),
      contextOf([target("chat")], { engines, rng: rngOf(seed).stream("controller/blis-autoscaler") }),
    )[0] as ControlLoop;
  const full = () => [sight({ kvTokensInUse: 9000, queued: 20 })];
  const scales = () => new Scales({ chat: scaleOf("chat", 1) }, monitoringOf([]));

  it("ticks at once and every interval", () => {
    const loop = loopOf({ interval: "10s" }, () => []);
    expect(loop.firstAfter).toBe(0);
    expect(loop.run(scales().view(at(0)))).toEqual({ scales: [], againAfter: 10e6 });
  });
  it("acts at once without a delay", () => {
    const step = loopOf({}, full).run(scales().view(at(0)));
    // (9000 + 20 x 512) / 0.8 - 8000 tokens are missing, of 8000 each.
    expect(step.scales).toEqual([{ workload: "chat", replicas: 4, reason: "v2-saturation" }]);
  });
  it("keeps to what the simulation can hold", () => {
    const loop = controllers.create(
      controllers.schema.parse({ name: "blis-autoscaler" }),
      contextOf([target("chat", { maxReplicas: 2 })], { engines: full }),
    )[0] as ControlLoop;
    expect(loop.run(scales().view(at(0))).scales).toMatchObject([{ replicas: 2 }]);
  });
  it("acts when the delay is over, between ticks, on the scale as it is then", () => {
    const loop = loopOf({ scrapeDelay: { mean: "15s" } }, full);
    const world = scales();
    expect(world.pass(loop, at(0))).toEqual({ scales: [], againAfter: 15e6 });
    world.of.set("chat", scaleOf("chat", 2));
    expect(world.pass(loop, at(15))).toEqual({
      scales: [{ workload: "chat", replicas: 5, reason: "v2-saturation" }],
      againAfter: 15e6,
    });
  });
  it("draws the delay, never below 0, from its stream", () => {
    const delays = (seed: number) => {
      const loop = loopOf({ scrapeDelay: { mean: "1s", deviation: "2s" } }, full, seed);
      return loop.run(scales().view(at(0))).againAfter;
    };
    expect(delays(1)).toBe(delays(1));
    const drawn = Array.from({ length: 40 }, (_, seed) => delays(seed));
    expect(new Set(drawn).size).toBeGreaterThan(20);
    // Those that came out below 0 act at once: the next pass is the next tick.
    expect(drawn.filter((delay) => delay === 30e6).length).toBeGreaterThan(5);
  });
  it("greedy: not above the GPUs, of which what drains holds some still", () => {
    const wanted = (gpus: number, more: readonly EngineSight[] = []) =>
      loopOf({ gpus: { H100: gpus } }, () => [...full(), ...more]).run(scales().view(at(0))).scales[0]?.replicas;
    expect(wanted(4)).toBe(4);
    expect(wanted(3)).toBeUndefined();
    expect(wanted(4, [sight({ state: "draining" })])).toBeUndefined();
  });
  it("takes the last replica too, and never comes back", () => {
    const idle = loopOf({}, () => [sight(), sight()]);
    const world = new Scales({ chat: scaleOf("chat", 2) }, monitoringOf([]));
    world.pass(idle, at(0));
    expect(world.of.get("chat")?.specReplicas).toBe(0);
    expect(loopOf({}, () => []).run(world.view(at(30))).scales).toEqual([]);
  });
});
