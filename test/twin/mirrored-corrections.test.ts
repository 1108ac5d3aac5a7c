import { describe, expect, it } from "vitest";
import { CORRECTIONS } from "../../src/latency/corrections.ts";
import { fitted } from "../../src/latency/fitted.ts";
import { latencyModels } from "../../src/latency/models/index.ts";
import { namedCorrection, namedValue, ownCorrections, ownParameters } from "../../src/latency/named-corrections.ts";
import { Batch } from "../../src/model/batch.ts";
import { describeProblem } from "../../src/model/problem.ts";
import type { WorkloadScenario } from "../../src/twin/scenario.ts";
import { Quickstart } from "./quickstart.ts";

const mirrored = (engine: object, change: (q: Quickstart) => void = () => {}) => {
  const quickstart = new Quickstart();
  quickstart.simulation.spec.overrides = { ...quickstart.simulation.spec.overrides, engine };
  change(quickstart);
  return quickstart.mirror();
};
const workloadOf = (engine: object): WorkloadScenario => {
  const result = mirrored(engine);
  if (!result.ok) throw new Error(result.problems.map(describeProblem).join("\n"));
  return result.value.scenario.workloads[0] as WorkloadScenario;
};
const stepOf = ({ latency, shape, hardware, parallelism, engine }: WorkloadScenario): number => {
  const { mode, asyncScheduling } = engine;
  const batch = new Batch();
  batch.addDecodes(8, 8000);
  return latencyModels.create(latency, { shape, hardware, parallelism, mode, asyncScheduling }).step(batch);
};

describe("corrections of a deployment's own", () => {
  it("change the steps that are simulated, and only as said", () => {
    const before = stepOf(workloadOf({}));
    expect(stepOf(workloadOf({ latencyCorrections: {} }))).toBe(before);
    expect(stepOf(workloadOf({ latencyCorrections: { stepFactor: 1.5 } })) / before).toBeCloseTo(1.5, 2);
    expect(stepOf(workloadOf({ latencyCorrections: { weightReadFactor: 2 } }))).toBeGreaterThan(1.3 * before);
    expect(stepOf(workloadOf({ latencyCorrections: { perMessageMicros: 500 } }))).toBe(before);
  });

  it("are told value by value", () => {
    const result = mirrored({ latencyCorrections: { weightReadFactor: 1.3, stepDeviation: 0.02 } });
    const told = result.ok ? result.value.values.filter(({ path }) => path.includes("latencyCorrections")) : [];
    expect(told.map(({ path, value }) => [path, value])).toEqual([
      ["workloads[vllm-llama-8b].latencyCorrections.weightReadFactor", 1.3],
      ["workloads[vllm-llama-8b].latencyCorrections.stepDeviation", 0.02],
    ]);
    expect(told[0]?.from).toEqual({
      kind: "override",
      field: "spec.overrides.engine.latencyCorrections.weightReadFactor",
    });
  });

  it("are not extrapolated from other GPUs where they say how well they are known", () => {
    const reasons = (latencyCorrections: object): readonly string[] => {
      const result = mirrored({ latencyCorrections }, ({ pod }) => {
        pod.nodeSelector["nvidia.com/gpu.product"] = "NVIDIA-L40S";
      });
      return (result.ok ? result.warnings : result.problems).map(({ reason }) => reason);
    };
    expect(reasons({})).toContain("Extrapolated");
    expect(reasons({ stepDeviation: 0.03 })).not.toContain("Extrapolated");
  });

  it.each([{ latencyModel: "roofline" }, { mode: "blis" }])("are refused where %o", (more) => {
    const result = mirrored({ ...more, latencyCorrections: { stepFactor: 1.1 } });
    expect(!result.ok && result.problems[0]).toMatchObject({
      reason: "NotOfThisModel",
      field: "spec.overrides.engine.latencyCorrections",
    });
  });

  it("say by their names the values that were fitted, there and back", () => {
    const said = Object.fromEntries(
      CORRECTIONS.map((one, i) => [namedCorrection(one), namedValue(one, fitted.corrections[i] as number)]),
    );
    expect(ownCorrections.safeParse(said).success).toBe(true);
    const { corrections, pace } = ownParameters(said);
    corrections.forEach((value, i) => expect(value).toBeCloseTo(fitted.corrections[i] as number, 9));
    expect(pace).toBe(1);
  });
});
