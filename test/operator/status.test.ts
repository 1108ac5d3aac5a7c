import { describe, expect, it } from "vitest";
import { emptyHeld } from "../../src/operator/held.ts";
import { statusOf } from "../../src/operator/status.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { World } from "../../src/twin/world.ts";
import type { ShadowSnapshot } from "../../src/worker/protocol.ts";
import { scenario } from "../twin/scenario-fixture.ts";

const said = scenario({ horizonMicros: undefined });
const world = new World(said);
world.runUntil(60e6 as SimTime);
const snapshot: ShadowSnapshot = {
  simulatedSeconds: 60,
  lagSeconds: 0,
  families: [],
  replicas: { spec: 1, ready: 1 },
  ...world.progress(60e6 as SimTime),
};
const statusWith = (more: Partial<ShadowSnapshot>) => {
  const shadow = {
    inputDigest: "d",
    scale: undefined,
    state: "following" as const,
    snapshot: { ...snapshot, ...more },
  };
  const status = statusOf({ ...emptyHeld("ns/shadow"), scenario: said, shadow }, 1, undefined, new Date(0));
  return status.runs?.[0];
};

describe("the status of a Shadow", () => {
  it("has each key figure with its band, and what widens it", () => {
    const { mean = 0 } = statusWith({})?.kpis.e2eP50Seconds ?? {};
    expect(mean).toBeGreaterThan(0);
    const bands = { e2eP50Seconds: { p10: 0.8 * mean, p90: 1.3 * mean } };
    const run = statusWith({ bands, notes: ["the bands are wider, for no X was measured"] });
    expect(run?.kpis.e2eP50Seconds?.p10).toBeCloseTo(0.8 * mean, 4);
    expect(run?.kpis.e2eP50Seconds?.p90).toBeCloseTo(1.3 * mean, 4);
    expect(run?.notes).toEqual(["the bands are wider, for no X was measured"]);
  });

  it("has the figure alone where there are no bands", () => {
    const figure = statusWith({})?.kpis.e2eP50Seconds;
    expect([figure?.p10, figure?.p90]).toEqual([figure?.mean, figure?.mean]);
  });
});
