import { describe, expect, it } from "vitest";
import { ActivationLoop } from "../../../src/controlplane/keda/activation-loop.ts";
import { ScaledObject } from "../../../src/controlplane/keda/scaled-object.ts";
import type { ScaledObjectSpec } from "../../../src/controlplane/keda/spec.ts";
import { seconds } from "../../../src/sim/time.ts";
import { at, scaleView } from "../hpa/fixtures.ts";
import { type Answers, asks, monitoringOf, NO_ANNOTATIONS, REFUSED, scaledObject } from "./fixtures.ts";

class Polled {
  readonly loop: ActivationLoop;

  constructor(change: Partial<ScaledObjectSpec> = {}) {
    this.loop = new ActivationLoop(new ScaledObject(scaledObject(change)), { firstAfter: seconds(0) });
  }

  /** What a poll sets the replicas to; undefined: it leaves them. */
  at(second: number, replicas: number, answers: Answers): number | undefined {
    const scale = () => scaleView(replicas);
    return this.loop.run({ now: at(second), monitoring: monitoringOf(answers), scale }).scales[0]?.replicas;
  }

  condition(type: string): string {
    const found = this.loop.conditions.find((one) => one.type === type);
    return found === undefined ? "none" : `${found.status}/${found.reason}`;
  }
}

const BUSY: Answers = { waiting: 1 };
const IDLE: Answers = { waiting: 0 };
const BROKEN: Answers = { waiting: REFUSED };
const fallback = { failureThreshold: 3, replicas: 2, behavior: "static" } as const;
const paused = { ...NO_ANNOTATIONS, paused: true };
const two = [asks("waiting"), asks("other")];

describe("one poll", () => {
  it.each<{
    name: string;
    change?: Partial<ScaledObjectSpec>;
    replicas: number;
    answers: Answers;
    to: number | undefined;
    active?: string;
    ready?: string;
  }>([
    { name: "wakes from zero to one", replicas: 0, answers: BUSY, to: 1, active: "True/ScalerActive" },
    { name: "wakes from zero to the minimum", change: { minReplicaCount: 3 }, replicas: 0, answers: BUSY, to: 3 },
    { name: "leaves what is awake to the HPA", replicas: 2, answers: BUSY, to: undefined },
    {
      name: "leaves what is below the minimum to the HPA without idle mode",
      change: { minReplicaCount: 3 },
      replicas: 1,
      answers: BUSY,
      to: undefined,
    },
    {
      name: "leaves idle for the minimum",
      change: { minReplicaCount: 3, idleReplicaCount: 1 },
      replicas: 1,
      answers: BUSY,
      to: 3,
    },
    {
      name: "puts what was never active to sleep at once",
      replicas: 2,
      answers: IDLE,
      to: 0,
      active: "False/ScalerNotActive",
    },
    {
      name: "waits out the initial cooldown",
      change: { initialCooldownPeriodSeconds: 60 },
      replicas: 2,
      answers: IDLE,
      to: undefined,
      active: "False/ScalerCooldown",
    },
    {
      name: "waits out the cooldown of what was active before",
      change: { activeBefore: true },
      replicas: 2,
      answers: IDLE,
      to: undefined,
      active: "False/ScalerCooldown",
    },
    { name: "goes to idle", change: { minReplicaCount: 3, idleReplicaCount: 1 }, replicas: 5, answers: IDLE, to: 1 },
    {
      name: "stays idle",
      change: { minReplicaCount: 3, idleReplicaCount: 1 },
      replicas: 1,
      answers: IDLE,
      to: undefined,
    },
    { name: "stays asleep", replicas: 0, answers: IDLE, to: undefined },
    {
      name: "raises to the minimum even if nothing is active",
      change: { minReplicaCount: 2 },
      replicas: 0,
      answers: IDLE,
      to: 2,
    },
    { name: "stays above the minimum", change: { minReplicaCount: 2 }, replicas: 4, answers: IDLE, to: undefined },
    { name: "does nothing on an error", replicas: 2, answers: BROKEN, to: undefined, ready: "False/TriggerError" },
    {
      name: "does nothing on an error that the fallback will cover",
      change: { fallback },
      replicas: 2,
      answers: BROKEN,
      to: undefined,
      ready: "True/ScaledObjectReady",
    },
    {
      name: "sleeps on an error whose fallback is zero",
      change: { fallback: { ...fallback, replicas: 0 } },
      replicas: 2,
      answers: BROKEN,
      to: 0,
    },
    {
      name: "says so if only some triggers work",
      change: { triggers: two },
      replicas: 2,
      answers: { waiting: 1, other: REFUSED },
      to: undefined,
      ready: "Unknown/PartialTriggerError",
    },
    {
      name: "wakes although some triggers don't work",
      change: { triggers: two },
      replicas: 0,
      answers: { waiting: 1, other: REFUSED },
      to: 1,
    },
    {
      name: "is forced awake",
      change: { annotations: { ...NO_ANNOTATIONS, forceActivation: true } },
      replicas: 0,
      answers: IDLE,
      to: 1,
      active: "True/ScalerActive",
    },
    {
      name: "doesn't wake while scale-out is paused",
      change: { annotations: { ...NO_ANNOTATIONS, pausedScaleOut: true } },
      replicas: 0,
      answers: BUSY,
      to: undefined,
    },
    {
      name: "doesn't sleep while scale-in is paused",
      change: { annotations: { ...NO_ANNOTATIONS, pausedScaleIn: true } },
      replicas: 2,
      answers: IDLE,
      to: undefined,
    },
    {
      name: "holds what is there while paused",
      change: { annotations: paused },
      replicas: 2,
      answers: IDLE,
      to: undefined,
      active: "none",
    },
    {
      name: "holds the count that the pause names",
      change: { annotations: { ...paused, pausedReplicas: 5 } },
      replicas: 2,
      answers: IDLE,
      to: 5,
    },
  ])("$name", ({ change, replicas, answers, to, active, ready }) => {
    const polled = new Polled(change);
    expect(polled.at(10, replicas, answers)).toBe(to);
    if (active !== undefined) expect(polled.condition("Active")).toBe(active);
    if (ready !== undefined) expect(polled.condition("Ready")).toBe(ready);
  });
});

