import { describe, expect, it } from "vitest";
import { AutoCalibration } from "../../src/operator/calibration/auto-calibration.ts";
import { calibratedCondition, calibrationEvent } from "../../src/operator/calibration/condition.ts";
import { unfitted, withFitted, withFittedSources, withFound } from "../../src/operator/calibration/fitted-spec.ts";
import { agrees, calibrationOf, type Found } from "../../src/operator/calibration/found.ts";
import type { HeldCalibration } from "../../src/operator/calibration/held-calibration.ts";
import { replayOf } from "../../src/operator/calibration/replay-of.ts";
import { emptyHeld } from "../../src/operator/held.ts";
import { statusOf } from "../../src/operator/status.ts";
import { DEFAULT_LIMITS } from "../../src/schema/limits.ts";
import { parseSimulation } from "../../src/schema/parse.ts";
import type { KubeObject, Store, StoredObject } from "../../src/store/store.ts";
import { withReplicasOf } from "../../src/worker/calibration/held-replicas.ts";
import type { Block } from "../../src/worker/calibration/production-blocks.ts";
import type { PreviewPool } from "../../src/worker/pool.ts";
import { scenario, workload } from "../twin/scenario-fixture.ts";

const engineAt = (stepFactor: number) => ({
  values: [{ name: "stepFactor", before: 1, after: stepFactor, low: stepFactor - 0.02, high: stepFactor + 0.02 }],
  untold: ["narrowArithmeticFactor"],
  misfit: { before: 90.123456, after: 4 },
  corrections: { stepFactor, stepDeviation: 0.01 },
  requests: 7000.4,
  seconds: 3300,
});
const start = {
  value: { name: "startUntilReadySeconds", before: 155, after: 120.04, low: 110, high: 130 },
  untilReady: { mean: "120s", deviation: "9.5s" },
  starts: 6,
};
const found = (stepFactor: number, inputDigest = "d", more: { start?: typeof start } = {}): Found =>
  calibrationOf({
    engine: engineAt(stepFactor),
    said: { perLayerMicros: 2 },
    untilSeconds: 1_800_000_000,
    inputDigest,
    ...more,
  });

