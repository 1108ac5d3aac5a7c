import { type Estimate, leastValues } from "./confidence-sequence.ts";
import { boundOf, increaseOf, type Objective, observe } from "./objectives.ts";
import { type Paired, paired } from "./paired.ts";
import type { Kpis } from "./report.ts";
import { flatKpis } from "./spread.ts";

/** How a figure of the changed platform stands to today's. `inconclusive`: so many replications don't tell. */
export type ChangeVerdict = "better" | "same" | "worse" | "inconclusive";
export type BoundVerdict = "met" | "not met" | "inconclusive";

/** What two scenarios are compared by: an objective, or a figure without a bound. */
export type Goal = Objective;

/** A goal, and how both scenarios do. */
export interface Compared extends Goal {
  /** Left out: no replication has anything to say. Latencies in seconds. */
  readonly figures?: Paired;
  readonly verdict: ChangeVerdict;
  /** Where it has a bound: whether the change, and today's, meet it. */
  readonly met?: { readonly baseline: BoundVerdict; readonly change: BoundVerdict };
}

export interface Comparison {
  /** Replications of each scenario that it rests on. */
  readonly replications: number;
  readonly goals: readonly Compared[];
  /** `worse` if any goal is, else `inconclusive` if any is, else `better` if any is. */
  readonly verdict: ChangeVerdict;
  /** Of the change; left out where no goal has a bound. */
  readonly met?: BoundVerdict;
  /** Nothing is inconclusive: more replications would change no verdict. */
  readonly settled: boolean;
}

export interface ComparisonOptions {
  /** How often at most any verdict of a comparison is wrong, whenever one stops. */
  readonly alpha: number;
  /** A difference below this share of today's figure matters to nobody. */
  readonly tolerance: number;
}

export const COMPARISON_DEFAULTS: ComparisonOptions = { alpha: 0.05, tolerance: 0.05 };

/** Compared where no objective is said: what users feel, and what it costs. */
export const DEFAULT_GOALS: readonly Goal[] = [
  { metric: "ttft", percentile: 99 },
  { metric: "itl", percentile: 99 },
  { metric: "e2e", percentile: 99 },
  { metric: "errorRatio" },
  { metric: "gpuHours" },
];

/** Shares (of requests) differ if they do so by one in a thousand. */
const SHARE_TOLERANCE = 0.001;

/**
 * Compares two scenarios, replication by replication, each pair under the same random numbers. It may be asked after every
 * replication and stopped at whichever settles it: the intervals that it rests on hold all along, and the chance to err is
 * shared out among the goals (Bonferroni), for verdicts and for bounds alike.
 *
 * A goal is the `same` if its whole interval is within the tolerance; `better` or `worse` if the interval is on one side of
 * zero. The `worse` of a platform that is no worse comes with a probability of at most `alpha`, over all goals.
 *
 * @param baseline and change: KPIs of the replications in order, equally many
 */
export const compare = (
  goals: readonly Goal[],
  baseline: readonly Kpis[],
  change: readonly Kpis[],
  options: ComparisonOptions = COMPARISON_DEFAULTS,
): Comparison => {
  const bounds = goals.filter(({ atMost, atLeast }) => atMost !== undefined || atLeast !== undefined).length;
  const compared = goals.map((goal) => compareOne(goal, baseline, change, { goals: goals.length, bounds, ...options }));
  const verdicts = compared.map(({ verdict }) => verdict);
  const met = compared.flatMap((one) => one.met?.change ?? []);
  return {
    replications: baseline.length,
    goals: compared,
    verdict: first(verdicts, ["worse", "inconclusive", "better"]) ?? "same",
    ...(met.length === 0 ? {} : { met: first(met, ["not met", "inconclusive"]) ?? "met" }),
    settled: ![...verdicts, ...met].includes("inconclusive"),
  };
};

const first = <T>(found: readonly T[], order: readonly T[]): T | undefined => order.find((one) => found.includes(one));

interface Shares extends ComparisonOptions {
  readonly goals: number;
  readonly bounds: number;
}

