import type { HistogramValue, MetricFamily } from "../src/model/metric-family.ts";
import type { Request } from "../src/model/request.ts";
import { familiesOf } from "../src/report/metrics/index.ts";
import type { SimTime } from "../src/sim/time.ts";
import type { Scenario } from "../src/twin/scenario.ts";
import { World } from "../src/twin/world.ts";

/** A world that plays production: what a Prometheus would have scraped of it, and what really came. */
export interface SyntheticProduction {
  /** OpenMetrics with timestamps, for `startPrometheus({ backfill })`. */
  readonly openMetrics: string;
  /** That arrived, in order. */
  readonly requests: readonly Request[];
}

interface Options {
  /** Unix seconds of the world's start. */
  readonly startSeconds: number;
  readonly seconds: number;
  readonly scrapeSeconds: number;
  /** Families that are scraped, by the beginning of their names. Left out: vLLM's. */
  readonly prefixes?: readonly string[];
  /** Replicas of the first workload from some second on. Left out: nobody scales it. */
  readonly scales?: Readonly<Record<number, number>>;
}

/** Runs a scenario and writes down its metrics as they would have been scraped. */
export const playProduction = (
  scenario: Scenario,
  { startSeconds, seconds, scrapeSeconds, prefixes = ["vllm:"], scales = {} }: Options,
): SyntheticProduction => {
  const requests: Request[] = [];
  const world = new World({ ...scenario, horizonMicros: seconds * 1e6 }, (fact) => {
    if (fact.kind === "arrived") requests.push(fact.request);
  });
  const workload = scenario.workloads[0]?.name ?? "";
  for (const [at, replicas] of Object.entries(scales))
    world.inject((Number(at) * 1e6) as SimTime, { kind: "scale-written", workload, replicas, by: "somebody" });
  const lines = new Map<string, string[]>();
  for (let at = 0; at <= seconds; at += scrapeSeconds) {
    world.runUntil((at * 1e6) as SimTime);
    const families = familiesOf(world.view((at * 1e6) as SimTime), startSeconds);
    for (const family of families.filter(({ name }) => prefixes.some((prefix) => name.startsWith(prefix)))) {
      const known = lines.get(family.name) ?? [`# TYPE ${family.name} ${family.type}`];
      lines.set(family.name, known);
      known.push(...linesOf(family, startSeconds + at));
    }
  }
  return { openMetrics: `${[...lines.values()].flat().join("\n")}\n# EOF\n`, requests };
};

const linesOf = ({ name, type, samples }: MetricFamily, at: number): readonly string[] =>
  samples.flatMap(({ labels, value }) => {
    const text = Object.entries(labels).map(([label, said]) => `${label}=${JSON.stringify(said)}`);
    const line = (suffix: string, number: number, more: readonly string[] = []): string =>
      `${name}${suffix}{${[...text, ...more].join(",")}} ${number} ${at}`;
    if (typeof value === "number") return [line(type === "counter" ? "_total" : "", value)];
    return histogramLines(value, line);
  });

const histogramLines = (
  { bounds, counts, sum }: HistogramValue,
  line: (suffix: string, number: number, more?: readonly string[]) => string,
): readonly string[] => {
  let below = 0;
  const buckets = counts.map((count, i) => {
    below += count;
    return line("_bucket", below, [`le="${bounds[i] ?? "+Inf"}"`]);
  });
  return [...buckets, line("_sum", sum), line("_count", below)];
};
