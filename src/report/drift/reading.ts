import type { MetricFamily } from "../../model/metric-family.ts";

// Whether the simulation still says what production does. A `Reading` is what series of one side were at an instant;
// two of them make an `Interval`; `drift-metrics.ts` says what is compared of intervals, `drift-test.ts` whether they
// differ by more than chance, `drift-watch.ts` keeps the last half hour and says so with hysteresis.

/** A series at an instant: production's as Prometheus answers, the simulation's as it would be scraped. */
export interface SeriesValue {
  /** With `__name__`. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
export type Reading = readonly SeriesValue[];

/** What both sides are asked for: vLLM's names (0.26). */
export const DRIFT_FAMILIES = {
  ttft: "vllm:time_to_first_token_seconds",
  itl: "vllm:inter_token_latency_seconds",
  /** As it was called before 0.11. */
  tpot: "vllm:time_per_output_token_seconds",
  e2e: "vllm:e2e_request_latency_seconds",
  prompts: "vllm:request_prompt_tokens",
  outputs: "vllm:request_generation_tokens",
  running: "vllm:num_requests_running",
  waiting: "vllm:num_requests_waiting",
  kvUsage: "vllm:kv_cache_usage_perc",
} as const;

const HISTOGRAMS = ["ttft", "itl", "tpot", "e2e", "prompts", "outputs"] as const;
const GAUGES = ["running", "waiting", "kvUsage"] as const;

/** Series names that a reading needs. */
export const DRIFT_SERIES: readonly string[] = [
  ...HISTOGRAMS.flatMap((name) => ["bucket", "sum", "count"].map((part) => `${DRIFT_FAMILIES[name]}_${part}`)),
  ...GAUGES.map((name) => DRIFT_FAMILIES[name]),
];

/** The simulation's families as series, those that are compared. */
export const readingOf = (families: readonly MetricFamily[]): Reading => {
  const wanted: readonly string[] = Object.values(DRIFT_FAMILIES);
  return families
    .filter(({ name }) => wanted.includes(name))
    .flatMap(({ name, samples }) =>
      samples.flatMap(({ labels, value }) => {
        if (typeof value === "number") return [{ labels: { ...labels, __name__: name }, value }];
        let below = 0;
        const buckets = value.counts.map((count, i) => {
          below += count;
          return {
            labels: { ...labels, __name__: `${name}_bucket`, le: String(value.bounds[i] ?? "+Inf") },
            value: below,
          };
        });
        return [
          ...buckets,
          { labels: { ...labels, __name__: `${name}_sum` }, value: value.sum },
          { labels: { ...labels, __name__: `${name}_count` }, value: below },
        ];
      }),
    );
};

/** What a histogram took in between two instants, of all pods. */
export interface Observed {
  /** Cumulative counts by upper bound, +Inf among them. */
  readonly upTo: ReadonlyMap<number, number>;
  readonly count: number;
  readonly sum: number;
}

/** Counts per bucket, the last one +Inf's; a bucket that fell behind the one below it is lifted to it. */
export const bucketsOf = ({ upTo, count }: Observed): { readonly bounds: number[]; readonly counts: number[] } => {
  const bounds = [...upTo.keys()].filter(Number.isFinite).sort((a, b) => a - b);
  let below = 0;
  const cumulative = [...bounds.map((bound) => upTo.get(bound) as number), Math.max(count, upTo.get(Infinity) ?? 0)];
  const counts = cumulative.map((reached) => {
    const own = Math.max(0, reached - below);
    below += own;
    return own;
  });
  return { bounds, counts };
};

/** One side between two instants. */
export interface Interval {
  readonly ttft: Observed;
  readonly itl: Observed;
  readonly e2e: Observed;
  readonly prompts: Observed;
  readonly outputs: Observed;
  /** At its end, of all pods together; of `kvUsage` the mean over pods. */
  readonly running: number;
  readonly waiting: number;
  readonly kvUsage: number;
  readonly replicas: number;
}

/**
 * As Prometheus' `increase`: a series that is new tells nothing, one that fell began at 0.
 * @returns undefined where either reading has no engine's series: nothing can be said
 */
export const intervalOf = (before: Reading, after: Reading): Interval | undefined => {
  const earlier = new Map(before.map(({ labels, value }) => [keyOf(labels), value]));
  const histograms = { ttft: blank(), itl: blank(), tpot: blank(), e2e: blank(), prompts: blank(), outputs: blank() };
  const gauges = { running: 0, waiting: 0, kvUsage: 0 };
  const pods = new Set<string>();
  const caches = new Set<string>();
  for (const { labels, value } of after) {
    if (!Number.isFinite(value)) continue;
    const name = labels["__name__"] ?? "";
    const gauge = GAUGES.find((one) => DRIFT_FAMILIES[one] === name);
    if (gauge !== undefined) {
      gauges[gauge] += value;
      if (gauge === "running") pods.add(podOf(labels));
      if (gauge === "kvUsage") caches.add(keyOf(labels));
      continue;
    }
    const which = HISTOGRAMS.find((one) => name.startsWith(`${DRIFT_FAMILIES[one]}_`));
    const old = earlier.get(keyOf(labels));
    if (which === undefined || old === undefined || !Number.isFinite(old)) continue;
    add(histograms[which], name.slice(name.lastIndexOf("_") + 1), labels["le"], value < old ? value : value - old);
  }
  if (pods.size === 0) return undefined;
  for (const histogram of Object.values(histograms)) keepCommon(histogram);
  const { tpot, ...rest } = histograms;
  return {
    ...rest,
    itl: rest.itl.count > 0 ? rest.itl : tpot,
    running: gauges.running,
    waiting: gauges.waiting,
    kvUsage: caches.size === 0 ? 0 : gauges.kvUsage / caches.size,
    replicas: pods.size,
  };
};

interface Filling {
  readonly upTo: Map<number, number>;
  /** How many series have each bound. */
  readonly series: Map<number, number>;
  count: number;
  sum: number;
}
const blank = (): Filling => ({ upTo: new Map(), series: new Map(), count: 0, sum: 0 });

const add = (filling: Filling, part: string, le: string | undefined, rise: number): void => {
  if (part === "sum") filling.sum += rise;
  else if (part === "count") filling.count += rise;
  else if (part === "bucket" && le !== undefined) {
    const bound = le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
    if (Number.isNaN(bound)) return;
    filling.upTo.set(bound, (filling.upTo.get(bound) ?? 0) + rise);
    filling.series.set(bound, (filling.series.get(bound) ?? 0) + 1);
  }
};

/** Where bounds differ between pods, those that all have: a bound of some says nothing of the others' observations. */
const keepCommon = ({ upTo, series }: Filling): void => {
  const all = Math.max(...series.values());
  for (const [bound, count] of series) if (count < all) upTo.delete(bound);
};

const keyOf = (labels: SeriesValue["labels"]): string =>
  Object.keys(labels)
    .sort()
    .map((name) => `${name}=${labels[name]}`)
    .join(",");

/** Ranks of one pod are one replica. */
const podOf = ({ namespace, pod, instance, ...rest }: SeriesValue["labels"]): string => {
  const { engine: _, __name__: __, ...others } = rest;
  return pod === undefined && instance === undefined ? keyOf(others) : `${namespace}/${pod ?? ""}/${instance ?? ""}`;
};
