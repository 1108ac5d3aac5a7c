import type { SchedulingPolicyName } from "./engine.ts";
import type { Sequence } from "./sequence.ts";

/** Who is next in the queue, and who gives up its blocks when they run short. */
export interface SchedulingPolicy {
  readonly name: SchedulingPolicyName;
  readonly summary: string;
  /** Negative: `a` is served before `b`; never 0 for two sequences. undefined: as they came, preempted ones first. */
  readonly order: ((a: Sequence, b: Sequence) => number) | undefined;
  /** Whether the victim is always the last of the running. */
  readonly takesLast: boolean;
  /** @param running in order of admission, at least one @returns index of the one to preempt */
  victim(running: readonly Sequence[]): number;
}

const last = (running: readonly Sequence[]): number => running.length - 1;

/** The first of those for whom `rank` is greatest. */
const greatest = (running: readonly Sequence[], rank: (a: Sequence, b: Sequence) => number): number => {
  let found = 0;
  for (let i = 1; i < running.length; i += 1) {
    if (rank(running[i] as Sequence, running[found] as Sequence) > 0) found = i;
  }
  return found;
};

const byArrival = (a: Sequence, b: Sequence): number => a.arrived - b.arrived;
const byUrgency = (a: Sequence, b: Sequence): number => a.priority - b.priority || byArrival(a, b);
const byLaziness = (a: Sequence, b: Sequence): number => b.priority - a.priority || byArrival(a, b);

/** Source: vllm/v1/core/sched/request_queue.py and scheduler.py (May 2026); the last two: BLIS sim/scheduler.go @f90a1e3a. */
const POLICIES: readonly SchedulingPolicy[] = [
  {
    name: "fcfs",
    summary: "first come, first served; the one admitted last is preempted and returns to the front",
    order: undefined,
    takesLast: true,
    victim: last,
  },
  {
    name: "priority",
    summary: "lowest priority number first, then as they arrived; the least urgent one is preempted",
    order: (a, b) => byUrgency(a, b) || a.order - b.order,
    takesLast: false,
    victim: (running) => greatest(running, byUrgency),
  },
  {
    name: "sjf",
    summary: "shortest prompt first; for comparison with the reference simulator",
    order: (a, b) => a.request.promptTokens - b.request.promptTokens || byArrival(a, b) || a.order - b.order,
    takesLast: true,
    victim: last,
  },
  {
    name: "reverse-priority",
    summary: "highest priority number first; for tests of starvation",
    order: (a, b) => byLaziness(a, b) || a.order - b.order,
    takesLast: false,
    victim: (running) => greatest(running, byLaziness),
  },
];

export const schedulingPolicy = (name: SchedulingPolicyName = "fcfs"): SchedulingPolicy =>
  POLICIES.find((policy) => policy.name === name) as SchedulingPolicy;
