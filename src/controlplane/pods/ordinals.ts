/** StatefulSet's podManagementPolicy: one at a time, each when those before it are ready, or all at once. */
export type OrdinalPolicy = "OrderedReady" | "Parallel";

/** A pod of a StatefulSet, or the leader of a group of a LeaderWorkerSet. */
export interface OrdinalPod {
  readonly ordinal: number;
  /** Ready for minReadySeconds; of a group, all of its pods. */
  readonly ready: boolean;
  readonly deleting: boolean;
}

export interface OrdinalStep {
  /** In order. */
  readonly create: readonly number[];
  readonly remove: readonly number[];
}

/**
 * One pass over pods with ordinals from 0 on: which are created and which deleted now.
 *
 * `OrderedReady` creates the lowest that is missing once all before it are ready, and deletes the highest once those that
 * stay are ready and the one above it is gone; one at a time. `Parallel` waits for nobody. A LeaderWorkerSet's groups are
 * the pods of a Parallel StatefulSet of leaders: the highest index goes first, with its whole group.
 *
 * @param pods that are there, in any order
 * Source: updateStatefulSet, pkg/controller/statefulset/stateful_set_control.go, Kubernetes v1.36;
 * constructLeaderStatefulSetApplyConfiguration, kubernetes-sigs/lws v0.7. Left out: rolling updates with a partition.
 */
export const ordinalStep = (pods: readonly OrdinalPod[], replicas: number, policy: OrdinalPolicy): OrdinalStep => {
  const there = new Map(pods.map((pod) => [pod.ordinal, pod]));
  const missing = Array.from({ length: replicas }, (_, ordinal) => ordinal).filter((ordinal) => !there.has(ordinal));
  const surplus = pods.filter(({ ordinal }) => ordinal >= replicas).sort((a, b) => b.ordinal - a.ordinal);
  if (policy === "Parallel") {
    return { create: missing, remove: surplus.filter(({ deleting }) => !deleting).map(({ ordinal }) => ordinal) };
  }
  for (let ordinal = 0; ordinal < replicas; ordinal += 1) {
    const pod = there.get(ordinal);
    if (pod === undefined) return { create: [ordinal], remove: [] };
    if (!pod.ready || pod.deleting) return { create: [], remove: [] };
  }
  const [highest] = surplus;
  if (highest === undefined || highest.deleting) return { create: [], remove: [] };
  return { create: [], remove: [highest.ordinal] };
};
