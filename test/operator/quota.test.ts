import { describe, expect, it } from "vitest";
import { NO_QUOTA, quotaProblem } from "../../src/operator/quota.ts";
import type { KubeObject } from "../../src/store/store.ts";

const simulation = (name: string, mode: "Preview" | "Shadow", creationTimestamp?: string): KubeObject => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace: "team", ...(creationTimestamp === undefined ? {} : { creationTimestamp }) },
  spec: { mode },
});
const all = [
  simulation("newest", "Shadow", "2026-01-03T00:00:00Z"),
  simulation("first", "Shadow", "2026-01-01T00:00:00Z"),
  simulation("second", "Preview", "2026-01-02T00:00:00Z"),
  simulation("second-too", "Preview", "2026-01-02T00:00:00Z"),
];
const refused = (quota: Partial<typeof NO_QUOTA>) =>
  all.flatMap((object) => {
    const problem = quotaProblem(
      object,
      all.map((one) => ({ object: one })),
      { ...NO_QUOTA, ...quota },
    );
    return problem === undefined ? [] : [[object.metadata.name, problem.reason]];
  });

describe("what a namespace may have", () => {
  it("is anything, where the installer says nothing", () => expect(refused({})).toEqual([]));

  it("goes to those that were there first, by name where they came together", () => {
    expect(refused({ simulations: 2 })).toEqual([
      ["newest", "TooManySimulations"],
      ["second-too", "TooManySimulations"],
    ]);
    expect(refused({ simulations: 4 })).toEqual([]);
  });

  it("counts Shadows for themselves", () => expect(refused({ shadows: 1 })).toEqual([["newest", "TooManyShadows"]]));
});
