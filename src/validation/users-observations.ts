import type { Metric } from "./measured-run.ts";
import type { Observation } from "./observations.ts";
import type { UsersRun } from "./users-runs.ts";

/** Deviations of a figure's logarithm from one run to the next on one server, where requests are many. */
const NOISE: Partial<Record<Metric, number>> = {
  tpot_mean: 0.025,
  ttft_mean: 0.05,
  ttft_p90: 0.12,
  ttft_p95: 0.15,
  ttft_p99: 0.3,
  itl_median: 0.05,
  e2e_p99: 0.1,
};
/** Of what stands for the time per output token where that was not measured. */
const INSTEAD = 0.03;
/** Many requests of like length in flight come in waves, and wait for each other as chance has it. */
const WAVES = 0.12;
/** What few requests add: their share of one request's scatter. */
const SCATTER = 0.4;
/** A closed loop's first tokens later than this are a queue, milliseconds. */
const QUEUED_MS = 4000;

/** What the corrections are refined by: each figure once, weighed by how well it would be met by the same run again. */
export const observationsOfUsers = (runs: readonly UsersRun[]): readonly Observation[] =>
  runs.flatMap(({ run, completed }) => {
    const { measured, load } = run;
    const waits = load.kind === "closed" && (measured.ttft_mean ?? 0) > QUEUED_MS;
    const inWaves = load.kind === "closed" && load.concurrency > 1;
    const instead = measured.e2e_mean === undefined ? "output_tokens_per_s" : "e2e_mean";
    const noise = measured.tpot_mean === undefined ? { ...NOISE, [instead]: INSTEAD } : NOISE;
    return Object.entries(noise).flatMap(([name, deviation]): Observation[] => {
      const metric = name as Metric;
      const value = measured[metric];
      if (value === undefined || deviation === undefined || (waits && metric.startsWith("ttft"))) return [];
      return [
        {
          run,
          metric,
          measured: value,
          deviation: Math.hypot(
            deviation,
            inWaves && metric.startsWith("ttft") ? WAVES : 0,
            SCATTER / Math.sqrt(completed),
          ),
          of: ({ overall }) => overall[metric],
        },
      ];
    });
  });
