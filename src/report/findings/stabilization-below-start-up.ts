import type { FindingRule } from "../finding-rule.ts";

/** What goes at a dip shorter than a start-up isn't back when the load is. */
export const stabilizationBelowStartUp: FindingRule = {
  name: "stabilization-below-start-up",
  summary: "a scale-down stabilization window shorter than a replica's start-up",
  look: ({ setup: { scaleDownStabilizationSeconds: window }, kpis: { startUpSeconds, reversals } }) =>
    startUpSeconds.count === 0 || window >= startUpSeconds.mean
      ? []
      : [
          {
            severity: reversals > 1 ? "warning" : "info",
            field: "spec.behavior.scaleDown.stabilizationWindowSeconds",
            message: `a replica goes after ${Math.round(window)} s of lower demand, but takes ${Math.round(startUpSeconds.mean)} s to come back`,
            evidence: {
              stabilizationSeconds: window,
              startUpMeanSeconds: startUpSeconds.mean,
              startUpMaxSeconds: startUpSeconds.max,
              reversals,
            },
            fix: `a window of at least ${Math.ceil(startUpSeconds.max / 60) * 60} s, the longest start-up seen`,
          },
        ],
};
