import type { Compared, Goal } from "../../report/comparison.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { number, percent, seconds } from "../formats/figure.ts";
import type { Previewed } from "./previewed.ts";

const NAMES: Readonly<Record<Goal["metric"], string>> = {
  ttft: "time to first token",
  itl: "inter-token latency",
  tpot: "time per output token",
  e2e: "end-to-end time",
  errorRatio: "failed requests",
  gpuHours: "GPU-hours",
  sloAttainment: "requests that meet their targets",
};

/** What people call a goal: `time to first token p99`. */
export const goalName = ({ metric, percentile, sloClass }: Goal): string =>
  [NAMES[metric], ...(isLatency(metric) ? [percentile === undefined ? "mean" : `p${percentile}`] : [])]
    .concat(sloClass === undefined ? [] : [`of ${sloClass}`])
    .join(" ");

const isLatency = (metric: Goal["metric"]): boolean => ["ttft", "itl", "tpot", "e2e"].includes(metric);

/** A goal's figure in its unit. */
export const goalFigure = ({ metric }: Goal, value: number): string => {
  if (isLatency(metric)) return seconds(value);
  return metric === "gpuHours" ? number(value) : percent(value);
};

/** Its bound as it was said; empty: none. */
export const goalBound = ({ atMost, atLeast }: Goal): string =>
  atMost !== undefined ? `≤ ${atMost}` : atLeast === undefined ? "" : `≥ ${atLeast}`;

/** `+12.3 %`, or in the figure's own unit. */
export const differenceText = (goal: Goal, difference: { readonly relative: boolean }, value: number): string => {
  const size = Math.abs(value);
  const text = difference.relative ? percent(size) : goalFigure(goal, size);
  return value === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
};

/** `+9.8 % to +14.1 %`; empty: nothing is known yet. */
export const intervalText = (goal: Goal, { figures }: Pick<Compared, "figures">): string => {
  const { difference } = figures ?? {};
  if (difference?.interval === undefined) return "";
  const { low, high } = difference.interval;
  return low === high
    ? differenceText(goal, difference, low)
    : `${differenceText(goal, difference, low)} to ${differenceText(goal, difference, high)}`;
};

/** One plain sentence: what the change does, and whether the objectives are met. */
export const verdictSentence = ({ comparison, budget, seeds }: Previewed): string => {
  const of = (verdict: Compared["verdict"]): readonly Compared[] =>
    comparison.goals.filter((goal) => goal.verdict === verdict);
  const moved = [...of("worse"), ...of("better")].map(movedText);
  const same = of("same").map(goalName);
  const open = of("inconclusive").map(goalName);
  const done = [
    ...(moved.length === 0 ? [] : [`makes ${listed(moved)}`]),
    ...(same.length === 0 ? [] : [`leaves ${listed(same)} the same`]),
  ];
  const parts = [
    ...(done.length === 0 ? [] : [`the change ${listed(done)}`]),
    ...(open.length === 0
      ? []
      : [`${seeds.length} of at most ${budget} replications don't tell whether it changes ${listed(open)}`]),
    ...(comparison.met === undefined ? [] : [BOUNDS[comparison.met]]),
  ];
  const text = parts.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
};

const BOUNDS = {
  met: "with it every objective is met",
  "not met": "with it the objectives are not met",
  inconclusive: "whether the objectives are met with it is open",
} as const;

const movedText = (goal: Compared): string => {
  const interval = intervalText(goal, goal);
  return `${goalName(goal)} ${goal.verdict}${interval === "" ? "" : ` (${interval})`}`;
};

const listed = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

/**
 * Where objectives are said, whether the change meets them. Where none is, whether it makes the service worse; what it costs
 * more is told, and is no failure.
 */
export const exitOfPreviews = (previews: readonly Previewed[]): ExitCode => {
  const all = previews.map(answerOf);
  if (all.includes("not met")) return EXIT.notMet;
  return all.includes("inconclusive") ? EXIT.inconclusive : EXIT.met;
};

/** The answer that the exit code gives. */
export const answerOf = ({ comparison }: Previewed): "met" | "not met" | "inconclusive" => {
  if (comparison.met !== undefined) return comparison.met;
  const service = comparison.goals.filter(({ metric }) => metric !== "gpuHours").map(({ verdict }) => verdict);
  if (service.includes("worse")) return "not met";
  return service.includes("inconclusive") ? "inconclusive" : "met";
};
