/** policy/v1 PodDisruptionBudget: one of the two, a number of pods or a percentage. */
export type DisruptionBudget =
  | { readonly minAvailable: number | `${number}%` }
  | { readonly maxUnavailable: number | `${number}%` };

/**
 * How many more pods may be evicted now. It bounds evictions only: neither scale-in nor rollouts ask it.
 *
 * @param expected pods that the workload's scale wants; @param healthy of them, ready
 * Source: getExpectedPodCount and updatePdbStatus in pkg/controller/disruption (percentages are rounded up), Kubernetes v1.36.
 */
export const disruptionsAllowed = (budget: DisruptionBudget, expected: number, healthy: number): number => {
  const desired =
    "minAvailable" in budget
      ? scaled(budget.minAvailable, expected)
      : Math.max(0, expected - scaled(budget.maxUnavailable, expected));
  return expected <= 0 ? 0 : Math.max(0, healthy - desired);
};

const scaled = (value: number | `${number}%`, of: number): number =>
  typeof value === "number" ? value : Math.ceil((Number(value.slice(0, -1)) * of) / 100);
