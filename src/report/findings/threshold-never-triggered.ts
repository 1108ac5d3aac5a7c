import type { FindingRule } from "../finding-rule.ts";

/** A run has to show this much of a metric before its silence means anything. */
const LEAST_SYNCS = 20;

export const thresholdNeverTriggered: FindingRule = {
  name: "threshold-never-triggered",
  summary: "a threshold that its metric never reached",
  look: ({ setup, metrics, suffering }) =>
    metrics.flatMap(({ field, name, syncs, missing, asked, seenMax, target }) => {
      if (setup.minReplicas === setup.maxReplicas || syncs - missing < LEAST_SYNCS || asked > 0) return [];
      if (seenMax > target) return [];
      return {
        severity: suffering ? ("warning" as const) : ("info" as const),
        field,
        message: `${name} never asked for more replicas: it reached ${figure(seenMax)} of ${figure(target)}${suffering ? ", though requests suffered" : ""}`,
        evidence: { largestSeen: seenMax, target, syncs },
        fix: suffering
          ? "lower the target to what the metric shows when requests begin to wait, or scale on a metric that rises with them"
          : "nothing, if the load was to be taken without more replicas; else lower the target",
      };
    }),
};

const figure = (value: number): string => `${Number(value.toPrecision(3))}`;
