import { describe, expect, it } from "vitest";
import type { SimTime } from "../../src/sim/time.ts";
import type { Scenario } from "../../src/twin/scenario.ts";
import { World } from "../../src/twin/world.ts";
import { runSideBySide } from "../../src/worker/side-by-side.ts";
import { scenario, workload } from "../twin/scenario-fixture.ts";

const before = scenario({ horizonMicros: 120e6 });
const after = { ...before, workloads: [{ ...workload(), replicas: 4 }] };
const kpisOf = (of: Scenario, seconds: number) => {
  const world = new World(of);
  world.runUntil((seconds * 1e6) as SimTime);
  return world.progress((seconds * 1e6) as SimTime).kpis;
};

describe("two worlds side by side", () => {
  it("come to what each comes to alone", async () => {
    const seen = await runSideBySide({ before, after, maxTraceBytes: 1e6, wallSeconds: 60 });
    expect(seen.simulatedSeconds).toBe(120);
    expect(seen.before.kpis).toEqual(kpisOf(before, 120));
    expect(seen.after.kpis).toEqual(kpisOf(after, 120));
  });

  it("stand at one moment when time is up", async () => {
    const day = { horizonMicros: 86_400e6 };
    const seen = await runSideBySide({
      before: { ...before, ...day },
      after: { ...after, ...day },
      maxTraceBytes: 1e6,
      wallSeconds: 0.05,
    });
    expect(seen.simulatedSeconds).toBeGreaterThan(0);
    expect(seen.simulatedSeconds).toBeLessThan(86_400);
    expect(seen.after.kpis).toEqual(kpisOf({ ...after, ...day }, seen.simulatedSeconds));
  });

  it("say what is wrong with their trace", async () => {
    const traffic: Scenario["traffic"] = {
      kind: "trace",
      format: "azure-2023",
      input: { kind: "inline", base64: Buffer.from("nonsense").toString("base64"), digest: "d" },
      rateScale: 1,
      startOffsetMicros: 0,
      onError: "Fail",
      maxRequests: 10,
    };
    const broken = { ...before, traffic };
    await expect(runSideBySide({ before: broken, after: broken, maxTraceBytes: 1e6, wallSeconds: 5 })).rejects.toThrow(
      /line 1|header|column/i,
    );
  });
});
