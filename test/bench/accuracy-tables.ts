import type { Accuracy, ScoredRun } from "../../src/validation/accuracy.ts";
import type { Figures, Metric } from "../../src/validation/measured-run.ts";
import { SCORED } from "../../src/validation/score.ts";

/** Tables of plain text: errors in percent, run by run, by groups, beside other simulators, and the bands. */
export const accuracyTables = (accuracy: Accuracy): string => {
  const { experiments, summary, groups, coverage, peers, models } = accuracy;
  const shown = SCORED.filter((metric) => experiments.some(({ measured }) => measured[metric] !== undefined));
  const head = ["", ...shown];
  const errors = (name: string, figures: Figures, digits = 1): string[] => [
    name,
    ...shown.map((metric) => number(figures[metric], digits)),
  ];
  const parts = [
    title(`signed error per run, %, latency model ${accuracy.latencyModel}; * = marked as doubtful, not counted`),
    grid([head, ...experiments.map((one) => errors(`${one.id}${one.suspect ? " *" : ""}`, one.signed))]),
    title("absolute error, %: median (mean) over runs"),
    grid([
      head,
      both("all", summary, shown),
      ...groups.map((group) => both(`${group.by} ${group.name} (${group.runs})`, group, shown)),
    ]),
  ];
  if (models.length > 0) {
    parts.push(
      title("other latency models in the same engine, median absolute error, %"),
      grid([head, ...models.map(({ name, median }) => errors(name, median))]),
    );
  }
  if (peers.length > 0) {
    parts.push(
      title("published errors of other simulators on the same runs, median, %; below each: this one on those runs"),
      grid([
        head,
        ...peers.flatMap(({ peer, runs, theirs, ours }) => [
          errors(`${peer} (${runs})`, theirs),
          errors("  servetwin", ours),
        ]),
      ]),
    );
  }
  if (coverage !== undefined) {
    parts.push(
      title(
        `p10 to p90: ${(100 * coverage.share).toFixed(0)} % of all measured values lie inside; by metric, and median p90 / p10`,
      ),
      grid([head, errors("inside, %", scaled(coverage.byMetric, 100), 0), errors("p90 / p10", coverage.widths, 2)]),
      ...experiments.filter(({ novelties }) => novelties.length > 0).map(widened),
    );
  }
  const missing = experiments.flatMap(lacking);
  return [...parts, ...missing].join("\n");
};

const title = (text: string): string => `\n${text}`;
const number = (value: number | undefined, digits: number): string =>
  value === undefined ? "-" : value.toFixed(digits);
const both = (name: string, group: { median: Figures; mean: Figures }, shown: readonly Metric[]): string[] => [
  name,
  ...shown.map((metric) =>
    group.median[metric] === undefined ? "-" : `${number(group.median[metric], 1)} (${number(group.mean[metric], 1)})`,
  ),
];
const scaled = (figures: Figures, by: number): Figures =>
  Object.fromEntries(Object.entries(figures).map(([metric, value]) => [metric, value * by]));
const widened = ({ id, novelties }: ScoredRun): string => `${id}: wider, for ${novelties.join("; ")}`;
const OPEN_LOOP: readonly Metric[] = [
  "e2e_mean",
  "e2e_p90",
  "e2e_p99",
  "ttft_mean",
  "ttft_p90",
  "ttft_p99",
  "itl_mean",
];
const CLOSED_LOOP: readonly Metric[] = ["ttft_mean", "tpot_mean"];

/** What a run of its kind usually has and this one lacks. Benchmarks that give medians instead of means lack nothing. */
const lacking = ({ id, measured }: ScoredRun): readonly string[] => {
  if (measured.itl_median !== undefined) return [];
  const missing = (measured.tpot_mean === undefined ? OPEN_LOOP : CLOSED_LOOP).filter(
    (metric) => measured[metric] === undefined,
  );
  return missing.length === 0 ? [] : [`${id}: not measured, so not scored: ${missing.join(", ")}`];
};

const grid = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    )
    .join("\n");
};
