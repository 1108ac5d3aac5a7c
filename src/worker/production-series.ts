import type { LiveTraffic } from "../twin/scenario.ts";
import {
  candidateNames,
  detect,
  type RawSeries,
  seriesNames,
  type TrafficFamilies,
} from "../workload/observed/index.ts";
import { type PrometheusAccess, PrometheusError, query } from "./prometheus-api.ts";

/** More series than one platform has: a selector that names none of its own. */
const MOST_SERIES = 50_000;
/** Samples asked for at once. */
const MOST_SAMPLES = 400_000;
/** Prometheus scrapes every 15 s at the most often, by custom. */
const SCRAPE_SECONDS = 15;
const [SHORTEST_CHUNK_SECONDS, LONGEST_CHUNK_SECONDS] = [60, 3600];

export interface FoundFamilies {
  readonly families: TrafficFamilies;
  /** That have to be fetched. */
  readonly series: number;
}

type Wanted = Pick<LiveTraffic, "selector" | "metrics">;

/**
 * Which of production's series are there over a stretch of time, and which of them tell its traffic.
 * @throws PrometheusError where none do, or far too many
 */
export const findFamilies = async (
  access: PrometheusAccess,
  { selector, metrics }: Wanted,
  fromSeconds: number,
  toSeconds: number,
): Promise<FoundFamilies> => {
  const range = Math.max(1, Math.ceil(toSeconds - fromSeconds));
  const names = candidateNames(metrics);
  const counted = await query(
    access,
    `count by (__name__) (last_over_time(${selectorOf(names, selector)}[${range}s]))`,
    toSeconds,
  );
  const series = new Map(counted.map(({ labels, points }) => [labels["__name__"] ?? "", points[0]?.[1] ?? 0]));
  const families = detect(metrics, new Set(series.keys()));
  if (families === undefined) {
    const message = `${selector} matches no series that count requests (${metrics === "Auto" ? "of vLLM, endpoint picker or gateway" : `of ${metrics}`})`;
    throw new PrometheusError(
      "NoProductionSeries",
      message,
      "see that they are scraped, and set selector to their labels",
    );
  }
  const wanted = seriesNames(families).reduce((sum, name) => sum + (series.get(name) ?? 0), 0);
  if (wanted > MOST_SERIES) {
    const message = `${selector} matches ${wanted} series, more than ${MOST_SERIES}`;
    throw new PrometheusError("TooManySeries", message, "narrow the selector to one platform");
  }
  return { families, series: wanted };
};

/** Raw samples after `fromSeconds`, up to and with `toSeconds`, in pieces in order of time. @throws PrometheusError */
export async function* samplesOf(
  access: PrometheusAccess,
  selector: string,
  { families, series }: FoundFamilies,
  fromSeconds: number,
  toSeconds: number,
): AsyncGenerator<readonly RawSeries[]> {
  const chunk = chunkSeconds(series);
  const selected = selectorOf(seriesNames(families), selector);
  for (let from = fromSeconds; from < toSeconds; from += chunk) {
    const to = Math.min(from + chunk, toSeconds);
    yield await query(access, `${selected}[${Math.max(1, Math.ceil((to - from) * 1000))}ms]`, to);
  }
}

const chunkSeconds = (series: number): number => {
  const fitting = Math.floor((MOST_SAMPLES * SCRAPE_SECONDS) / Math.max(1, series));
  return Math.min(LONGEST_CHUNK_SECONDS, Math.max(SHORTEST_CHUNK_SECONDS, fitting));
};

/** @param selector label matchers in braces, checked where the spec is parsed */
export const selectorOf = (names: readonly string[], selector: string): string =>
  withMatchers(`__name__=~"${names.join("|")}"`, selector);

/** @param own matchers without braces @param selector more of them, with or without @returns all, in braces */
export const withMatchers = (own: string, selector: string): string => {
  const inner = selector.replace(/^\{/, "").replace(/\}$/, "").trim().replace(/,$/, "");
  return `{${own}${inner === "" ? "" : `,${inner}`}}`;
};
