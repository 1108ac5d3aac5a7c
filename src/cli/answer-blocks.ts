import type { Report, TimelineColumn } from "../report/report.ts";
import { type Block, heading, listBlock, tableBlock, textBlock } from "./blocks.ts";
import type { Answer } from "./format.ts";
import { COURSES, kpiRows, notesOf, heading as runText, valueText } from "./formats/comparison-table.ts";
import type { FindingChange, Previewed } from "./preview/previewed.ts";
import {
  answerOf,
  differenceText,
  goalBound,
  goalFigure,
  goalName,
  intervalText,
  verdictSentence,
} from "./preview/verdict.ts";

const MARKS = { met: "✅", "not met": "❌", inconclusive: "❔" } as const;

/** What a change does, for people who read it on a page. */
export const answerBlocks = ({ objects, previews, leftOut }: Answer): readonly Block[] => [
  heading(1, "What the change would do"),
  ...(previews.length === 0 ? [textBlock("Nothing that is simulated changes.")] : []),
  ...previews.flatMap(previewBlocks),
  ...listBlock("Objects that change", objects),
  ...listBlock(
    "Left out",
    leftOut.map(({ simulation, why }) => `${simulation} ${why}`),
  ),
];

const previewBlocks = (preview: Previewed): readonly Block[] => [
  heading(2, `${MARKS[answerOf(preview)]} ${preview.name}`),
  textBlock(verdictSentence(preview), true),
  heading(3, "What changes"),
  tableBlock(
    ["value", "today", "with the change", "from"],
    preview.values.map(({ path, before, after, from }) => [path, valueText(before), valueText(after), from]),
    [0, 3],
  ),
  heading(3, "What it does, under the same random numbers"),
  goalTable(preview),
  ...COURSES.map(([title, column]) => courseOf(title, preview.first, column)),
  tableBlock(
    ["", "today", "with the change", "difference", "95 % sure within"],
    kpiRows(preview).map(({ title, baseline, change, difference, within }) => [
      title,
      baseline,
      change,
      difference,
      within,
    ]),
  ),
  ...listBlock("Findings of the control loop", preview.findings.map(findingText)),
  ...listBlock("Notes", notesOf(preview)),
  textBlock(runText(preview).trim()),
];

const goalTable = ({ comparison: { goals } }: Previewed): Block => {
  const bounded = goals.some(({ met }) => met !== undefined);
  return tableBlock(
    [
      "",
      "today",
      "with the change",
      "difference",
      "95 % sure within",
      "verdict",
      ...(bounded ? ["objective", "today", "change"] : []),
    ],
    goals.map((goal) => [
      goalName(goal),
      goal.figures === undefined ? "no data" : goalFigure(goal, goal.figures.baseline.mean),
      goal.figures === undefined ? "no data" : goalFigure(goal, goal.figures.change.mean),
      goal.figures === undefined ? "" : differenceText(goal, goal.figures.difference, goal.figures.difference.mean),
      intervalText(goal, goal),
      goal.verdict,
      ...(bounded ? [goalBound(goal), goal.met?.baseline ?? "", goal.met?.change ?? ""] : []),
    ]),
    [0, 5, 7, 8],
  );
};

export const findingText = ({ change, severity, object, field, message, fix }: FindingChange): string =>
  `${change}: ${severity}: ${object}${field === undefined ? "" : ` ${field}`}: ${message}${change === "gone" ? "" : `; better: ${fix}`}`;

/** A course of both sides in one chart. Both have the same buckets: they run equally long. */
const courseOf = (title: string, [baseline, change]: readonly [Report, Report], column: TimelineColumn): Block => ({
  kind: "chart",
  title,
  atSeconds: baseline.timeline.atSeconds,
  bucketSeconds: baseline.timeline.bucketSeconds,
  lines: [
    { name: "today", values: baseline.timeline.columns[column] },
    { name: "with the change", values: change.timeline.columns[column] },
  ],
  steps: column === "replicasReady",
});
