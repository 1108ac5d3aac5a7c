import type { Rng } from "../../src/sim/rng.ts";

export interface GeneratedSample {
  readonly atMs: number;
  /** A staleness marker is a sample that says that the series ends. */
  readonly value: number | "stale";
}

export interface GeneratedSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly GeneratedSample[];
}

/** On a full minute, so that boundaries of ranges and samples meet. */
export const FIRST_MS = 1_700_000_040_000;
export const SPAN_MS = 40 * 60_000;
const INTERVAL_MS = 15_000;

type Walk = (rng: Rng, before: number) => number;

const counter =
  (most: number): Walk =>
  (rng, before) =>
    rng.next() < 0.01 ? rng.below(3) : before + (rng.next() < 0.2 ? 0 : rng.below(most));
const gauge: Walk = (rng, before) => (rng.next() < 0.3 ? before : Math.max(0, before + rng.below(9) - 4));
const temperature: Walk = (rng, before) => Math.round((before + (rng.next() - 0.5) * 8) * 1000) / 1000;

/** Counters that restart, gauges, histograms, series with gaps, that end and return, and values that are no numbers. */
export const generateSeries = (rng: Rng): readonly GeneratedSeries[] => [
  ...["api", "web"].flatMap((job) =>
    ["0", "1", "2"].flatMap((instance) => [
      ...["200", "500"].map((code) => series(rng, { __name__: "requests_total", job, instance, code }, counter(20))),
      series(rng, { __name__: "queue_depth", job, instance }, gauge),
      series(rng, { __name__: "build_info", job, instance, version: `v${1 + rng.below(2)}` }, () => 1),
    ]),
  ),
  ...["0", "1", "2", "10"].map((instance) =>
    series(rng, { __name__: "temperature", instance, zone: Number(instance) % 2 === 0 ? "even" : "odd" }, temperature),
  ),
  ...["api", "web"].flatMap((job) => histogram(rng, job)),
  series(rng, { __name__: "weird", kind: "nan" }, (_rng, before) => (before === 0 ? Number.NaN : 0)),
  series(rng, { __name__: "weird", kind: "inf" }, () => [Infinity, -Infinity, 1, 2][rng.below(4)] as number),
  series(rng, { __name__: "weird", kind: "negative" }, () => -rng.below(5)),
  series(rng, { __name__: "weird", kind: "huge" }, () => rng.next() * 1e308),
];

const BOUNDS = ["0.1", "0.5", "1", "5", "+Inf"];

/** One draw per scrape for all of its series, so that counts rise with the bounds. */
const histogram = (rng: Rng, job: string): readonly GeneratedSeries[] => {
  const times = timesOf(rng);
  const counts = BOUNDS.map(() => 0);
  let sum = 0;
  const rows = times.map((atMs) => {
    for (let i = rng.below(8); i > 0; i -= 1) {
      const bucket = rng.below(BOUNDS.length);
      for (let k = bucket; k < counts.length; k += 1) counts[k] = (counts[k] as number) + 1;
      sum += bucket / 2 + 0.05;
    }
    return { atMs, counts: [...counts], sum };
  });
  const of = (name: string, more: Record<string, string>, value: (row: (typeof rows)[number]) => number) => ({
    labels: { __name__: name, job, ...more },
    samples: rows.map((row) => ({ atMs: row.atMs, value: value(row) })),
  });
  return [
    ...BOUNDS.map((le, i) => of("latency_bucket", { le }, (row) => row.counts[i] as number)),
    of("latency_sum", {}, (row) => row.sum),
    of("latency_count", {}, (row) => row.counts[BOUNDS.length - 1] as number),
  ];
};

const timesOf = (rng: Rng): readonly number[] => {
  const phase = rng.next() < 0.5 ? 0 : rng.below(INTERVAL_MS);
  const count = SPAN_MS / INTERVAL_MS;
  return Array.from({ length: count }, (_, i) => FIRST_MS + phase + i * INTERVAL_MS);
};

const series = (rng: Rng, labels: Readonly<Record<string, string>>, walk: Walk): GeneratedSeries => {
  const samples: GeneratedSample[] = [];
  const from = rng.next() < 0.2 ? FIRST_MS + rng.below(SPAN_MS / 2) : FIRST_MS;
  const gap = rng.next() < 0.3 ? FIRST_MS + rng.below(SPAN_MS) : Infinity;
  const gapEnds = gap + rng.below(8 * 60_000);
  const isMarked = rng.next() < 0.5;
  let value = 0;
  let away = false;
  for (const atMs of timesOf(rng)) {
    value = walk(rng, value);
    const missing = atMs < from || (atMs > gap && atMs < gapEnds) || rng.next() < 0.02;
    if (!missing) samples.push({ atMs, value });
    else if (!away && isMarked && samples.length > 0) samples.push({ atMs, value: "stale" });
    away = missing;
  }
  return { labels, samples };
};
