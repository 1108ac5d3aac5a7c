import type { Node, NodePool, NodeRequirement, PodPlacement, Taint, Toleration } from "./node.ts";

/**
 * Whether the pods of a placement may run on nodes of a pool, whatever is free there.
 * Source: plugins NodeAffinity and TaintToleration of kube-scheduler, pkg/scheduler/framework/plugins, Kubernetes v1.36.
 */
export const suits = (placement: PodPlacement, { labels, taints }: Pick<NodePool, "labels" | "taints">): boolean =>
  Object.entries(placement.nodeSelector).every(([key, value]) => labels[key] === value) &&
  (placement.affinity.length === 0 ||
    // A term without requirements holds for no node.
    placement.affinity.some((term) => term.length > 0 && term.every((one) => meets(labels, one)))) &&
  taints.every((taint) => taint.effect === "PreferNoSchedule" || tolerated(taint, placement.tolerations));

/** Whether a node takes such a pod now. Source: as `suits`, and NodeResourcesFit and NodeUnschedulable. */
export const fits = (placement: PodPlacement, node: Node): boolean =>
  node.phase === "ready" && node.free >= placement.gpus && suits(placement, node.pool);

/** Source: component-helpers/scheduling/corev1/nodeaffinity, labels.Requirement.Matches, Kubernetes v1.36. */
const meets = (labels: Readonly<Record<string, string>>, { key, operator, values }: NodeRequirement): boolean => {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return value !== undefined && Number(value) > Number(values[0]);
    case "Lt":
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return operator satisfies never;
  }
};

/** Source: Toleration.ToleratesTaint, k8s.io/api/core/v1, Kubernetes v1.36. */
const tolerated = (taint: Taint, tolerations: readonly Toleration[]): boolean =>
  tolerations.some(
    ({ key = "", operator = "Equal", value = "", effect }) =>
      (effect === undefined || effect === taint.effect) &&
      (key === "" || key === taint.key) &&
      (operator === "Exists" || (key !== "" && value === (taint.value ?? ""))),
  );
