import { describe, expect, it } from "vitest";
import { HorizontalPodAutoscaler } from "../../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import { kedaMetricsApi } from "../../../src/controlplane/keda/metrics-server.ts";
import { ScaledObject } from "../../../src/controlplane/keda/scaled-object.ts";
import type { FallbackSpec, ScaledObjectSpec } from "../../../src/controlplane/keda/spec.ts";
import type { QueryAnswer } from "../../../src/controlplane/monitoring-server.ts";
import { at, podView, scaleView } from "../hpa/fixtures.ts";
import { type Answers, asks, hpa, monitoringOf, REFUSED, scaledObject, UNREACHABLE } from "./fixtures.ts";

const viewOf = (answers: Answers, replicas = 2, now = at(0)) => ({
  now,
  monitoring: monitoringOf(answers),
  scale: scaleView(replicas),
});

/** What the HPA is answered, in units; undefined: an error. */
const answer = (object: ScaledObject, answers: Answers, metric = "s0-prometheus", replicas = 2) =>
  object.metrics(metric, viewOf(answers, replicas))?.map(({ valueMilli }) => Number(valueMilli) / 1000);

describe("a query's answer", () => {
  const strict = { ignoreNullValues: "false" };
  const scalar: QueryAnswer = { ok: true, type: "scalar", elements: [{ labels: {}, value: 4 }] };
  it.each<{
    name: string;
    said: Answers[string] | undefined;
    metadata?: Record<string, string>;
    value: number | undefined;
  }>([
    { name: "one element is its value", said: 7.25, value: 7.25 },
    { name: "to thousandths, half to even", said: 0.0625, value: 0.062 },
    { name: "below zero is zero", said: -3, value: 0 },
    { name: "nothing is zero", said: undefined, value: 0 },
    { name: "nothing is an error where nulls count", said: undefined, metadata: strict, value: undefined },
    { name: "NaN is zero", said: Number.NaN, value: 0 },
    { name: "NaN is an error where nulls count", said: Number.NaN, metadata: strict, value: undefined },
    { name: "infinity is zero", said: Number.POSITIVE_INFINITY, value: 0 },
    {
      name: "infinity is an error where nulls count",
      said: Number.NEGATIVE_INFINITY,
      metadata: strict,
      value: undefined,
    },
    { name: "two elements are an error, whatever they are", said: [1, 2], value: undefined },
    { name: "a scalar can't be read", said: scalar, value: undefined },
    { name: "what the server refuses is an error", said: REFUSED, value: undefined },
    { name: "as is a server that doesn't answer", said: UNREACHABLE, value: undefined },
  ])("$name", ({ said, metadata = {}, value }) => {
    const object = new ScaledObject(scaledObject({ triggers: [asks("q", metadata)] }));
    expect(answer(object, said === undefined ? {} : { q: said })).toEqual(value === undefined ? undefined : [value]);
  });

  it("is asked for at the full second", () => {
    const times: number[] = [];
    const monitoring = {
      ...monitoringOf({}),
      query: (_: string, now: number): QueryAnswer => {
        times.push(now);
        return { ok: true, type: "vector", elements: [] };
      },
    };
    new ScaledObject(scaledObject()).metrics("s0-prometheus", { ...viewOf({}), now: at(12.75), monitoring });
    expect(times).toEqual([12e6]);
  });

  it("is active strictly above the threshold", () => {
    const object = new ScaledObject(scaledObject({ triggers: [asks("q", { activationThreshold: "3" })] }));
    const active = (q: number) => object.poll(viewOf({ q })).active;
    expect([2, 3, 3.001].map(active)).toEqual([false, false, true]);
  });

  it("is nobody's for a metric of another name", () =>
    expect(answer(new ScaledObject(scaledObject()), { waiting: 1 }, "s1-prometheus")).toBeUndefined());
});

