import type { SimTime } from "../../sim/time.ts";
import { int32, MAX_INT32 } from "./int.ts";
import type { Limited } from "./limits.ts";
import type { HpaBehavior, ScalingRules } from "./spec.ts";

/** A change of replicas that the HPA made. */
export interface ScaleEvent {
  /** Replicas added or removed, > 0. */
  change: number;
  at: SimTime;
  /** Older than every policy's period when a later event was stored: its slot may be used again. */
  outdated: boolean;
}

export interface ScaleEvents {
  readonly up: ScaleEvent[];
  readonly down: ScaleEvent[];
}

/**
 * Limits with `behavior`: the rate of its policies, then min or max. Direction is that of desired against current.
 * Source: convertDesiredReplicasWithBehaviorRate in pkg/controller/podautoscaler/horizontal.go, Kubernetes v1.36.
 */
export const limitByRate = (
  current: number,
  desired: number,
  range: { readonly min: number; readonly max: number },
  behavior: HpaBehavior,
  events: ScaleEvents,
  now: SimTime,
): Limited => {
  if (desired > current) {
    const fastest = Math.max(current, scaleUpLimit(current, behavior.scaleUp, events, now));
    const most = Math.min(range.max, fastest);
    if (desired > most) return { replicas: most, reason: range.max > fastest ? "ScaleUpLimit" : "TooManyReplicas" };
  }
  if (desired < current) {
    const fastest = Math.min(current, scaleDownLimit(current, behavior.scaleDown, events, now));
    const least = Math.max(range.min, fastest);
    if (desired < least) return { replicas: least, reason: range.min < fastest ? "ScaleDownLimit" : "TooFewReplicas" };
  }
  return { replicas: desired, reason: "DesiredWithinRange" };
};

/** @returns the most replicas that the rules allow now; may lie below `current` */
export const scaleUpLimit = (current: number, rules: ScalingRules, events: ScaleEvents, now: SimTime): number => {
  if (rules.selectPolicy === "Disabled") return current;
  const limits = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = replicasBefore(current, periodSeconds, events, now);
    return type === "Pods" ? start + value : int32(Math.ceil(start * (1 + value / 100)));
  });
  return rules.selectPolicy === "Min" ? Math.min(MAX_INT32, ...limits) : Math.max(-MAX_INT32, ...limits);
};

/** @returns the fewest replicas that the rules allow now; may lie above `current` */
export const scaleDownLimit = (current: number, rules: ScalingRules, events: ScaleEvents, now: SimTime): number => {
  if (rules.selectPolicy === "Disabled") return current;
  const limits = rules.policies.map(({ type, value, periodSeconds }) => {
    const start = replicasBefore(current, periodSeconds, events, now);
    return type === "Pods" ? start - value : int32(start * (1 - value / 100));
  });
  // "Max" is the most change, which leaves the fewest.
  return rules.selectPolicy === "Min" ? Math.max(-MAX_INT32, ...limits) : Math.min(MAX_INT32, ...limits);
};

/** Replicas at the start of the period, by the changes of both directions since. */
const replicasBefore = (current: number, periodSeconds: number, events: ScaleEvents, now: SimTime): number =>
  current - changesWithin(events.up, periodSeconds, now) + changesWithin(events.down, periodSeconds, now);

/** @returns the sum of changes younger than the period */
export const changesWithin = (events: readonly ScaleEvent[], periodSeconds: number, now: SimTime): number => {
  const cutoff = now - periodSeconds * 1e6;
  return events.reduce((sum, { at, change }) => (at > cutoff ? sum + change : sum), 0);
};

/**
 * Remembers a change, in the last outdated slot if there is one.
 *
 * @param events of the change's direction; `rules` likewise
 * Source: storeScaleEvent, as above.
 */
export const storeScaleEvent = (events: ScaleEvent[], change: number, rules: ScalingRules, now: SimTime): void => {
  const cutoff = now - Math.max(0, ...rules.policies.map((policy) => policy.periodSeconds)) * 1e6;
  for (const event of events) if (event.at < cutoff) event.outdated = true;
  const slot = events.findLastIndex((event) => event.outdated);
  const made = { change, at: now, outdated: false };
  if (slot === -1) events.push(made);
  else events[slot] = made;
};
