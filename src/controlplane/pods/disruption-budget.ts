/** policy/v1 PodDisruptionBudget: one of the two, a number of pods or a percentage. */
export type DisruptionBudget = (
  | { readonly minAvailable: number | `${number}%` }
  | { readonly maxUnavailable: number | `${number}%` }
) & {
  /** unhealthyPodEvictionPolicy: running pods that aren't ready may go whatever the budget says. Left out: IfHealthyBudget. */
  readonly unhealthyPods?: "AlwaysAllow";
};

/** What a budget counts: pods that the scale of what it selects wants, and those that are ready. */
export interface BudgetedPods {
  readonly expected: number;
  readonly healthy: number;
}

/**
 * How many more pods may be evicted now. It bounds evictions only: neither scale-in nor rollouts ask it.
 * Source: getExpectedPodCount and updatePdbStatus in pkg/controller/disruption (percentages are rounded up), Kubernetes v1.36.
 */
export const disruptionsAllowed = (budget: DisruptionBudget, { expected, healthy }: BudgetedPods): number =>
  expected <= 0 ? 0 : Math.max(0, healthy - desiredHealthy(budget, expected));

/**
 * Whether the API server lets a running pod be evicted; one that hasn't started always may.
 * Source: EvictionREST.Create in pkg/registry/core/pod/storage/eviction.go, Kubernetes v1.36.
 */
export const evictionAllowed = (budget: DisruptionBudget, pods: BudgetedPods, ready: boolean): boolean => {
  if (!ready) {
    const desired = desiredHealthy(budget, pods.expected);
    if (budget.unhealthyPods === "AlwaysAllow" || (desired > 0 && pods.healthy >= desired)) return true;
  }
  return disruptionsAllowed(budget, pods) > 0;
};

const desiredHealthy = (budget: DisruptionBudget, expected: number): number =>
  "minAvailable" in budget
    ? scaled(budget.minAvailable, expected)
    : Math.max(0, expected - scaled(budget.maxUnavailable, expected));

const scaled = (value: number | `${number}%`, of: number): number =>
  typeof value === "number" ? value : Math.ceil((Number(value.slice(0, -1)) * of) / 100);
