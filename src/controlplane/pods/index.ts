/**
 * What a workload's pods do, as pure functions: when a pod on its way up reaches which phase, which pods come and go when it
 * scales, and when a pod on its way down stops taking and finishing requests. The world holds the pods and carries it out.
 */

export { restartDelay } from "./crash-loop.ts";
export { createDelay } from "./create-back-off.ts";
export { type BudgetedPods, type DisruptionBudget, disruptionsAllowed, evictionAllowed } from "./disruption-budget.ts";
export { type OrdinalPod, type OrdinalPolicy, type OrdinalStep, ordinalStep } from "./ordinals.ts";
export type { PodGroup, PodStart, PodStop, Spread } from "./pod-lifecycle.ts";
export {
  drawSpread,
  drawStart,
  firstProbe,
  planGroupStart,
  planStart,
  type StartLengths,
  type StartPlan,
} from "./pod-start.ts";
export { planStop, type StopPlan } from "./pod-stop.ts";
export {
  type ReplicaSetState,
  ROLLOUT_DEFAULT,
  type RolloutState,
  type RolloutStrategy,
  rolloutStep,
} from "./rollout.ts";
export { scaleInOrder } from "./scale-in.ts";
