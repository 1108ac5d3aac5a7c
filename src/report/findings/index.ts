import { type Finding, SEVERITIES } from "../finding.ts";
import type { FindingRule, LoopEvidence } from "../finding-rule.ts";
import { flapping } from "./flapping.ts";
import { metricCannotGrow } from "./metric-cannot-grow.ts";
import { minEqualsMax } from "./min-equals-max.ts";
import { queryWithoutAnswer } from "./query-without-answer.ts";
import { scaleInAbortsStreams } from "./scale-in-aborts-streams.ts";
import { stabilizationBelowStartUp } from "./stabilization-below-start-up.ts";
import { thresholdNeverTriggered } from "./threshold-never-triggered.ts";
import { twoOwners } from "./two-owners.ts";

export const findingRules: readonly FindingRule[] = [
  queryWithoutAnswer,
  metricCannotGrow,
  thresholdNeverTriggered,
  minEqualsMax,
  stabilizationBelowStartUp,
  scaleInAbortsStreams,
  flapping,
  twoOwners,
];

/** @returns of several replications each finding once, as severe as it was in any; the most severe first */
export const findingsOfAll = (runs: readonly { readonly findings?: readonly Finding[] }[]): readonly Finding[] => {
  const all = bySeverity(runs.flatMap(({ findings }) => findings ?? []));
  const known = new Set<string>();
  return all.filter(({ name, object, field = "" }) => {
    const key = `${name} ${object} ${field}`;
    return !known.has(key) && known.add(key);
  });
};

const bySeverity = (findings: readonly Finding[]): readonly Finding[] =>
  [...findings].sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity));

/** @returns what the rules find, the most severe first, then in the order of loops and rules */
export const findingsOf = (loops: readonly LoopEvidence[]): readonly Finding[] =>
  bySeverity(
    loops.flatMap((loop) =>
      findingRules.flatMap(({ name, look }) =>
        look(loop).map((found): Finding => ({ name, object: loop.setup.object, ...found })),
      ),
    ),
  );
