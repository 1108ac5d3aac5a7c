import { describe, expect, it } from "vitest";
import { analyseSpare, spareTargets } from "../../../src/controlplane/wva/saturation-percentage.ts";
import type { ReplicaSignals, VariantState } from "../../../src/controlplane/wva/variant.ts";
import { target } from "../controller-fixtures.ts";

const thresholds = { kvCacheThreshold: 0.8, queueLengthThreshold: 5, kvSpareTrigger: 0.1, queueSpareTrigger: 3 };

/** KV usage and queue of each replica, of one variant unless said. */
const replicas = (...said: readonly (readonly [number, number, string?])[]): readonly ReplicaSignals[] =>
  said.map(([kvUsage, queue, variant = "v1"], index) => ({
    pod: `pod-${index}`,
    variant,
    kvUsage,
    queue,
    kvTokens: 0,
    tokensInUse: 0,
    inputTokens: 0,
    outputTokens: 0,
    hitRate: 0,
  }));

// Cases of llm-d WVA's internal/saturation/analyzer_test.go, and of the design notes.
describe("V1's analysis", () => {
  it.each([
    ["too little spare KV", replicas([0.75, 2], [0.76, 2]), true, false],
    ["too little spare queue", replicas([0.5, 3], [0.5, 3]), true, false],
    ["healthy, but one fewer would be too full", replicas([0.5, 1], [0.5, 1]), false, false],
    ["room enough for one fewer", replicas([0.2, 1], [0.3, 1], [0.25, 1]), false, true],
    ["a single one is never removed", replicas([0.1, 0]), false, false],
    ["all saturated", replicas([0.85, 6], [0.9, 7]), true, false],
    ["saturated by its queue alone", replicas([0.1, 5], [0.1, 0], [0.1, 0]), false, true],
    ["nothing told", [], false, false],
  ])("%s", (_name, signals, scaleUp, scaleDownSafe) => {
    expect(analyseSpare(signals, thresholds)).toMatchObject({ scaleUp, scaleDownSafe });
  });

  it("averages over the replicas that are not saturated, of all variants", () => {
    const analysis = analyseSpare(replicas([0.7, 2, "a"], [0.9, 0, "a"], [0.3, 1, "b"]), thresholds);
    expect(analysis.nonSaturated).toBe(2);
    expect(analysis.spareKv).toBeCloseTo((0.1 + 0.5) / 2, 12);
    expect(analysis.spareQueue).toBeCloseTo((3 + 4) / 2, 12);
  });
});

describe("V1's targets", () => {
  const low: readonly [number, number] = [0.1, 0];
  const high: readonly [number, number] = [0.79, 4];
  const three = (of: readonly [number, number]) =>
    analyseSpare(
      replicas(
        ...["dear", "cheap", "middle"].flatMap(
          (name) =>
            [
              [...of, name],
              [...of, name],
            ] as const,
        ),
      ),
      thresholds,
    );
  const state = (name: string, cost: number, change: Partial<VariantState> = {}): VariantState => ({
    target: target(name, { cost }),
    current: 2,
    desired: 0,
    pending: 0,
    ...change,
  });
  const states = [state("dear", 20), state("cheap", 5), state("middle", 15)];
  const counts = (map: ReadonlyMap<string, number>) => Object.fromEntries(map);

  it("add one to the cheapest", () =>
    expect(counts(spareTargets(three(high), states))).toEqual({ dear: 2, cheap: 3, middle: 2 }));
  it("take one from the most expensive", () =>
    expect(counts(spareTargets(three(low), states))).toEqual({ dear: 1, cheap: 2, middle: 2 }));
  it("hold all while one is changing", () =>
    expect(counts(spareTargets(three(high), [state("dear", 20, { desired: 4 }), ...states.slice(1)]))).toEqual({
      dear: 4,
      cheap: 2,
      middle: 2,
    }));
  it("hold all while a replica hasn't told yet", () =>
    expect(counts(spareTargets(three(high), [state("dear", 20, { current: 3 }), ...states.slice(1)]))).toEqual({
      dear: 3,
      cheap: 2,
      middle: 2,
    }));
  it("pass over a variant with pending replicas", () =>
    expect(
      counts(
        spareTargets(three(high), [
          states[0] as VariantState,
          state("cheap", 5, { pending: 1 }),
          states[2] as VariantState,
        ]),
      ),
    ).toEqual({
      dear: 2,
      cheap: 2,
      middle: 3,
    }));
  it("break ties by name: the first gets one, the last loses one", () => {
    const alike = [state("dear", 5), state("cheap", 5), state("middle", 5)];
    expect(counts(spareTargets(three(high), alike))).toEqual({ dear: 2, cheap: 3, middle: 2 });
    expect(counts(spareTargets(three(low), alike))).toEqual({ dear: 2, cheap: 2, middle: 1 });
  });
  it("leave each variant its last replica", () => {
    const analysis = analyseSpare(replicas([...low, "a"], [...low, "b"]), thresholds);
    expect(analysis.scaleDownSafe).toBe(true);
    const single = [state("a", 5, { current: 1 }), state("b", 9, { current: 1 })];
    expect(counts(spareTargets(analysis, single))).toEqual({ a: 1, b: 1 });
  });
});
