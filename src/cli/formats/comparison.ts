import Table from "cli-table3";
import { spreadOf } from "../../report/spread.ts";
import type { Outcome } from "../format.ts";
import { number, percent, seconds } from "./figure.ts";

/** KPIs shown beside each other: title, flat name, how it is written. */
export const KPI_ROWS: readonly (readonly [string, string, (value: number) => string])[] = [
  ["TTFT mean", "ttftMeanSeconds", seconds],
  ["TTFT p90", "ttftP90Seconds", seconds],
  ["TTFT p99", "ttftP99Seconds", seconds],
  ["ITL mean", "itlMeanSeconds", seconds],
  ["ITL p99", "itlP99Seconds", seconds],
  ["E2E mean", "e2eMeanSeconds", seconds],
  ["E2E p99", "e2eP99Seconds", seconds],
  ["waiting in the engine, mean", "queueMeanSeconds", seconds],
  ["objectives of requests attained", "sloAttainmentRatio", percent],
  ["goodput, requests/s", "goodputPerSecond", number],
  ["requests completed", "requestsCompleted", number],
  ["rejected", "requestsRejected", number],
  ["refused, queue full", "requestsOverloaded", number],
  ["timed out", "requestsTimedOut", number],
  ["aborted", "requestsAborted", number],
  ["shed", "requestsShed", number],
  ["expired in the gateway", "requestsExpired", number],
  ["output tokens/s", "outputTokensPerSecond", number],
  ["prefix cache hits", "prefixCacheHitRatio", percent],
  ["preemptions", "preemptions", number],
  ["replicas, mean", "replicasMean", number],
  ["replicas, most", "replicasMax", number],
  ["scale-ups", "scaleUps", number],
  ["scale-downs", "scaleDowns", number],
  ["GPU-hours", "gpuHours", number],
  ["reaction, mean", "reactionMeanSeconds", seconds],
  ["overshoot, replicas", "overshootReplicas", number],
  ["flaps/h", "flapsPerHour", number],
  ["objectives violated, min", "sloViolationMinutes", number],
  ["while a replica was starting, min", "sloViolationMinutesWhileStarting", number],
  ["streams aborted at scale-in", "streamsAbortedAtScaleIn", number],
];

/** Baseline and candidates side by side, with what differs; rows that are zero everywhere are left out. */
export const comparison = (baseline: Outcome, candidates: readonly Outcome[]): string => {
  const all = [baseline, ...candidates].map(({ reports }) => spreadOf(reports.map(({ kpis }) => kpis)));
  const several = baseline.reports.length > 1;
  const table = new Table({
    head: ["", baseline.scenario, ...candidates.flatMap(({ scenario }) => [scenario, "change"])],
    colAligns: ["left", "right", ...candidates.flatMap((): "right"[] => ["right", "right"])],
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const [title, name, write] of KPI_ROWS) {
    if (all.every((kpis) => (kpis[name]?.mean ?? 0) === 0)) continue;
    table.push([
      title,
      write(all[0]?.[name]?.mean ?? 0),
      ...candidates.flatMap((candidate, i) => [
        write(all[i + 1]?.[name]?.mean ?? 0),
        changeOf(candidate, name, several),
      ]),
    ]);
  }
  table.push(["verdict", baseline.verdict ?? "", ...candidates.flatMap(({ verdict }) => [verdict ?? "", ""])]);
  const note = several ? "A change in brackets differs in sign between replications.\n" : "";
  return `side by side, under the same random numbers\n\n${table.toString()}\n${note}`;
};

/** Relative where the baseline has something; in brackets where chance alone could have made it. */
const changeOf = ({ differences }: Outcome, name: string, several: boolean): string => {
  const found = differences?.[name];
  if (found === undefined || found.change.mean === 0 || Math.abs(found.ratio ?? 1) < 0.0005) return "=";
  const { change, ratio } = found;
  const text =
    ratio === undefined ? signed(change.mean, number) : ratio >= 9 ? `× ${number(1 + ratio)}` : signed(ratio, percent);
  return several && change.p10 < 0 !== change.p90 < 0 ? `(${text})` : text;
};

const signed = (value: number, write: (value: number) => string): string =>
  `${value < 0 ? "−" : "+"}${write(Math.abs(value))}`;
