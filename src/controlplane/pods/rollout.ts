/** What a Deployment has while its template changes: pods of the new ReplicaSet and of all older ones. */
export interface RolloutState {
  /** Of the Deployment's spec. */
  readonly replicas: number;
  readonly fresh: ReplicaSetState;
  readonly old: ReplicaSetState & {
    /** Pods that are still there, those that are being deleted too; Recreate waits for them. */
    readonly pods: number;
  };
}

export interface ReplicaSetState {
  /** Wanted of it. */
  readonly replicas: number;
  /** Ready for minReadySeconds. */
  readonly available: number;
}

/** apps/v1 DeploymentStrategy; pods, or a share of the replicas. */
export type RolloutStrategy =
  | { readonly type: "Recreate" }
  | {
      readonly type: "RollingUpdate";
      readonly maxSurge: number | `${number}%`;
      readonly maxUnavailable: number | `${number}%`;
    };

/** What the API server fills in. */
export const ROLLOUT_DEFAULT: RolloutStrategy = { type: "RollingUpdate", maxSurge: "25%", maxUnavailable: "25%" };

/**
 * One pass of the Deployment controller: it either grows the new ReplicaSet or shrinks the old ones.
 *
 * @returns replicas wanted of both from now on; as they are where it waits
 * Source: rolloutRolling and rolloutRecreate, pkg/controller/deployment (reconcileNewReplicaSet, reconcileOldReplicaSets,
 * ResolveFenceposts), Kubernetes v1.36. Left out: scaling in the midst of a rollout, pausing, progressDeadlineSeconds.
 */
export const rolloutStep = (
  state: RolloutState,
  strategy: RolloutStrategy,
): { readonly fresh: number; readonly old: number } => {
  const { replicas, fresh, old } = state;
  if (strategy.type === "Recreate") {
    if (old.replicas > 0) return { fresh: fresh.replicas, old: 0 };
    return { fresh: old.pods > 0 ? fresh.replicas : replicas, old: 0 };
  }
  const { surge, unavailable } = fenceposts(strategy, replicas);
  if (fresh.replicas > replicas) return { fresh: replicas, old: old.replicas };
  const room = Math.max(0, replicas + surge - (fresh.replicas + old.replicas));
  const more = Math.min(room, replicas - fresh.replicas);
  if (more > 0) return { fresh: fresh.replicas + more, old: old.replicas };
  return { fresh: fresh.replicas, old: old.replicas - fewer(state, replicas - unavailable) };
};

/** How many old pods may go: those that aren't available first, since nobody misses them. */
const fewer = ({ fresh, old }: RolloutState, least: number): number => {
  const most = fresh.replicas + old.replicas - least - (fresh.replicas - fresh.available);
  if (most <= 0) return 0;
  const unhealthy = Math.min(most, old.replicas - old.available);
  const healthy = Math.max(0, fresh.available + old.available - least);
  return unhealthy + Math.min(healthy, old.replicas - unhealthy);
};

/** Surge is rounded up, unavailability down; where both are 0, one pod may be missing. */
const fenceposts = (
  { maxSurge, maxUnavailable }: Extract<RolloutStrategy, { type: "RollingUpdate" }>,
  replicas: number,
): { readonly surge: number; readonly unavailable: number } => {
  const share = (value: number | `${number}%`, round: (value: number) => number): number =>
    typeof value === "number" ? value : round((Number(value.slice(0, -1)) * replicas) / 100);
  const surge = share(maxSurge, Math.ceil);
  const unavailable = Math.min(share(maxUnavailable, Math.floor), replicas);
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable };
};
