import type { SchedulingPolicyName } from "../../src/engine/engine.ts";
import type { Sequence } from "./sequence.ts";

/** Who is next in the queue, and who gives way (vllm/v1/core/sched/request_queue.py; sjf and reverse-priority: BLIS). */
export interface Policy {
  /** Less is sooner; ties: by arrival, then by order of submission. undefined: first come, first served. */
  readonly urgency: ((sequence: Sequence) => number) | undefined;
  /** Whether the least urgent of those running gives way, or the one admitted last. */
  readonly leastUrgentGivesWay: boolean;
}

const priorityOf = ({ request }: Sequence): number => request.priority ?? 0;

export const policies: Readonly<Record<SchedulingPolicyName, Policy>> = {
  fcfs: { urgency: undefined, leastUrgentGivesWay: false },
  priority: { urgency: priorityOf, leastUrgentGivesWay: true },
  "reverse-priority": { urgency: (sequence) => -priorityOf(sequence), leastUrgentGivesWay: true },
  sjf: { urgency: ({ request }) => request.promptTokens, leastUrgentGivesWay: false },
};

const isSooner = (policy: Policy, a: Sequence, b: Sequence): boolean => {
  const difference = (policy.urgency?.(a) ?? 0) - (policy.urgency?.(b) ?? 0) || a.arrived - b.arrived;
  return difference < 0 || (difference === 0 && a.order < b.order);
};

/** Puts one into the queue, at its end or where its urgency wants it. */
export const enqueue = (policy: Policy, queue: Sequence[], sequence: Sequence): void => {
  const at = policy.urgency === undefined ? -1 : queue.findIndex((other) => isSooner(policy, sequence, other));
  queue.splice(at < 0 ? queue.length : at, 0, sequence);
};

/** Whether nobody stands before one who is sooner; first come, first served has no order but the queue's own. */
export const isInOrder = (policy: Policy, queue: readonly Sequence[]): boolean =>
  policy.urgency === undefined || queue.every((one, i) => i === 0 || isSooner(policy, queue[i - 1] as Sequence, one));

/** A preempted one comes back first, or where its urgency wants it. */
export const putBack = (policy: Policy, queue: Sequence[], sequence: Sequence): void => {
  if (policy.urgency === undefined) queue.unshift(sequence);
  else enqueue(policy, queue, sequence);
};

/** Who of those running gives way; among equals the one admitted first, as Python's `max` has it. */
export const victimAmong = (policy: Policy, running: readonly Sequence[]): Sequence => {
  const { urgency, leastUrgentGivesWay } = policy;
  if (!leastUrgentGivesWay || urgency === undefined) return running.at(-1) as Sequence;
  return running.reduce((least, other) => {
    const difference = urgency(other) - urgency(least) || other.arrived - least.arrived;
    return difference > 0 ? other : least;
  });
};
