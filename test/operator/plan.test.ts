import { describe, expect, it } from "vitest";
import { type Doing, type Plan, planOf, type Recorded, type Wanted } from "../../src/operator/plan.ts";

const idle: Doing = {};
const fresh: Recorded = { inputDigest: undefined, finished: false };
const preview: Wanted = { kind: "preview", inputDigest: "a" };
const shadow: Wanted = { kind: "shadow", inputDigest: "a", scale: undefined };

describe("planOf", () => {
  it.each<{ name: string; wanted: Wanted; doing?: Doing; recorded?: Recorded; plan: Plan }>([
    { name: "runs a new preview", wanted: preview, plan: { kind: "run-preview", restore: false } },
    {
      name: "lets a running one be",
      wanted: preview,
      doing: { preview: { inputDigest: "a", state: "running" } },
      plan: { kind: "rest" },
    },
    {
      name: "lets a finished one be",
      wanted: preview,
      doing: { preview: { inputDigest: "a", state: "finished" } },
      plan: { kind: "rest" },
    },
    {
      name: "does not try a failed one again",
      wanted: preview,
      doing: { preview: { inputDigest: "a", state: "failed" } },
      plan: { kind: "rest" },
    },
    {
      name: "runs again on other input",
      wanted: preview,
      doing: { preview: { inputDigest: "b", state: "running" } },
      plan: { kind: "run-preview", restore: false },
    },
    {
      name: "restores what its status holds",
      wanted: preview,
      recorded: { inputDigest: "a", finished: true },
      plan: { kind: "run-preview", restore: true },
    },
    {
      name: "does not restore what was never finished",
      wanted: preview,
      recorded: { inputDigest: "a", finished: false },
      plan: { kind: "run-preview", restore: false },
    },
    {
      name: "does not restore another result",
      wanted: preview,
      recorded: { inputDigest: "b", finished: true },
      plan: { kind: "run-preview", restore: false },
    },
    { name: "follows", wanted: shadow, plan: { kind: "follow" } },
    {
      name: "goes on following",
      wanted: shadow,
      doing: { shadow: { inputDigest: "a", scale: undefined, state: "following" } },
      plan: { kind: "rest" },
    },
    {
      name: "begins anew on other input",
      wanted: shadow,
      doing: { shadow: { inputDigest: "b", scale: undefined, state: "following" } },
      plan: { kind: "follow" },
    },
    {
      name: "injects a write to /scale",
      wanted: { ...shadow, scale: 3 },
      doing: { shadow: { inputDigest: "a", scale: 2, state: "following" } },
      plan: { kind: "scale", replicas: 3 },
    },
    {
      name: "injects it once",
      wanted: { ...shadow, scale: 3 },
      doing: { shadow: { inputDigest: "a", scale: 3, state: "following" } },
      plan: { kind: "rest" },
    },
    {
      name: "stops what is gone",
      wanted: { kind: "nothing" },
      doing: { preview: { inputDigest: "a", state: "running" } },
      plan: { kind: "stop", problems: [] },
    },
  ])("$name", ({ wanted, doing = idle, recorded = fresh, plan }) => {
    expect(planOf(wanted, doing, recorded)).toEqual(plan);
  });

  it("stops what can't be simulated, and says why", () => {
    const problems = [{ severity: "error" as const, reason: "UnknownModel", message: "m" }];
    expect(planOf({ kind: "broken", problems }, idle, fresh)).toEqual({ kind: "stop", problems });
  });
});
