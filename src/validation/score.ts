import type { Figures, MeasuredRun, Metric } from "./measured-run.ts";

/** Percent; signed: positive where the prediction is too high. */
export interface Score {
  readonly run: MeasuredRun;
  readonly predicted: Figures;
  readonly errors: Figures;
  readonly signed: Figures;
}

/** In the order of tables. */
export const SCORED: readonly Metric[] = [
  "e2e_mean",
  "e2e_p90",
  "e2e_p99",
  "ttft_mean",
  "ttft_p90",
  "ttft_p95",
  "ttft_p99",
  "itl_mean",
  "itl_mean_published",
  "itl_median",
  "tpot_mean",
  "output_tokens_per_s",
];

/** Compares what was measured and what can be predicted; what either lacks is left out. */
export const scoreOf = (run: MeasuredRun, predicted: Figures): Score => {
  const signed = mapFigures(run.measured, (measured, metric) => {
    const value = predicted[metric];
    return value === undefined || !(measured > 0) ? undefined : 100 * (value / measured - 1);
  });
  const shown = mapFigures(run.measured, (_, metric) => predicted[metric]);
  return { run, predicted: shown, errors: mapFigures(signed, Math.abs), signed };
};

export const mapFigures = (figures: Figures, change: (value: number, metric: Metric) => number | undefined): Figures =>
  Object.fromEntries(
    SCORED.flatMap((metric) => {
      const value = figures[metric];
      const changed = value === undefined ? undefined : change(value, metric);
      return changed === undefined ? [] : [[metric, changed]];
    }),
  );

export interface Group {
  readonly by: "all" | "gpu" | "model" | "precision" | "deployment";
  readonly name: string;
  readonly runs: number;
  readonly median: Figures;
  readonly mean: Figures;
}

/** Medians and means of the absolute errors over runs, doubtful ones left out. */
export const groupOf = (by: Group["by"], name: string, scores: readonly Score[]): Group => {
  const counted = scores.filter(({ run }) => !run.suspect);
  const over = (fold: (values: readonly number[]) => number): Figures =>
    Object.fromEntries(
      SCORED.flatMap((metric) => {
        const values = counted.flatMap(({ errors }) => errors[metric] ?? []);
        return values.length === 0 ? [] : [[metric, fold(values)]];
      }),
    );
  return { by, name, runs: counted.length, median: over(median), mean: over(mean) };
};

export const groupsOf = (scores: readonly Score[]): readonly Group[] => {
  const named = (by: Group["by"], name: (run: MeasuredRun) => string): readonly Group[] =>
    [...new Set(scores.map(({ run }) => name(run)))].sort().map((one) =>
      groupOf(
        by,
        one,
        scores.filter(({ run }) => name(run) === one),
      ),
    );
  return [
    ...named("gpu", ({ server }) => server.gpu),
    ...named("model", ({ server }) => server.model),
    ...named("precision", ({ server }) => server.precision ?? "as the model"),
  ];
};

/** Median error of each peer, and ours on the very same runs and metrics. */
export interface Comparison {
  readonly peer: string;
  readonly runs: number;
  readonly theirs: Figures;
  readonly ours: Figures;
}

export const comparisonsOf = (scores: readonly Score[]): readonly Comparison[] => {
  const peers = [...new Set(scores.flatMap(({ run }) => Object.keys(run.peers)))].sort();
  return peers.map((peer) => {
    const shared = scores.filter(({ run }) => run.peers[peer] !== undefined);
    const both = (metric: Metric): readonly (readonly [number, number])[] =>
      shared.flatMap(({ run, errors }) => {
        const [theirs, ours] = [run.peers[peer]?.[metric], errors[metric]];
        return theirs === undefined || ours === undefined ? [] : [[theirs, ours] as const];
      });
    const medians = (side: 0 | 1): Figures =>
      Object.fromEntries(
        SCORED.flatMap((metric) => {
          const pairs = both(metric);
          return pairs.length === 0 ? [] : [[metric, median(pairs.map((pair) => pair[side]))]];
        }),
      );
    return { peer, runs: shared.length, theirs: medians(0), ours: medians(1) };
  });
};

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] as number) + (sorted[Math.ceil(middle)] as number)) / 2;
};

/** @param sorted upwards; rank q (n - 1), linear between neighbours */
export const percentileOf = (sorted: readonly number[], q: number): number => {
  const rank = q * (sorted.length - 1);
  const below = Math.floor(rank);
  const low = sorted[below] as number;
  return low + (rank - below) * ((sorted[below + 1] ?? low) - low);
};
