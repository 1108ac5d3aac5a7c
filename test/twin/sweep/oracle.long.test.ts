import { describe, expect, it } from "vitest";
import { findOracle, type WholeRun } from "../../../src/operator/sweep/find-oracle.ts";
import type { Objective } from "../../../src/report/objectives.ts";
import type { Report } from "../../../src/report/report.ts";
import type { SimTime } from "../../../src/sim/time.ts";
import type { Scenario } from "../../../src/twin/scenario.ts";
import { aloneAt, leastOf } from "../../../src/twin/sweep/oracle.ts";
import { World } from "../../../src/twin/world.ts";
import { scenario, workload } from "../scenario-fixture.ts";

const OBJECTIVES: readonly Objective[] = [{ metric: "ttft", percentile: 95, atMost: "500ms" }];
const day = (of: Scenario): Report => {
  const world = new World(of);
  world.runUntil(of.horizonMicros as SimTime);
  return world.report({ scenarioDigest: "d", version: "0" }, of.horizonMicros as SimTime);
};
const run: WholeRun = async (of) => ({ ok: true, value: day(of), warnings: [] });
const timeline = (arrivalsPerSecond: readonly number[]) =>
  ({
    bucketSeconds: 60,
    atSeconds: arrivalsPerSecond.map((_, i) => 60 * i),
    columns: { arrivalsPerSecond },
  }) as unknown as Report["timeline"];

describe("the least that traffic takes", () => {
  it("is at each step as many replicas as its arrivals need, from the end of the warm-up to the horizon", () => {
    // Warm-up to the middle of the second step, an end in the middle of the last.
    const course = { timeline: timeline([50, 9, 10, 11, 0, 30]), warmUpSeconds: 90, horizonSeconds: 330 };
    expect(leastOf(course, 10, 2)).toEqual({
      replicaPerSecond: 10,
      gpuHours: (2 * (1 * 30 + 1 * 60 + 2 * 60 + 0 + 3 * 30)) / 3600,
      mostReplicas: 3,
      stepSeconds: 60,
    });
  });
});

describe("one replica alone", () => {
  it("gets the same requests, at one rate", () => {
    const said = scenario({ horizonMicros: 1200e6 });
    const seen = (of: Scenario) => {
      const requests: { id: number; at: number; tokens: readonly number[] }[] = [];
      const world = new World(of, (fact) => {
        if (fact.kind !== "arrived") return;
        const { id, promptTokens, outputTokens } = fact.request;
        requests.push({ id, at: fact.at, tokens: [promptTokens, outputTokens] });
      });
      world.runUntil(of.horizonMicros as SimTime);
      return requests;
    };
    const [usual, alone] = [seen(said), seen(aloneAt(said, 2))];
    expect(alone.length).toBeGreaterThan(2200);
    expect(alone.length).toBeLessThan(2600);
    const both = Math.min(usual.length, alone.length);
    expect(alone.slice(0, both).map(({ tokens }) => tokens)).toEqual(usual.slice(0, both).map(({ tokens }) => tokens));
    expect(alone.every(({ at }, i) => at >= (alone[i - 1]?.at ?? 0))).toBe(true);
  });
});

describe("the oracle", () => {
  it("knows what one replica holds: a tenth more is too much, a tenth less is not", async () => {
    const said = scenario({ horizonMicros: 600e6 });
    const oracle = await findOracle(said, OBJECTIVES, run);
    if (typeof oracle === "string") throw new Error(oracle);
    const p95 = (share: number) => day(aloneAt(said, share * oracle.replicaPerSecond)).kpis.ttftSeconds.p95;
    expect(p95(0.9)).toBeLessThanOrEqual(0.5);
    expect(p95(1.1)).toBeGreaterThan(0.5);
  }, 60_000);

  it("says why there is none", async () => {
    const said = scenario({ horizonMicros: 60e6 });
    const two = { ...said, workloads: [workload(), { ...workload(), name: "other" }] };
    expect(await findOracle(two, OBJECTIVES, run)).toMatch(/several workloads/);
    expect(await findOracle(said, [{ metric: "gpuHours", atMost: "1" }], run)).toMatch(/no objective bounds/);
    const { traffic } = said;
    if (traffic.kind !== "synthetic") throw new Error("the fixture's traffic is synthetic");
    for (const requests of [100, 600]) {
      const few = { ...said, traffic: { ...traffic, synthetic: { ...traffic.synthetic, requests } } };
      expect(await findOracle(few, OBJECTIVES, run)).toMatch(/too few requests/);
    }
    const hopeless: Objective = { metric: "ttft", percentile: 50, atMost: "1us" };
    expect(await findOracle(said, [hopeless], run)).toMatch(/misses the objectives at any rate/);
  }, 60_000);
});
