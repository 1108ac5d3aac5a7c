import type { SyncFact } from "../model/fact.ts";
import type { Decision } from "./autoscaler.ts";

/** @param currentReplicas of the target's spec, before the decision is carried out */
export const syncFactOf = (currentReplicas: number, decision: Decision): SyncFact => {
  const { desiredReplicas, metrics, proposal, stabilised, limitedBy, reason, error } = decision;
  return {
    currentReplicas,
    desiredReplicas,
    metrics,
    ...(proposal === undefined ? {} : { proposal }),
    ...(stabilised === undefined ? {} : { stabilised }),
    ...(limitedBy === undefined ? {} : { limitedBy }),
    reason,
    ...(error === undefined ? {} : { error }),
  };
};
