import { describe, expect, it } from "vitest";
import { emptyHeld, type HeldPreview } from "../../src/operator/held.ts";
import { sameStatus, statusOf } from "../../src/operator/status.ts";
import type { InferenceSimulation } from "../../src/schema/resource.ts";
import type { SimulationStatus } from "../../src/schema/simulation-status.ts";
import type { SimTime } from "../../src/sim/time.ts";
import { World } from "../../src/twin/world.ts";
import type { ShadowSnapshot } from "../../src/worker/protocol.ts";
import type { Push, PushState } from "../../src/worker/remote-write/push.ts";
import { scenario } from "../twin/scenario-fixture.ts";

const said = scenario({ horizonMicros: undefined });
const world = new World(said);
world.runUntil(60e6 as SimTime);
const snapshot: ShadowSnapshot = {
  simulatedSeconds: 60,
  lagSeconds: 0,
  untilSeconds: 60,
  replicas: { spec: 1, ready: 1 },
  ...world.progress(60e6 as SimTime),
};
const wholeStatusWith = (more: Partial<ShadowSnapshot>) => {
  const shadow = {
    inputDigest: "d",
    beganMillis: 0,
    scale: undefined,
    state: "following" as const,
    snapshot: { ...snapshot, ...more },
  };
  return statusOf({ ...emptyHeld("ns/shadow"), scenario: said, shadow }, 1, undefined, new Date(0));
};
const statusWith = (more: Partial<ShadowSnapshot>) => wholeStatusWith(more).runs?.[0];

