import type { Rng } from "../../sim/rng.ts";
import type { SimTime } from "../../sim/time.ts";
import type { PodView } from "../autoscaler.ts";

/**
 * The order in which a ReplicaSet deletes pods when it scales in; the first goes first.
 *
 * Without a node before assigned, pending before running, not ready before ready, the lower deletion cost, the node with
 * more of these pods, then who became ready (or, not ready, was created) more recently, on a log2 scale of age in
 * nanoseconds. Pods of equal rank go by UID, which is random: here by a draw of `rng`, one per pod.
 *
 * @param pods none of them deleting
 * @returns their names
 * Source: ActivePodsWithRanks in pkg/controller/controller_utils.go, Kubernetes v1.36 (LogarithmicScaleDown is GA,
 * PodDeletionCost beta). Left out: restarts, which decide between pods that became ready in the same second only.
 */
export const scaleInOrder = (pods: readonly PodView[], now: SimTime, rng: Rng): readonly string[] => {
  const onNode = new Map<string, number>();
  for (const { node } of pods) if (node !== undefined) onNode.set(node, (onNode.get(node) ?? 0) + 1);
  return pods
    .map((pod) => ({ name: pod.name, rank: rankOf(pod, now, onNode), tie: rng.next() }))
    .sort((a, b) => compare(a.rank, b.rank) || a.tie - b.tie)
    .map((pod) => pod.name);
};

const rankOf = (pod: PodView, now: SimTime, onNode: ReadonlyMap<string, number>): readonly number[] => {
  const since = pod.ready === true ? pod.readyChangedAt : pod.createdAt;
  return [
    pod.node === undefined ? 0 : 1,
    pod.phase === "Pending" ? 0 : 1,
    pod.ready === true ? 1 : 0,
    pod.deletionCost ?? 0,
    pod.node === undefined ? 0 : -(onNode.get(pod.node) ?? 0),
    ageRank(since, now),
  ];
};

/** @returns whole log2 of the age; -1 for an age of 0; unknown ages count as the oldest */
const ageRank = (since: SimTime | undefined, now: SimTime): number => {
  if (since === undefined) return Number.MAX_SAFE_INTEGER;
  const nanoseconds = (now - since) * 1000;
  return nanoseconds > 0 ? Math.trunc(Math.log2(nanoseconds)) : -1;
};

const compare = (a: readonly number[], b: readonly number[]): number => {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at === -1 ? 0 : (a[at] as number) - (b[at] as number);
};
