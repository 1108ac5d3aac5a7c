import { describe, expect, it } from "vitest";
import { usualStartSeconds } from "../../src/twin/usual-start.ts";
import { Quickstart } from "./quickstart.ts";

const startOf = (start: object) => {
  const quickstart = new Quickstart();
  quickstart.simulation.spec.overrides = { ...quickstart.simulation.spec.overrides, start };
  const mirrored = quickstart.mirror();
  if (!mirrored.ok) throw new Error(JSON.stringify(mirrored.problems));
  const [workload] = mirrored.value.scenario.workloads;
  if (workload === undefined) throw new Error("no workload");
  return workload.start;
};

describe("how long a pod usually takes from its node to ready", () => {
  it("is its phases and the probe after them", () => {
    const phases = { imagePull: { mean: "10s" }, modelLoad: { mean: "40s" }, engineInit: { mean: "31s" } };
    const { probe } = startOf(phases);
    const { initialDelaySeconds: first, periodSeconds: period } = probe;
    const probes = Math.ceil((71 - first) / period);
    expect(usualStartSeconds(startOf(phases))).toBe(10 + first + probes * period);
  });

  it("is what was measured as a whole, probes included", () => {
    const start = startOf({ untilReady: { mean: "2m", deviation: "9s" } });
    expect(usualStartSeconds(start)).toBeCloseTo(120, 6);
    expect([start.imagePullSeconds.mean, start.modelLoadSeconds.mean, start.engineInitSeconds]).toEqual([
      0,
      0,
      { mean: 120, deviation: 9 },
    ]);
  });
});
