import { expect, it } from "vitest";
import { BadInput } from "../../../src/cli/exit.ts";
import { hpa, type Spec, swept } from "./swept.ts";

const range = { min: 1, max: 10 };
const thousand = { min: 1, max: 1000 };
const sweepOf =
  (...parameters: unknown[]) =>
  (spec: Spec): Spec => ({ ...spec, sweep: { search: "Grid", parameters } });
it.each<[string, (spec: Spec) => Spec, RegExp]>([
  [
    "a grid of 10⁹ points",
    sweepOf(
      ...["/spec/minReplicas", "/spec/maxReplicas", "/spec/metrics/0/pods/target/averageValue"].map((path) => ({
        target: hpa,
        path,
        range: thousand,
      })),
    ),
    /spec\.sweep\.parameters: the grid has 1,000,000,000 combinations, and candidates allows 50; choose larger steps/,
  ],
  [
    "a path that leads nowhere",
    sweepOf({ target: hpa, path: "/spec/maxReplica", range }),
    /parameters\[0\]\.path: .* has nothing at \/spec\/maxReplica; at \/spec there is .*maxReplicas/,
  ],
  [
    "an objective that is relative to today's platform",
    (spec) => ({
      ...sweepOf({ target: hpa, path: "/spec/maxReplicas", range })(spec),
      objectives: [{ metric: "gpuHours", atMost: "+10%" }],
    }),
    /spec\.objectives\[0\]\.atMost: a sweep holds nothing against today's platform, and \+10% is relative to it/,
  ],
  [
    "an empty range",
    sweepOf({ target: hpa, path: "/spec/maxReplicas", range: { min: 3, max: 2 } }),
    /range\.max: range holds no value: max is below min; swap/,
  ],
  [
    "no values",
    sweepOf({ target: hpa, path: "/spec/maxReplicas", values: [] }),
    /parameters\[0\]\.values: must have at least 1/,
  ],
  [
    "an object that isn't mirrored",
    sweepOf({ target: { kind: "ScaledObject" }, path: "/spec/x", range }),
    /mirrors no ScaledObject; it mirrors .*HorizontalPodAutoscaler/,
  ],
  [
    "no objectives",
    (spec) => ({ ...spec, objectives: [] }),
    /spec\.objectives: a sweep looks for the cheapest.*; say what has to be met/,
  ],
  [
    "a part that must stay",
    sweepOf({ target: { kind: "InferenceSimulation" }, path: "/spec/run/seed", range }),
    /choose a path below \/spec\/overrides\//,
  ],
])("says what is wrong with %s", async (_, change, message) => {
  const error = await swept(change).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BadInput);
  expect((error as BadInput).problems).toHaveLength(1);
  expect((error as BadInput).message).toMatch(message);
});