describe("the fallback", () => {
  const with_ = (fallback: Partial<FallbackSpec>, change: Partial<ScaledObjectSpec> = {}): ScaledObject =>
    new ScaledObject(
      scaledObject({
        triggers: [asks("q")],
        fallback: { failureThreshold: 2, replicas: 3, behavior: "static", ...fallback },
        ...change,
      }),
    );

  it("bears failures up to the threshold, then stands in until an answer comes", () => {
    const object = with_({});
    const seen = [REFUSED, REFUSED, REFUSED, REFUSED, 5, REFUSED].map((q) => answer(object, { q }));
    expect(seen).toEqual([undefined, undefined, [30], [30], [5], undefined]);
  });

  it("counts polls and the HPA's questions together", () => {
    const object = with_({});
    expect(object.poll(viewOf({ q: REFUSED }))).toMatchObject({ active: false, error: true });
    expect(answer(object, { q: REFUSED })).toBeUndefined();
    expect(object.poll(viewOf({ q: REFUSED }))).toMatchObject({ active: true, error: false });
    expect(object.fallbackActive).toBe(true);
  });

  it.each<{ behavior: FallbackSpec["behavior"]; replicas: number; value: number }>([
    { behavior: "static", replicas: 5, value: 30 },
    { behavior: "currentReplicas", replicas: 5, value: 50 },
    { behavior: "currentReplicasIfHigher", replicas: 5, value: 50 },
    { behavior: "currentReplicasIfHigher", replicas: 2, value: 30 },
    { behavior: "currentReplicasIfLower", replicas: 5, value: 30 },
    { behavior: "currentReplicasIfLower", replicas: 2, value: 20 },
  ])("$behavior with $replicas replicas", ({ behavior, replicas, value }) =>
    expect(answer(with_({ behavior, failureThreshold: 0 }), { q: REFUSED }, undefined, replicas)).toEqual([value]),
  );

  it("shares a Value among the pods that are ready, and fails without any", () => {
    const object = with_({ failureThreshold: 0 }, { triggers: [asks("q", {}, { metricType: "Value" })] });
    const scale = scaleView(3, { pods: [podView("a"), podView("b"), podView("c", { ready: false })] });
    const seen = object.metrics("s0-prometheus", { ...viewOf({ q: REFUSED }), scale });
    expect(seen?.map(({ valueMilli }) => valueMilli)).toEqual([15_000n]);
    expect(object.metrics("s0-prometheus", { ...viewOf({ q: REFUSED }), scale: scaleView(0) })).toBeUndefined();
  });

  it.each([
    { target: "4", value: [12] },
    // KEDA reads the target as a whole number to see whether there is a fallback.
    { target: "4.5", value: undefined },
  ])("with a formula of target $target comes to $value", ({ target, value }) => {
    const object = with_(
      { failureThreshold: 0 },
      { scalingModifiers: { formula: "q * 2", target, metricType: "AverageValue" } },
    );
    expect(answer(object, { q: REFUSED }, "composite-metric")).toEqual(value);
  });
});

describe("a formula over triggers", () => {
  const composed = (formula: string, change: Partial<ScaledObjectSpec> = {}) =>
    new ScaledObject(
      scaledObject({
        triggers: [asks("waiting"), asks("running"), asks("trained")],
        scalingModifiers: { formula, target: "2", metricType: "AverageValue" },
        ...change,
      }),
    );
  const nil = { failureThreshold: 0, replicas: 4, behavior: "scalingModifiers" } as const;
  it.each<{ formula: string; answers: Answers; change?: Partial<ScaledObjectSpec>; value: number | undefined }>([
    { formula: "waiting + running", answers: { waiting: 3, running: 4 }, value: 7 },
    { formula: "max([waiting, running])", answers: { waiting: 3, running: 4 }, value: 4 },
    { formula: "waiting > 2 ? 1 : 0", answers: { waiting: 3 }, value: 1 },
    { formula: "waiting - running", answers: { running: 4 }, value: -4 },
    { formula: "waiting / 3", answers: { waiting: 2 }, value: 0.666 },
    // One that fails fails them all, unless the fallback makes it nil.
    { formula: "waiting", answers: { waiting: 3, running: REFUSED }, value: undefined },
    {
      formula: "trained ?? (waiting + running)",
      answers: { waiting: 3, running: 4, trained: REFUSED },
      change: { fallback: nil },
      value: 7,
    },
    {
      formula: "let t = trained ?? waiting; t * 2",
      answers: { waiting: 3, trained: REFUSED },
      change: { fallback: nil },
      value: 6,
    },
    // All nil: the fallback's replicas, each at the target.
    {
      formula: "trained ?? waiting",
      answers: { waiting: REFUSED, trained: REFUSED },
      change: { fallback: nil },
      value: 8,
    },
  ])("$formula of $answers is $value", ({ formula, answers, change = {}, value }) =>
    expect(answer(composed(formula, change), answers, "composite-metric")).toEqual(
      value === undefined ? undefined : [value],
    ),
  );

  it("decides alone whether the object is active, above its own target", () => {
    const object = composed("waiting", {
      scalingModifiers: { formula: "waiting", target: "2", activationTarget: "5", metricType: "AverageValue" },
    });
    const poll = (waiting: number) => object.poll(viewOf({ waiting, running: 100 }));
    expect(poll(5)).toEqual({ active: false, error: false, activeTriggers: [] });
    expect(poll(6)).toEqual({ active: true, error: false, activeTriggers: ["composite-metric"] });
  });

  it("is not active while a trigger fails", () =>
    expect(composed("waiting").poll(viewOf({ waiting: 9, running: REFUSED }))).toEqual({
      active: false,
      error: true,
      activeTriggers: [],
    }));
});

