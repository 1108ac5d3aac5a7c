import { meetsRequirement } from "../../model/label-requirement.ts";
import type { Node, NodePool, PodPlacement, Taint, Toleration } from "./node.ts";

/**
 * Whether the pods of a placement may run on nodes of a pool, whatever is free there.
 * Source: plugins NodeAffinity and TaintToleration of kube-scheduler, pkg/scheduler/framework/plugins, Kubernetes v1.36.
 */
export const suits = (placement: PodPlacement, { labels, taints }: Pick<NodePool, "labels" | "taints">): boolean =>
  Object.entries(placement.nodeSelector).every(([key, value]) => labels[key] === value) &&
  (placement.affinity.length === 0 ||
    // A term without requirements holds for no node.
    placement.affinity.some((term) => term.length > 0 && term.every((one) => meetsRequirement(labels, one)))) &&
  taints.every((taint) => taint.effect === "PreferNoSchedule" || tolerated(taint, placement.tolerations));

/**
 * Whether a node takes such a pod now.
 * @param room GPUs of it that the pod may have. Source: as `suits`, and NodeResourcesFit and NodeUnschedulable.
 */
export const fits = (placement: PodPlacement, node: Node, room: number): boolean =>
  node.phase === "ready" && room >= placement.gpus && suits(placement, node.pool);

/** Source: Toleration.ToleratesTaint, k8s.io/api/core/v1, Kubernetes v1.36. */
const tolerated = (taint: Taint, tolerations: readonly Toleration[]): boolean =>
  tolerations.some(
    ({ key = "", operator = "Equal", value = "", effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === "" || key === taint.key) &&
      (operator === "Exists" || (key !== "" && value === (taint.value ?? ""))),
  );
