import { afterEach, describe, expect, it } from "vitest";
import type { Drift } from "../../src/report/drift/index.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { World } from "../../src/twin/world.ts";
import { DriftFollower } from "../../src/worker/drift-follower.ts";
import { observeWindow } from "../../src/worker/observe-window.ts";
import { driftScenario } from "../bench/drift.ts";
import { type Prometheus, startPrometheus } from "../env/prometheus.ts";
import { playProduction } from "../synthetic-production.ts";

const SECONDS = 1500;
const START = Math.floor(Date.now() / 60_000) * 60 - SECONDS - 600;
const SELECTOR = '{namespace="inference"}';

let prometheus: Prometheus | undefined;
afterEach(() => prometheus?.stop());

/** A twin of the right speed under production's own traffic, beside a production that is slower by a factor. */
const follow = async (stepFactor: number): Promise<readonly (Drift | undefined)[]> => {
  const played = playProduction(
    { ...driftScenario(stepFactor, 2), seed: 7 },
    { startSeconds: START, seconds: SECONDS, scrapeSeconds: 15 },
  );
  prometheus = await startPrometheus({ backfill: played.openMetrics });
  const access = { url: prometheus.url };
  const stepMicros = 30e6;
  const window = {
    selector: SELECTOR,
    metrics: "Auto",
    stepMicros,
    fromSeconds: START,
    toSeconds: START + SECONDS,
  } as const;
  const { steps } = await observeWindow(access, window, Date.now() / 1000);
  const traffic = { kind: "observed", steps, stepMicros, repeated: false, rateScale: 1 } as const;
  const scenario = { ...driftScenario(1, 2), traffic };
  const world = new World(scenario);
  const models = scenario.workloads.map(({ modelName }) => modelName);
  const follower = new DriftFollower({ live: { selector: SELECTOR, models }, access, startSeconds: START });
  const said: (Drift | undefined)[] = [];
  for (let at = 0; at <= SECONDS; at += 60) {
    world.runUntil((at * 1e6) as SimTime);
    await follower.look(world, (at * 1e6) as SimTime);
    said.push(follower.drift);
  }
  return said;
};

describe("DriftFollower, beside a production that a real Prometheus has scraped", () => {
  it("finds a 15 % slower engine, and that it is the engine", async () => {
    const said = await follow(1.15);
    expect(said.slice(0, 5)).toEqual(new Array(5).fill(undefined));
    expect(said.at(-1)).toMatchObject({ drifted: true, cause: "EngineDiffers" });
    expect(said.at(-1)?.message).toContain("production's engine is slower");
    const ratio = said.at(-1)?.compared.find(({ metric }) => metric === "itl_mean")?.ratio as number;
    expect(1 / ratio).toBeGreaterThan(1.1);
    expect(1 / ratio).toBeLessThan(1.25);
  });

  it("finds nothing where the twin is right", async () => {
    const said = await follow(1);
    expect(said.map((drift) => drift?.drifted)).not.toContain(true);
    expect(said.at(-1)?.drifted).toBe(false);
  });
});
