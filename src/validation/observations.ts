import type { Figures, MeasuredRun, Metric } from "./measured-run.ts";
import type { Replayed } from "./replay.ts";

/** One measured figure that the corrections are fitted to, on a logarithmic scale. */
export interface Observation {
  readonly run: MeasuredRun;
  readonly metric: Metric;
  readonly measured: number;
  /** Deviation of the logarithm that is expected of a good model; what weighs the observation. */
  readonly deviation: number;
  /** undefined: the replay has no such figure. */
  of(replayed: Replayed): number | undefined;
}

/** Expected deviations of a stage's figures, by metric. */
const OPEN: Partial<Record<Metric, number>> = {
  itl_mean: 0.025,
  ttft_mean: 0.045,
  ttft_p90: 0.12,
  e2e_p99: 0.1,
  ttft_p99: 0.3,
};
/** Published sweeps say less about their set-up: versions, lengths, warm-up. */
const CLOSED: Partial<Record<Metric, number>> = {
  tpot_mean: 0.1,
  ttft_mean: 0.2,
  itl_median: 0.1,
  output_tokens_per_s: 0.1,
  ttft_p95: 0.3,
};
const TRACE: Partial<Record<Metric, number>> = { e2e_mean: 0.1, tpot_mean: 0.08 };
/** Above this a closed loop's TTFT is mostly queueing, milliseconds. */
const QUEUED_MS = 4000;

export const observationsOf = (runs: readonly MeasuredRun[]): readonly Observation[] => {
  const rows = new Map<string, number>();
  for (const { deployment } of runs) rows.set(deployment, (rows.get(deployment) ?? 0) + 1);
  return runs
    .filter(({ suspect }) => !suspect)
    .flatMap((run) => {
      const count = rows.get(run.deployment) as number;
      // Rows of one deployment share its peculiarities: together they count as one.
      const inflation = Math.sqrt(count);
      if (run.load.kind === "pool") return openObservations(run);
      const table = run.load.kind === "closed" ? CLOSED : TRACE;
      const queued = Math.max(run.measured.ttft_mean ?? 0, run.measured.ttft_p95 ?? 0) > QUEUED_MS;
      if (run.load.kind === "closed" && queued) return [];
      return observe(run, table, run.measured, inflation, ({ overall }) => overall);
    });
};

const openObservations = (run: MeasuredRun): readonly Observation[] =>
  run.stages.length === 0
    ? observe(run, OPEN, run.measured, 1, ({ overall }) => overall)
    : run.stages.flatMap((stage, i) => observe(run, OPEN, stage, 1, ({ stages }) => stages[i] ?? {}));

const observe = (
  run: MeasuredRun,
  deviations: Partial<Record<Metric, number>>,
  measured: Figures,
  inflation: number,
  figures: (replayed: Replayed) => Figures,
): readonly Observation[] =>
  Object.entries(deviations).flatMap(([name, deviation]) => {
    const metric = name as Metric;
    const value = measured[metric];
    if (value === undefined || !(value > 0)) return [];
    return [
      { run, metric, measured: value, deviation: deviation * inflation, of: (replayed) => figures(replayed)[metric] },
    ];
  });