describe("the status of a preview whose series are pushed", () => {
  const simulation = { spec: { export: { remoteWrite: {} }, objectives: [] } } as unknown as InferenceSimulation;
  const none = { sent: 0, failed: 0, dropped: 0, pending: 0, untilMillis: undefined, done: false };
  const statusWithPush = (state: Partial<PushState>) => {
    const push = { state: { ...none, waitsFor: undefined, refusal: undefined, ...state } } as Push;
    const preview = previewHeld({ push });
    return statusOf({ ...emptyHeld("ns/preview"), simulation, scenario: said, preview }, 1, undefined, new Date(0));
  };
  const previewHeld = (more: Partial<HeldPreview>): HeldPreview => ({
    inputDigest: "d",
    restore: false,
    abort: new AbortController(),
    beganMillis: 0,
    state: "finished",
    progress: [],
    reports: [],
    ...more,
  });
  const pushedOf = ({ conditions }: SimulationStatus) => {
    const { status, reason, message } = conditions.find(({ type }) => type === "Pushed") ?? {};
    return [status, reason, message];
  };

  it("says how it stands, what is worst first", () => {
    expect(pushedOf(statusWithPush({ pending: 5 }))).toEqual(["Unknown", "Pushing", "samples are being sent"]);
    expect(pushedOf(statusWithPush({ sent: 7, done: true }))).toEqual(["True", "Pushed", "7 samples were sent"]);
    expect(pushedOf(statusWithPush({ failed: 2, refusal: "too old", done: true }))).toEqual([
      "False",
      "SamplesRefused",
      "2 samples were refused: too old",
    ]);
    expect(pushedOf(statusWithPush({ dropped: 3, done: true }))[1]).toBe("SamplesDropped");
    expect(pushedOf(statusWithPush({ failed: 2, waitsFor: "away" }))).toEqual([
      "False",
      "ReceiverUnavailable",
      "away; it is tried again",
    ]);
    const { remoteWrite } = statusWithPush({ sent: 7, done: true, untilMillis: 1500 });
    expect(remoteWrite).toEqual({ sent: 7, failed: 0, dropped: 0, until: "1970-01-01T00:00:01.500Z" });
  });

  it("keeps what an earlier process pushed", () => {
    const before = statusWithPush({ sent: 7, done: true, untilMillis: 1500 });
    const held = { ...emptyHeld("ns/preview"), simulation, scenario: said };
    const after = statusOf({ ...held, preview: previewHeld({ restore: true }) }, 1, before, new Date(9));
    expect([after.remoteWrite, pushedOf(after)]).toEqual([before.remoteWrite, pushedOf(before)]);
    // While it is run again for what lives in memory only, nothing of it changes, and nothing is there twice.
    const restoring = previewHeld({ restore: true, state: "running" });
    expect(statusOf({ ...held, preview: restoring }, 1, before, new Date(9)).conditions).toEqual(before.conditions);
    const anew = statusOf({ ...held, preview: previewHeld({}) }, 1, before, new Date(9));
    expect([anew.remoteWrite, pushedOf(anew)[0]]).toEqual([undefined, undefined]);
  });
});

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

  it("keeps the last figures while it begins anew, so that whoever reads /scale finds replicas", () => {
    const shadow = { inputDigest: "d", beganMillis: 0, scale: undefined, state: "following" as const };
    const held = { ...emptyHeld("ns/shadow"), scenario: said };
    const before = statusOf({ ...held, shadow: { ...shadow, snapshot } }, 1, undefined, new Date(0));
    const after = statusOf({ ...held, shadow }, 1, before, new Date(0));
    expect(after.phase).toBe("Mirroring");
    expect([after.replicas, after.runs]).toEqual([1, before.runs]);
  });

  it("says that it is interrupted when the operator stops", () => {
    const shadow = { inputDigest: "d", beganMillis: 0, scale: undefined, state: "following" as const, snapshot };
    const held = { ...emptyHeld("ns/shadow"), scenario: said, shadow, interrupted: true as const };
    const { conditions } = statusOf(held, 1, undefined, new Date(0));
    expect(conditions.map(({ type, status, reason }) => [type, status, reason])).toContainEqual([
      "Reconciling",
      "True",
      "Interrupted",
    ]);
  });

  it("has what is wrong with its control loops", () => {
    const finding = {
      name: "flapping",
      severity: "warning" as const,
      object: "HorizontalPodAutoscaler/ns/hpa",
      message: "it flaps",
      evidence: { changes: 12.3456789 },
      fix: "a longer window",
    };
    const shadow = {
      ...{ inputDigest: "d", beganMillis: 0, scale: undefined, state: "following" as const, snapshot },
      loops: { findings: [finding] },
    };
    const status = statusOf({ ...emptyHeld("ns/shadow"), scenario: said, shadow }, 1, undefined, new Date(0));
    expect(status.runs?.[0]?.findings).toEqual([{ ...finding, evidence: { changes: 12.3457 } }]);
  });

  it("has the figure alone where there are no bands", () => {
    const figure = statusWith({})?.kpis.e2eP50Seconds;
    expect([figure?.p10, figure?.p90]).toEqual([figure?.mean, figure?.mean]);
  });

  it("says whether it has drifted from production, by how much, and why", () => {
    const drift = {
      drifted: true,
      cause: "EngineDiffers",
      message: "production's engine is slower than the simulated one",
      compared: [{ metric: "itl_mean", ratio: 0.86412, confidence: 0.99987 }],
    } as const;
    const status = wholeStatusWith({ drift });
    const condition = status.conditions.find(({ type }) => type === "Drifted");
    expect(condition).toMatchObject({ status: "True", reason: "EngineDiffers", message: drift.message });
    expect(status.drift?.metrics).toEqual([{ metric: "itl_mean", ratio: 0.864, confidence: 1 }]);
    const known = wholeStatusWith({ drift: { drifted: undefined, message: "too little is known yet", compared: [] } });
    expect(known.conditions.find(({ type }) => type === "Drifted")?.status).toBe("Unknown");
    expect(wholeStatusWith({}).conditions.map(({ type }) => type)).not.toContain("Drifted");
  });

  it("says that live traffic can't be read, and that it is tried again", () => {
    const problem = { severity: "error", reason: "PrometheusUnreachable", message: "nobody answers" } as const;
    const { conditions, phase } = wholeStatusWith({ traffic: { kind: "waiting", problem } });
    expect(phase).toBe("Following");
    expect(conditions.map(({ type, status }) => [type, status])).toEqual([
      ["Ready", "False"],
      ["Reconciling", "True"],
      ["Stalled", "False"],
      ["Mirrored", "False"],
    ]);
    expect(conditions[0]).toMatchObject({ reason: "PrometheusUnreachable", message: "nobody answers" });
  });

  it("has what was read of live traffic among its values, and what is to be known about it among its warnings", () => {
    const value = { path: "traffic.ratePerSecond.mean", value: 4.2, from: { kind: "derived", how: "x" } } as const;
    const warning = { severity: "warning", reason: "TrafficGaps", message: "few samples" } as const;
    const status = wholeStatusWith({ traffic: { kind: "read", values: [value], warnings: [warning] } });
    expect(status.mirrored?.at(-1)).toMatchObject({ path: "traffic.ratePerSecond.mean", value: "4.2" });
    expect(status.warnings).toEqual(["few samples"]);
  });
});

describe("whether a status is news", () => {
  const status = wholeStatusWith({});
  const reversed = (value: unknown): unknown =>
    value === null || typeof value !== "object"
      ? value
      : Array.isArray(value)
        ? value.map(reversed)
        : Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([name, part]) => [name, reversed(part)]),
          );
  const onServer = reversed(JSON.parse(JSON.stringify(status))) as SimulationStatus;

  it("isn't for another order of its fields, nor for what is undefined", () => {
    expect(sameStatus(onServer, status)).toBe(true);
    expect(sameStatus(onServer, { ...status, omitted: undefined } as unknown as SimulationStatus)).toBe(true);
    expect(sameStatus({ ...onServer, lagSeconds: 0 }, { ...status, lagSeconds: -0 })).toBe(true);
  });

  it("is for a value, a field or an item more or less, and where there was none", () => {
    const [run] = status.runs ?? [];
    if (run === undefined) throw new Error("no run");
    for (const other of [
      { ...status, phase: "Failed" as const },
      { ...status, replicas: undefined } as unknown as SimulationStatus,
      { ...status, omitted: ["status.mirrored"] },
      { ...status, runs: [] },
      { ...status, runs: [run, run] },
      { ...status, runs: [{ ...run, kpis: { ...run.kpis, preemptions: { mean: 1, p10: 1, p90: 1 } } }] },
    ])
      expect(sameStatus(onServer, other)).toBe(false);
    expect(sameStatus(undefined, status)).toBe(false);
  });
});