const stored = (mode: string, spec: object = {}, status?: object): StoredObject => ({
  object: {
    apiVersion: "servetwin.dev/v1alpha1",
    kind: "InferenceSimulation",
    metadata: { name: "live", namespace: "inference" },
    spec: {
      mode,
      calibration: "Auto",
      mirror: { workloads: [{ kind: "Deployment", name: "llama" }] },
      workload: { prometheus: { url: "http://prometheus:9090", window: "30m" } },
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  } as KubeObject,
});
const readOf = (one: StoredObject, replicas = 2, maxNumSeqs = 64) => {
  const parsed = parseSimulation(one.object, {});
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const base = workload({ replicas });
  const said = scenario({ workloads: [{ ...base, engine: { ...base.engine, maxNumSeqs } }] });
  return { simulation: parsed.value, scenario: said, values: [], candidates: [], reads: [] };
};

describe("what was fitted", () => {
  it("is a block that stands beside what was said, and is simulated with as if it were said", () => {
    const block = { perLayerMicros: 2, stepFactor: 1.15, stepDeviation: 0.01 };
    expect(found(1.15)).toMatchObject({
      overrides: { engine: { latencyCorrections: block } },
      misfit: { before: 90.12, after: 4 },
      requests: 7000,
      until: "2027-01-15T08:00:00Z",
    });
    const said = stored("Shadow", {
      overrides: { replicas: 3, engine: { latencyCorrections: { perLayerMicros: 2 } } },
    });
    const { object } = withFound(said, found(1.15));
    expect(withFitted(object).spec).toMatchObject({
      overrides: { replicas: 3, engine: { latencyCorrections: block } },
    });
    const off = withFound(stored("Shadow", { calibration: "Off" }), found(1.15));
    expect(withFitted(off.object)).toBe(off.object);
    expect(unfitted(object)).toEqual([]);
    expect(unfitted(off.object)).toEqual([]);
    expect(unfitted(stored("Preview").object)).toMatchObject([{ severity: "warning", reason: "NotFitted" }]);
    expect(withFound(withFound(said, found(1.15)), undefined).object.status).toEqual({});
    const values = ["perLayerMicros", "stepFactor"].map((name) => ({
      path: name,
      value: 1,
      from: { kind: "override" as const, field: `spec.overrides.engine.latencyCorrections.${name}` },
    }));
    expect(withFittedSources(values, object).map(({ from }) => from.kind)).toEqual(["override", "derived"]);
  });

  it("has how long pods take to start, in place of their phases", () => {
    const phases = { schedule: { mean: "3s" }, modelLoad: { mean: "90s" } };
    const { object } = withFound(stored("Shadow", { overrides: { start: phases } }), found(1.15, "d", { start }));
    const { untilReady } = start;
    expect(withFitted(object).spec).toMatchObject({ overrides: { start: { schedule: phases.schedule, untilReady } } });
    expect(withFitted(object).spec).not.toHaveProperty("overrides.start.modelLoad");
    expect(readOf({ object: withFitted(object) }).simulation.spec.overrides.start?.untilReady).toEqual(untilReady);
    expect(found(1.15).untold).toContain("startUntilReadySeconds");
  });

  it("stays where a later fit says no other", () => {
    expect(agrees(found(1.15), found(1.16))).toBe(true);
    expect(agrees(found(1.15), found(1.2))).toBe(false);
    expect(agrees(found(1.15), { ...found(1.16), values: [] })).toBe(false);
  });
});

describe("the window that is fitted to", () => {
  const prometheusOf = (object: KubeObject) =>
    (object.spec as { workload: { prometheus: { offset?: string; until?: string } } }).workload.prometheus;

  it("is a preview's own, and a Shadow's last whose samples are in", () => {
    expect(prometheusOf(replayOf(stored("Preview").object)).offset).toBeUndefined();
    expect(prometheusOf(replayOf(stored("Shadow").object)).offset).toBe("2m");
    const until = "2026-01-31T18:00:00Z";
    const fixed = { workload: { prometheus: { url: "http://prometheus:9090", until } } };
    expect(prometheusOf(replayOf(stored("Shadow", fixed).object))).toEqual(fixed.workload.prometheus);
    expect(replayOf(stored("Shadow", { objectives: [{}] }).object).spec).toMatchObject({ mode: "Replay" });
  });

  it("is run with production's replicas, stretch by stretch, and no autoscaler", () => {
    const block = (fromSeconds: number, replicas: number) => ({ fromSeconds, interval: { replicas } }) as Block;
    const blocks = [block(300, 3), block(400, 5)];
    const held = withReplicasOf(scenario({ workloads: [workload()] }), blocks);
    expect(held.scenario.workloads[0]?.replicas).toBe(3);
    expect(held.scenario.autoscalers).toEqual([]);
    expect(held.scales).toEqual([{ seconds: 400, replicas: 5 }]);
    const two = scenario({ workloads: [workload(), workload({ name: "other" })] });
    expect(withReplicasOf(two, blocks)).toEqual({ scenario: two, scales: [] });
  });
});

describe("when an engine is fitted", () => {
  const NOW = Date.parse("2027-01-15T09:00:00Z");
  const automatic = () =>
    new AutoCalibration({
      store: {} as Store,
      pool: {} as PreviewPool,
      limits: DEFAULT_LIMITS,
      allowedUrls: [],
      changed: () => undefined,
      now: () => new Date(NOW),
      log: () => undefined,
    });
  const heeded = (one: StoredObject, before?: HeldCalibration, ...read: [number?, number?]) => {
    const held = { ...emptyHeld("inference/live"), ...(before === undefined ? {} : { calibration: before }) };
    const auto = automatic();
    auto.recall(held, one);
    auto.heed(held, one, readOf(one, ...read), held.calibration?.found);
    return held.calibration;
  };

  it("is at once, and a preview waits for it", () => {
    expect(heeded(stored("Preview"))).toMatchObject({ dueMillis: NOW, awaited: true });
    expect(heeded(stored("Shadow"))).toMatchObject({ dueMillis: NOW, awaited: false });
    expect(heeded(stored("Shadow", { calibration: "Off" }))).toBeUndefined();
  });

  it("is not again where the status has it: of a preview never, of a Shadow after six hours", () => {
    for (const [mode, due] of [
      ["Preview", Number.POSITIVE_INFINITY],
      ["Shadow", Date.parse("2027-01-15T14:00:00Z")],
    ] as const) {
      const { inputDigest = "" } = heeded(stored(mode)) ?? {};
      const status = { calibration: found(1.15, inputDigest) };
      expect(heeded(stored(mode, {}, status))).toMatchObject({ dueMillis: due, awaited: false, ...{ inputDigest } });
    }
  });

  it("is anew when the engine changes, of a Shadow after a whole window, and not when replicas do", () => {
    for (const [mode, wait, kept] of [
      ["Preview", 0, undefined],
      ["Shadow", 1_800_000, 1.15],
    ] as const) {
      const { inputDigest = "" } = heeded(stored(mode)) ?? {};
      const one = stored(mode, {}, { calibration: found(1.15, inputDigest) });
      const changed = heeded(one, undefined, 2, 32);
      expect(changed).toMatchObject({ dueMillis: NOW + wait, awaited: mode === "Preview" });
      expect(changed?.found?.values[0]?.after).toBe(kept);
      expect(heeded(one, undefined, 7)?.inputDigest).toBe(inputDigest);
    }
  });
});

describe("the condition Calibrated", () => {
  const held: HeldCalibration = { inputDigest: "d", dueMillis: 0, awaited: false };
  const problem = { severity: "error" as const, reason: "NotEnoughData", message: "too little" };
  const said = (more: Partial<HeldCalibration>) => {
    const { status, reason } = calibratedCondition({ ...held, ...more }, new Date(5000));
    return `${status} ${reason}`;
  };

  it("says how it stands", () => {
    expect(said({})).toBe("Unknown Fitting");
    expect(said({ found: found(1.15) })).toBe("True Fitted");
    expect(said({ found: found(1.15), problem })).toBe("True Fitted");
    expect(said({ problem })).toBe("False NotEnoughData");
    expect(said({ found: found(1.15, "older"), dueMillis: 9000 })).toBe("Unknown WaitingForWindow");
    expect(calibratedCondition({ ...held, found: found(1.15) }, new Date(0)).message).toBe(
      "fitted to 7000 requests in 55 min until 2027-01-15T08:00:00Z: stepFactor 1.15 (1.13 to 1.17)",
    );
  });

  it("is told as an Event when it turns, not with every look", () => {
    const statusWith = (calibration: Partial<HeldCalibration>) =>
      statusOf({ ...emptyHeld("a/b"), calibration: { ...held, ...calibration } }, 1, undefined, new Date(0));
    const [fitting, fitted, failed] = [{}, { found: found(1.15) }, { problem }].map(statusWith);
    const eventOf = (before: typeof fitting, after: typeof fitting) =>
      after === undefined ? undefined : calibrationEvent(before, after)?.reason;
    expect(eventOf(undefined, fitting)).toBeUndefined();
    expect(eventOf(fitting, fitted)).toBe("Calibrated");
    expect(eventOf(fitted, fitted)).toBeUndefined();
    expect(eventOf(fitted, statusWith({ found: found(1.3) }))).toBe("Calibrated");
    expect(eventOf(fitting, failed)).toBe("NotEnoughData");
    expect(eventOf(failed, failed)).toBeUndefined();
  });

  it("is what a preview waits with", () => {
    const waits = statusOf({ ...emptyHeld("a/b"), calibration: { ...held, awaited: true } }, 1, undefined, new Date(0));
    expect(waits.phase).toBe("Running");
    expect(waits.conditions.find(({ type }) => type === "Reconciling")).toMatchObject({
      status: "True",
      reason: "Fitting",
    });
  });
});
