import { describe, expect, it } from "vitest";
import { featureGatesOf, withBehaviorDefaults } from "../../../src/controlplane/hpa/spec.ts";

describe("withBehaviorDefaults", () => {
  const up = {
    stabilizationWindowSeconds: 0,
    selectPolicy: "Max",
    policies: [
      { type: "Pods", value: 4, periodSeconds: 15 },
      { type: "Percent", value: 100, periodSeconds: 15 },
    ],
  };
  const down = { selectPolicy: "Max", policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] };

  it("fills both directions of an empty behavior", () =>
    expect(withBehaviorDefaults({})).toEqual({ scaleUp: up, scaleDown: down }));
  it("fills each missing field on its own", () => {
    const policies = [{ type: "Pods", value: 1, periodSeconds: 60 }] as const;
    const said = { scaleUp: { policies, tolerance: 0 }, scaleDown: { stabilizationWindowSeconds: 30 } };
    expect(withBehaviorDefaults(said)).toEqual({
      scaleUp: { ...up, policies, tolerance: 0 },
      scaleDown: { ...down, stabilizationWindowSeconds: 30 },
    });
  });
});

it.each([
  { minor: 34, scaleToZero: false, configurableTolerance: false },
  { minor: 35, scaleToZero: false, configurableTolerance: true },
  { minor: 36, scaleToZero: false, configurableTolerance: true },
  { minor: 37, scaleToZero: true, configurableTolerance: true },
])("gates of v1.$minor", ({ minor, ...gates }) => expect(featureGatesOf(minor)).toEqual(gates));
