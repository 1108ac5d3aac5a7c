import { describe, expect, it } from "vitest";
import { ScaledObject } from "../../../src/controlplane/keda/scaled-object.ts";
import { at, scaleView } from "../hpa/fixtures.ts";
import { type Answers, asks, monitoringOf, scaledObject, UNREACHABLE } from "./fixtures.ts";

const viewOf = (answers: Answers) => ({ now: at(0), monitoring: monitoringOf(answers), scale: scaleView(2) });
const unnamed = (metadata: Record<string, string> = {}) => {
  const { name: _, ...trigger } = asks("q", metadata);
  return trigger;
};
const NAMED = { scaler: "prometheusScaler", triggerIndex: 0, metric: "s0-prometheus" };

describe("what KEDA shows of a ScaledObject", () => {
  it("is nothing before its triggers are asked, then value and activity of each", () => {
    const object = new ScaledObject(scaledObject({ triggers: [unnamed({ activationThreshold: "3" })] }));
    expect([object.published.metrics, object.published.errors]).toEqual([[], undefined]);
    object.poll(viewOf({ q: 2 }));
    expect(object.published.metrics).toEqual([{ ...NAMED, value: 2, active: false, errors: 0 }]);
    // The HPA's questions change the value alone.
    object.metrics("s0-prometheus", viewOf({ q: 8.5 }));
    expect(object.published.metrics).toEqual([{ ...NAMED, value: 8.5, active: false, errors: 0 }]);
    object.look("s0-prometheus", viewOf({ q: 99 }));
    expect(object.published.metrics[0]?.value).toBe(8.5);
  });

  it("counts errors of the object whoever asked, of a scaler where the HPA asked", () => {
    const object = new ScaledObject(scaledObject({ triggers: [asks("q")] }));
    object.poll(viewOf({ q: 2 }));
    object.poll(viewOf({ q: UNREACHABLE }));
    expect([object.published.errors, object.published.metrics[0]?.errors]).toEqual([1, 0]);
    object.metrics("s0-prometheus", viewOf({ q: UNREACHABLE }));
    expect([object.published.errors, object.published.metrics[0]?.errors]).toEqual([2, 1]);
    // What was known last stays.
    expect(object.published.metrics[0]).toMatchObject({ value: 2, active: true });
  });

  it("counts answers with nothing in them, twice where that is an error", () => {
    const strict = { ...asks("p", { ignoreNullValues: "false" }), name: "strict" };
    const object = new ScaledObject(scaledObject({ triggers: [unnamed(), strict] }));
    object.poll(viewOf({}));
    expect(object.published.empty).toEqual([
      { triggerName: "", metric: "s0-prometheus", ignoreNullValues: true, count: 1 },
      { triggerName: "strict", metric: "s1-prometheus", ignoreNullValues: false, count: 2 },
    ]);
    expect(object.published.metrics.map(({ scaler }) => scaler)).toEqual(["prometheusScaler", "strict"]);
  });

  it("has the activity of the formula in place of each trigger's", () => {
    const scalingModifiers = { formula: "a * 2", target: "1", metricType: "AverageValue" as const };
    const object = new ScaledObject(scaledObject({ triggers: [{ ...asks("q"), name: "a" }], scalingModifiers }));
    object.poll(viewOf({ q: 3 }));
    expect(object.published.metrics).toEqual([
      { scaler: "a", triggerIndex: 0, metric: "s0-prometheus", value: 3, errors: 0 },
      { scaler: "composite-metric", triggerIndex: 0, metric: "composite-metric", value: 6, active: true },
    ]);
  });

  it("has cpu and memory as active, which nobody measures here", () => {
    const cpu = { type: "cpu", metricType: "Utilization" as const, metadata: { value: "60" }, useCachedMetrics: false };
    const object = new ScaledObject(scaledObject({ triggers: [cpu, asks("q")] }));
    object.poll(viewOf({ q: 1 }));
    expect(object.published.metrics.find(({ metric }) => metric === "cpu")).toEqual({
      scaler: "cpuMemoryScaler",
      triggerIndex: 0,
      metric: "cpu",
      active: true,
    });
  });
});
