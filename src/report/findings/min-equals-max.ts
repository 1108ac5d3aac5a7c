import type { FindingRule } from "../finding-rule.ts";

export const minEqualsMax: FindingRule = {
  name: "min-equals-max",
  summary: "a range of one replica count",
  look: ({ setup: { minReplicas, maxReplicas } }) =>
    minReplicas !== maxReplicas
      ? []
      : [
          {
            severity: "warning",
            field: "spec.maxReplicas",
            message: `minReplicas and maxReplicas are both ${minReplicas}: the autoscaler can't change anything`,
            evidence: { minReplicas, maxReplicas },
            fix: "raise maxReplicas, or delete the autoscaler and set the replicas of its target",
          },
        ],
};
