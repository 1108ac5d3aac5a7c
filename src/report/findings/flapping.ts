import type { FindingRule } from "../finding-rule.ts";

/** Fewer, or rarer, follow a load that comes and goes. */
const LEAST = 4;
const PER_HOUR = 4;

export const flapping: FindingRule = {
  name: "flapping",
  summary: "replicas that go up and down again and again",
  look: ({ setup, kpis: { reversals, flapsPerHour, overshootReplicas } }) =>
    reversals < LEAST || flapsPerHour <= PER_HOUR
      ? []
      : [
          {
            severity: "warning",
            field: "spec.behavior",
            message: `the replicas changed direction ${reversals} times, ${flapsPerHour.toFixed(1)} times an hour`,
            evidence: {
              reversals,
              flapsPerHour,
              overshootReplicas,
              stabilizationSeconds: setup.scaleDownStabilizationSeconds,
            },
            fix: "a longer scaleDown.stabilizationWindowSeconds, a scaleUp policy with fewer pods per period, or a metric that is smoothed over a start-up",
          },
        ],
};