describe("cached metrics", () => {
  const cached = new ScaledObject(scaledObject({ triggers: [asks("q", {}, { useCachedMetrics: true }), asks("r")] }));
  it("are those of the last poll, where one has been", () => {
    expect(answer(cached, { q: 1 })).toEqual([1]);
    cached.poll(viewOf({ q: 2, r: 2 }));
    expect(answer(cached, { q: 3 })).toEqual([2]);
    expect(answer(cached, { r: 3 }, "s1-prometheus")).toEqual([3]);
    expect(cached.look("s0-prometheus", viewOf({ q: 3 }))?.map(({ valueMilli }) => valueMilli)).toEqual([3000n]);
  });
});

it("counts as active with cpu and memory alone", () => {
  const cpu = { type: "cpu", metricType: "Utilization", useCachedMetrics: false, metadata: { value: "60" } };
  const object = new ScaledObject(scaledObject({ triggers: [cpu] }));
  expect(object.poll(viewOf({}))).toEqual({ active: true, error: false, activeTriggers: [] });
});

it("measures what it is given, by time", () => {
  const given = {
    series: [
      { afterMicros: 60e6, value: 8 },
      { afterMicros: 0, value: 2 },
    ],
    target: 5,
  };
  const object = new ScaledObject(
    scaledObject({ triggers: [{ type: "kafka", useCachedMetrics: false, metadata: {}, given }] }),
  );
  const seen = [0, 59, 60].map((second) => object.metrics("s0-kafka", viewOf({}, 1, at(second)))?.[0]?.valueMilli);
  expect(seen).toEqual([2000n, 2000n, 8000n]);
});

describe("KEDA's HPA over its metrics server", () => {
  const synced = (answers: Answers, replicas: number, change: Partial<ScaledObjectSpec> = {}) => {
    const object = new ScaledObject(scaledObject({ maxReplicaCount: 20, ...change }));
    const view = viewOf(answers, replicas);
    const api = kedaMetricsApi(new Map([["chat", object]]), (one, metric) => one.metrics(metric, view));
    return new HorizontalPodAutoscaler(hpa({ maxReplicaCount: 20, ...change })).sync(view.now, view.scale, api);
  };

  it("scales to the sum over the threshold", () =>
    expect(synced({ waiting: 45 }, 3)).toMatchObject({ desiredReplicas: 5, rescale: true }));

  it("holds while a query fails", () =>
    expect(synced({ waiting: REFUSED }, 3)).toMatchObject({
      desiredReplicas: 3,
      rescale: false,
      error: "FailedGetExternalMetric",
    }));

  it("goes to the fallback's replicas once failures last", () => {
    const fallback = { failureThreshold: 0, replicas: 6, behavior: "static" } as const;
    expect(synced({ waiting: REFUSED }, 3, { fallback })).toMatchObject({ desiredReplicas: 6 });
  });
});
