import Table from "cli-table3";
import type { Comparison } from "../../report/comparison.ts";
import type { TimelineColumn } from "../../report/report.ts";
import { compact, plain, right } from "../cell.ts";
import type { Answer } from "../format.ts";
import { plotted, pointsOf } from "../plot.ts";
import type { ChangedValue } from "../preview/changed-values.ts";
import type { FindingChange, Previewed } from "../preview/previewed.ts";
import { differenceText, goalBound, goalFigure, goalName, intervalText, verdictSentence } from "../preview/verdict.ts";
import { KPI_ROWS } from "./comparison.ts";
import { duration, percent } from "./figure.ts";

/** For people at a terminal: what changes, what that does, and one sentence. */
export const comparisonTable = ({ previews, leftOut }: Answer): string =>
  [
    ...previews.map(section),
    ...(leftOut.length === 0
      ? []
      : [`${leftOut.map(({ simulation, why }) => `left out: ${simulation} ${why}`).join("\n")}\n`]),
  ].join("\n");

const section = (preview: Previewed): string =>
  [
    heading(preview),
    "what changes\n",
    valueTable(preview.values),
    "what it does, under the same random numbers\n",
    goalTable(preview.comparison),
    kpiTable(preview),
    ...findings(preview.findings),
    ...plots(preview),
    ...notes(preview),
    `verdict: ${verdictSentence(preview)}\n`,
  ].join("\n");

export const heading = ({ name, seeds, budget, first: [baseline, change] }: Previewed): string =>
  `${name}: ${duration(baseline.horizonSeconds)} simulated, ${seeds.length} of at most ${budget} replications each, seeds ${seeds[0]} to ${seeds.at(-1)}, scenarios ${baseline.scenarioDigest.slice(0, 12)} and ${change.scenarioDigest.slice(0, 12)}. Simulated, not measured.\n`;

const valueTable = (values: readonly ChangedValue[]): string => {
  const rows = new Table({ head: ["value", "today", "with the change", "from"], style: plain, chars: compact });
  for (const { path, before, after, from } of values) rows.push([path, valueText(before), valueText(after), from]);
  return `${rows.toString()}\n`;
};

/** What isn't there is a dash. */
export const valueText = (value: ChangedValue["before"]): string => (value === undefined ? "–" : String(value));

export const goalTable = ({ goals }: Pick<Comparison, "goals">): string => {
  const bounded = goals.some(({ met }) => met !== undefined);
  const head = ["", "today", "with the change", "difference", "95 % sure within", "verdict"];
  const rows = new Table({
    head: [...head, ...(bounded ? ["objective", "today", "change"] : [])],
    colAligns: ["left", ...right(4), "left", ...(bounded ? (["right", "left", "left"] as const) : [])],
    style: plain,
    chars: compact,
  });
  for (const goal of goals) {
    const { figures, met, verdict } = goal;
    rows.push([
      goalName(goal),
      figures === undefined ? "no data" : goalFigure(goal, figures.baseline.mean),
      figures === undefined ? "no data" : goalFigure(goal, figures.change.mean),
      figures === undefined ? "" : differenceText(goal, figures.difference, figures.difference.mean),
      intervalText(goal, goal),
      verdict,
      ...(bounded ? [goalBound(goal), met?.baseline ?? "", met?.change ?? ""] : []),
    ]);
  }
  return `${rows.toString()}\n`;
};

export interface KpiRow {
  readonly title: string;
  readonly baseline: string;
  readonly change: string;
  readonly difference: string;
  /** Empty: nothing is known yet. */
  readonly within: string;
}

/** KPIs beside each other; those that are zero everywhere are left out. */
export const kpiRows = ({ kpis }: Previewed): readonly KpiRow[] =>
  KPI_ROWS.flatMap(([title, name, write]) => {
    const found = kpis[name];
    if (found === undefined || (found.baseline.mean === 0 && found.change.mean === 0)) return [];
    const { mean, interval, relative } = found.difference;
    const text = (value: number): string => {
      const size = relative ? percent(Math.abs(value)) : write(Math.abs(value));
      return value === 0 ? "=" : `${value < 0 ? "−" : "+"}${size}`;
    };
    return [
      {
        title,
        baseline: write(found.baseline.mean),
        change: write(found.change.mean),
        difference: text(mean),
        within:
          interval === undefined
            ? ""
            : interval.low === interval.high
              ? text(mean)
              : `${text(interval.low)} to ${text(interval.high)}`,
      },
    ];
  });

const kpiTable = (preview: Previewed): string => {
  const rows = new Table({
    head: ["", "today", "with the change", "difference", "95 % sure within"],
    colAligns: ["left", ...right(4)],
    style: plain,
    chars: compact,
  });
  for (const { title, baseline, change, difference, within } of kpiRows(preview))
    rows.push([title, baseline, change, difference, within]);
  return `${rows.toString()}\n`;
};

const findings = (all: readonly FindingChange[]): string[] =>
  all.length === 0
    ? []
    : [
        `findings of the control loop\n\n${all
          .map(
            ({ change, severity, object, field, message, fix }) =>
              `${change}: ${severity}: ${object}${field === undefined ? "" : ` ${field}`}: ${message}${change === "gone" ? "" : `\n  better: ${fix}`}\n`,
          )
          .join("")}`,
      ];

/** Courses that both reports show. */
export const COURSES: readonly (readonly [string, TimelineColumn])[] = [
  ["replicas ready", "replicasReady"],
  ["time to first token, p99, s", "ttftP99Seconds"],
];

/** One above the other on one scale: lines of one plot can't be told apart without colours. */
const plots = ({ first: [baseline, change] }: Previewed): string[] =>
  COURSES.flatMap(([title, column]) => {
    const [before, after] = [baseline, change].map(({ timeline }) => pointsOf(timeline, column));
    const most = Math.max(...[...(before ?? []), ...(after ?? [])].map(([, y]) => y));
    return [plotted(`${title}: today`, before ?? [], most), plotted(`${title}: with the change`, after ?? [], most)];
  });

/** What runs of either side told, once. */
export const notesOf = ({ first }: Previewed): readonly string[] => [
  ...new Set(first.flatMap(({ notes: all }) => all)),
];

const notes = (preview: Previewed): string[] => {
  const all = notesOf(preview);
  return all.length === 0 ? [] : [all.map((note) => `note: ${note}\n`).join("")];
};
