import { describe, expect, it } from "vitest";
import { boundedStatus, MOST_STATUS_BYTES } from "../../../src/operator/bounded-status.ts";
import { emptyHeld } from "../../../src/operator/held.ts";
import { statusOf } from "../../../src/operator/status.ts";
import { sweepStatus } from "../../../src/operator/sweep/sweep-status.ts";
import type { Swept, Tried } from "../../../src/operator/sweep/swept.ts";
import type { InferenceSimulation } from "../../../src/schema/resource.ts";
import { simulationStatus } from "../../../src/schema/simulation-status.ts";

const tried = (cost: number, frontier = false, value: unknown = cost): Tried => ({
  values: [value],
  score: { violation: 0, attainment: 0.99, cost, costUnit: "gpuHours" },
  replications: 3,
  frontier,
});
const swept = (all: readonly Tried[], patch: unknown = { spec: { maxReplicas: 3 } }): Swept => ({
  simulation: "inference/chat",
  search: "Grid",
  parameters: ["HorizontalPodAutoscaler/inference/chat /spec/maxReplicas"],
  combinations: all.length,
  tried: all,
  impossible: [],
  recommended: { values: [3], patches: [], mergePatch: { object: "HorizontalPodAutoscaler/inference/chat", patch } },
});
const statusWith = (result: Swept | undefined, before?: ReturnType<typeof statusOf>) => {
  const simulation = { spec: { sweep: {}, objectives: [] } } as unknown as InferenceSimulation;
  const sweep = { tried: 0, replications: 0, ...(result === undefined ? {} : { swept: result }) };
  const preview = {
    ...{ inputDigest: "d", restore: before !== undefined, abort: new AbortController(), beganMillis: 0 },
    ...{ progress: [], reports: [] },
    ...(before === undefined ? { sweep } : {}),
    state: result === undefined && before === undefined ? ("running" as const) : ("finished" as const),
  };
  return statusOf({ ...emptyHeld("inference/chat"), simulation, preview }, 1, before, new Date(0));
};

describe("the status of a sweep", () => {
  it("has the best and the frontier of a thousand, within its bounds whatever they are", () => {
    const long = "x".repeat(200_000);
    const many = Array.from({ length: 1000 }, (_, i) => tried(i + 1, i === 900, i === 5 ? long : i));
    const status = boundedStatus(statusWith(swept(many, long)));
    expect(simulationStatus.parse(status)).toEqual(status);
    expect(JSON.stringify(status).length).toBeLessThan(MOST_STATUS_BYTES);
    expect(status.sweep?.best.map(({ cost }) => cost)).toEqual([...Array.from({ length: 19 }, (_, i) => i + 1), 901]);
    // A part of a patch is no patch.
    expect(status.sweep?.recommended).toEqual({
      values: ["3"],
      patches: "[]",
      object: "HorizontalPodAutoscaler/inference/chat",
    });
  });

  it("is Ready with what is recommended, and stalled where nothing is", () => {
    const { recommended: _, ...none } = swept([tried(1)]);
    const [met, missed] = [statusWith(swept([tried(1)])), statusWith(none)];
    const ready = ({ conditions }: typeof met) => conditions.find(({ type }) => type === "Ready")?.status;
    expect([met.phase, met.verdict, ready(met)]).toEqual(["Succeeded", "Passed", "True"]);
    expect([missed.phase, missed.verdict, ready(missed)]).toEqual(["Failed", "Failed", "False"]);
  });

  it("is what an earlier process found, where that stands there already", () => {
    const before = statusWith(swept([tried(1)]));
    expect(statusWith(undefined, before).sweep).toEqual(sweepStatus(swept([tried(1)])));
    expect(statusWith(undefined, before).verdict).toBe("Passed");
  });

  it("says that it is under way", () => {
    const { phase, conditions } = statusWith(undefined);
    expect([phase, conditions.find(({ type }) => type === "Reconciling")?.reason]).toEqual(["Running", "Sweeping"]);
  });
});
