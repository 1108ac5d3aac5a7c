import type { FindingRule } from "../finding-rule.ts";

/** Once may be chance. */
const LEAST = 2;

export const twoOwners: FindingRule = {
  name: "two-owners",
  summary: "two who write the replicas against each other",
  look: ({ setup, quarrels }) =>
    quarrels
      .filter(({ times }) => times >= LEAST)
      .map(({ by, against, times }) => ({
        severity: "error" as const,
        field: "spec.scaleTargetRef",
        message: `${by} undid what ${against} had written to ${setup.workload} ${times} times within five minutes`,
        evidence: { times },
        fix: "leave the replicas of a target to one of them",
      })),
};