describe("the cooldown", () => {
  it("counts from the last poll that found it active, in whole seconds", () => {
    const polled = new Polled({ cooldownPeriodSeconds: 60 });
    polled.at(0.5, 1, BUSY);
    polled.at(30.5, 1, BUSY);
    expect(polled.at(60.5, 1, IDLE)).toBeUndefined();
    expect(polled.condition("Active")).toBe("False/ScalerCooldown");
    expect(polled.at(90.5, 1, IDLE)).toBe(0);
  });

  it("counts from the wake-up, too", () => {
    const polled = new Polled({ cooldownPeriodSeconds: 60 });
    expect(polled.at(30, 0, BUSY)).toBe(1);
    expect(polled.at(60, 1, IDLE)).toBeUndefined();
    expect(polled.at(90, 1, IDLE)).toBe(0);
  });

  it("is not renewed by a poll in which some triggers fail", () => {
    const polled = new Polled({ cooldownPeriodSeconds: 60, triggers: two });
    polled.at(0, 1, { waiting: 1, other: 0 });
    polled.at(30, 1, { waiting: 1, other: REFUSED });
    expect(polled.at(60, 1, { waiting: 0, other: 0 })).toBe(0);
  });
});

it("polls at its interval, under its own name, and asks only what its triggers ask", () => {
  const { loop } = new Polled({ pollingIntervalSeconds: 15, triggers: two });
  const step = loop.run({ now: at(0), monitoring: monitoringOf({}), scale: () => scaleView(0) });
  expect(step.againAfter).toBe(15e6);
  expect(loop.name).toBe("ScaledObject/inference/chat");
  expect(loop.queries).toEqual(["waiting", "other"]);
});

it("tells who was active", () => {
  const { loop } = new Polled({ triggers: two });
  const monitoring = monitoringOf({ waiting: 1, other: 2 });
  const step = loop.run({ now: at(0), monitoring, scale: () => scaleView(0) });
  const reason = "Scaled apps/v1.Deployment inference/chat from 0 to 1, triggered by s0-prometheus;s1-prometheus";
  expect(step.scales).toEqual([{ workload: "chat", replicas: 1, reason }]);
});

it("shows the fallback and the HPA's health", () => {
  const object = new ScaledObject(scaledObject({ fallback: { ...fallback, failureThreshold: 0 } }));
  const said = { type: "ScalingActive", status: "False", reason: "FailedGetExternalMetric", message: "no" } as const;
  const loop = new ActivationLoop(object, {
    firstAfter: seconds(0),
    hpaConditions: () => [{ ...said, lastTransitionAt: at(0) }],
  });
  loop.run({ now: at(0), monitoring: monitoringOf(BROKEN), scale: () => scaleView(1) });
  const shown = loop.conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
  expect(shown).toEqual([
    "Ready=True/ScaledObjectReady",
    "Fallback=True/FallbackExists",
    "Active=True/ScalerActive",
    "HPAActive=False/FailedGetExternalMetric",
  ]);
});
