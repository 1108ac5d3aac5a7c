import { dateOf } from "../model/calendar.ts";
import type { Problem } from "../model/problem.ts";
import {
  countOf,
  type LengthHistogram,
  type ObservedClass,
  type ObservedNotes,
  type ObservedStep,
  pooled,
  type TrafficFamilies,
} from "../workload/observed/index.ts";
import { derived, type MirroredValue } from "./ledger.ts";

/** Traffic as it was read from production's series. */
export interface ReadTraffic {
  readonly families: TrafficFamilies;
  readonly steps: readonly ObservedStep[];
  readonly stepMicros: number;
  readonly notes: ObservedNotes;
  /** Asked for there, and not served here. */
  readonly otherModels: readonly string[];
  /** Unix seconds at which the last step ends. */
  readonly toSeconds: number;
}

const FIELD = "spec.workload.prometheus";
/** A step that the samples tell less of than this is told as missing. */
const COVERED = 0.9;

/** What was made of production's series, for status and `explain`, and what is to be known about it. */
export const describeTraffic = (
  read: ReadTraffic,
): { readonly values: readonly MirroredValue[]; readonly warnings: readonly Problem[] } => {
  const { families, steps, stepMicros, notes, toSeconds } = read;
  const seconds = (steps.length * stepMicros) / 1e6;
  const all = steps.flatMap(({ classes }) => classes);
  const requests = sum(all, (one) => one.requests);
  const rates = steps.map(({ classes }) => sum(classes, (one) => one.requests) / (stepMicros / 1e6));
  const values: MirroredValue[] = [];
  const tell = (path: string, value: MirroredValue["value"], how: string): void => {
    values.push({ path: `traffic.${path}`, ...derived(value, how) });
  };
  tell("source", families.name, `series that the selector matches: ${families.requests}`);
  tell("from", instantText(toSeconds - seconds), "start of the stretch that these figures are of");
  tell("until", instantText(toSeconds), "end of the stretch that these figures are of");
  tell("targets", notes.targets, "pods or gateways whose samples were used");
  const arrivals =
    families.underWay.length === 0 ? families.requests : `${families.requests} and what came to be under way`;
  tell("requests", rounded(requests), arrivals);
  tell("ratePerSecond.mean", rounded(seconds > 0 ? requests / seconds : 0), arrivals);
  tell("ratePerSecond.most", rounded(Math.max(0, ...rates)), `the busiest step of ${stepMicros / 1e6} s`);
  for (const [what, name, histograms] of [
    ["promptTokens", families.prompts, all.flatMap(({ prompts }) => prompts ?? [])],
    ["outputTokens", families.outputs, all.flatMap(({ outputs }) => outputs ?? [])],
  ] as const) {
    const whole = pooled(histograms);
    if (name === undefined || whole === undefined) continue;
    tell(`${what}.count`, rounded(countOf(whole)), name);
    const mean = meanOf(whole);
    if (mean !== undefined) tell(`${what}.mean`, rounded(mean), `${name}_sum`);
    tell(`${what}.interpolation`, "monotone cubic", "within buckets, on the logarithm, with the mean kept");
  }
  const queried = sum(all, ({ prefix }) => prefix?.queried ?? 0);
  if (families.found !== undefined && queried > 0) {
    const found = sum(all, ({ prefix }) => prefix?.found ?? 0);
    tell("prefixHitRatio", rounded(found / queried), `${families.found} of ${families.queried}`);
  } else {
    tell("prefixHitRatio", 0, "no series of the prefix cache: prompts share nothing");
  }
  for (const [name, own] of classesOf(all)) {
    const share = requests > 0 ? sum(own, (one) => one.requests) / requests : 0;
    tell(`classes[${name}].share`, rounded(share), arrivals);
  }
  for (const [name, count] of Object.entries(notes)) {
    if (name === "targets" || count === 0 || count === false) continue;
    tell(`samples.${name}`, count as number | boolean, SAID[name] ?? "");
  }
  const missing = steps.filter(({ coverage }) => coverage < COVERED).length;
  tell("coverage", rounded(steps.length === 0 ? 0 : 1 - missing / steps.length), "share of steps that samples tell of");
  return { values, warnings: warningsOf(read, missing, requests) };
};

const SAID: Readonly<Record<string, string>> = {
  resets: "counters that began anew; what they counted since their last scrape is lost",
  gaps: "stretches of more than 5 min without a sample; what was counted over one is spread over it",
  badSamples: "samples that were no number, left out",
  withoutInf: "histograms without an +Inf bucket; their count stands in for it",
  mixedBounds: "bucket bounds differ between targets; those that all have are used",
  late: "requests known of when their step was simulated already, left out",
};

const warningsOf = (
  { families, steps, notes, otherModels }: ReadTraffic,
  missing: number,
  requests: number,
): readonly Problem[] => {
  const warnings: Problem[] = [];
  const warn = (reason: string, message: string, fix: string): void => {
    warnings.push({ severity: "warning", reason, field: FIELD, message, fix });
  };
  if (missing > 0) {
    const message = `of ${missing} of ${steps.length} steps there are few samples or none; no traffic is made up for them`;
    warn("TrafficGaps", message, "see that production is scraped, or choose another window");
  }
  if (otherModels.length > 0) {
    const message = `requests for ${otherModels.slice(0, 8).join(", ")} are left out: no mirrored workload serves it`;
    warn("OtherModels", message, "narrow the selector, or mirror the workloads that serve them");
  }
  if (requests > 0 && families.found === undefined) {
    warn("NoPrefixSeries", "no series tell of prefix hits: prompts share nothing", "scrape the engines' metrics too");
  }
  if (notes.mixedBounds) {
    const message = "histograms of different pods have different buckets: only the bounds that all have are used";
    warn("MixedBounds", message, "run one version of the engine, or narrow the selector");
  }
  return warnings;
};

const classesOf = (all: readonly ObservedClass[]): ReadonlyMap<string, readonly ObservedClass[]> => {
  const classes = new Map<string, ObservedClass[]>();
  for (const one of all) {
    if (one.requests <= 0) continue;
    const same = classes.get(one.name);
    if (same === undefined) classes.set(one.name, [one]);
    else same.push(one);
  }
  return classes;
};

const meanOf = (histogram: LengthHistogram): number | undefined => {
  const count = countOf(histogram);
  return histogram.sum === undefined || count === 0 ? undefined : histogram.sum / count;
};

const sum = <T>(all: readonly T[], read: (one: T) => number): number =>
  all.reduce((total, one) => total + read(one), 0);

const rounded = (value: number): number => Number(value.toPrecision(4));

/** `2026-01-31T18:00:05Z`; fractions of a second are cut off. @param seconds Unix time */
export const instantText = (seconds: number): string => {
  const { year, month, day, hour, minute } = dateOf(seconds);
  const second = Math.floor(seconds) % 60;
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}Z`;
};
