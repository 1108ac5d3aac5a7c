import { judge, type Objective } from "../report/objectives.ts";
import type { Kpis } from "../report/report.ts";
import { flatKpis } from "../report/spread.ts";

/** What is told of a change, as far as it changes. */
const TOLD = [
  "ttftP99Seconds",
  "tpotP99Seconds",
  "e2eP99Seconds",
  "sloAttainmentRatio",
  "requestsFailed",
  "replicasMax",
  "gpuHours",
];
/** Below this share a difference is none. */
const LEAST = 0.01;

/** One line, in ASCII as what stands in a header had better be: the key figures that differ, before and after, and the verdict on the objectives. */
export const predictionOf = (before: Kpis, after: Kpis, objectives: readonly Objective[]): string => {
  const [was, is] = [flatKpis(before), flatKpis(after)];
  const figures = TOLD.flatMap((name) => {
    const [from, to] = [was[name], is[name]];
    if (from === undefined || to === undefined || Math.abs(to - from) <= LEAST * Math.max(from, to)) return [];
    return [`${name} ${short(from)} -> ${short(to)}`];
  });
  const verdicts = [before, after].map((kpis) => judge(objectives, [kpis], [before]).verdict);
  return [
    figures.length === 0 ? "no figure changes by more than 1%" : figures.join(", "),
    ...(objectives.length === 0 ? [] : [`objectives: ${verdicts.join(" -> ")}`]),
  ].join("; ");
};

const short = (value: number): string => String(Number(value.toPrecision(3)));