const compareOne = (goal: Goal, baseline: readonly Kpis[], change: readonly Kpis[], shares: Shares): Compared => {
  const [before, after] = [baseline, change].map((runs) => runs.flatMap((kpis) => observe(goal, kpis) ?? []));
  const bound = boundOf(goal);
  const complete = before?.length === baseline.length && after?.length === change.length && baseline.length > 0;
  if (before === undefined || after === undefined || !complete) {
    return { ...goal, ...silentVerdict(goal, before ?? [], after ?? [], baseline.length, shares) };
  }
  const scale = isShare(goal) ? "differences" : "factors";
  const figures = paired(before, after, shares.alpha / shares.goals, scale);
  const verdict = verdictOf(goal, figures, shares.tolerance);
  const increase = increaseOf(goal);
  if (increase !== undefined) {
    const { difference, baseline: level } = paired(before, after, shares.alpha / shares.bounds, scale);
    const most = difference.relative ? increase : increase * level.mean;
    return {
      ...goal,
      figures,
      verdict,
      met: { baseline: "met", change: boundVerdict(difference, { value: most, from: "above" }) },
    };
  }
  if (bound === undefined) return { ...goal, figures, verdict };
  const levels = paired(before, after, shares.alpha / shares.bounds, scale);
  const meets = (level: Estimate): BoundVerdict => boundVerdict(level, bound);
  return { ...goal, figures, verdict, met: { baseline: meets(levels.baseline), change: meets(levels.change) } };
};

/**
 * A replication that has nothing to say, since no request came to that, is no success. Where no replication of one side has,
 * and all of the other do, that is the change's doing: the requests that come are the same.
 */
const silentVerdict = (
  goal: Goal,
  before: readonly number[],
  after: readonly number[],
  replications: number,
  { alpha, goals }: Shares,
): Pick<Compared, "verdict" | "met"> => {
  const many = replications >= leastValues(alpha / goals);
  const lost = many && before.length === replications && after.length === 0;
  const found = many && after.length === replications && before.length === 0;
  const verdict = lost ? "worse" : found ? "better" : "inconclusive";
  if (boundOf(goal) === undefined && increaseOf(goal) === undefined) return { verdict };
  return { verdict, met: { baseline: "inconclusive", change: lost ? "not met" : "inconclusive" } };
};

const isShare = ({ metric }: Goal): boolean => metric === "errorRatio" || metric === "sloAttainment";

const verdictOf = (goal: Goal, { baseline, difference }: Paired, tolerance: number): ChangeVerdict => {
  const { interval, relative } = difference;
  if (interval === undefined) return "inconclusive";
  const { low, high } = interval;
  const margin = isShare(goal) ? SHARE_TOLERANCE : relative ? tolerance : tolerance * Math.abs(baseline.mean);
  if (low >= -margin && high <= margin) return "same";
  if (low <= 0 && high >= 0) return "inconclusive";
  return low > 0 === (goal.metric === "sloAttainment") ? "better" : "worse";
};

const boundVerdict = (
  { interval }: Estimate,
  { value, from }: NonNullable<ReturnType<typeof boundOf>>,
): BoundVerdict => {
  if (interval === undefined) return "inconclusive";
  const { low, high } = interval;
  if (from === "above") return high <= value ? "met" : low > value ? "not met" : "inconclusive";
  return low >= value ? "met" : high < value ? "not met" : "inconclusive";
};

/** Every KPI of both by its flat name, of those that every replication tells; each interval for itself may miss with probability `alpha`. */
export const pairedKpis = (
  baseline: readonly Kpis[],
  change: readonly Kpis[],
  alpha = COMPARISON_DEFAULTS.alpha,
): Readonly<Record<string, Paired>> => {
  const [before, after] = [baseline.map(flatKpis), change.map(flatKpis)];
  return Object.fromEntries(
    Object.keys(before[0] ?? {}).flatMap((name): [string, Paired][] => {
      const [from, to] = [before, after].map((runs) => runs.flatMap((kpis) => kpis[name] ?? [])) as [
        number[],
        number[],
      ];
      return from.length < baseline.length || to.length < change.length ? [] : [[name, paired(from, to, alpha)]];
    }),
  );
};
