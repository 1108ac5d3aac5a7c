import { findingsOfAll } from "../report/findings/index.ts";
import { isLatency } from "../report/objectives.ts";
import { type Spread, spreadOf } from "../report/spread.ts";
import { type Block, heading, listBlock, tableBlock, textBlock } from "./blocks.ts";
import type { Outcome } from "./format.ts";
import { KPI_ROWS } from "./formats/comparison.ts";
import { COURSES } from "./formats/comparison-table.ts";
import { duration, number, seconds } from "./formats/figure.ts";

/** What runs came to, for people who read it on a page; scenarios of one simulation beside each other. */
export const outcomeBlocks = (outcomes: readonly Outcome[]): readonly Block[] =>
  [...new Set(outcomes.map(({ simulation }) => simulation))].flatMap((simulation) =>
    simulationBlocks(
      simulation,
      outcomes.filter((outcome) => outcome.simulation === simulation),
    ),
  );

const simulationBlocks = (simulation: string, outcomes: readonly Outcome[]): readonly Block[] => {
  const [first] = outcomes.flatMap(({ reports }) => reports);
  if (first === undefined) return [];
  const kpis = outcomes.map(({ reports }) => spreadOf(reports.map((report) => report.kpis)));
  const several = outcomes.some(({ reports }) => reports.length > 1);
  return [
    heading(1, simulation),
    textBlock(
      `${duration(first.horizonSeconds)} simulated, ${outcomes[0]?.reports.length} replication${several ? "s" : ""} from seed ${first.seed} on. Simulated, not measured.`,
    ),
    ...outcomes.flatMap(objectiveBlocks),
    ...COURSES.map(
      ([title, column]): Block => ({
        kind: "chart",
        title,
        atSeconds: first.timeline.atSeconds,
        bucketSeconds: first.timeline.bucketSeconds,
        lines: outcomes.flatMap(({ scenario, reports: [report] }) =>
          report === undefined ? [] : [{ name: scenario, values: report.timeline.columns[column] }],
        ),
        steps: column === "replicasReady",
      }),
    ),
    tableBlock(
      ["", ...outcomes.map(({ scenario }) => scenario)],
      KPI_ROWS.flatMap(([title, name, write]) =>
        kpis.every((one) => (one[name]?.mean ?? 0) === 0)
          ? []
          : [[title, ...kpis.map((one) => spreadText(one[name], write, several))]],
      ),
    ),
    ...outcomes.flatMap(({ scenario, reports }) =>
      listBlock(
        `Findings of the control loop: ${scenario}`,
        findingsOfAll(reports).map(
          ({ severity, object, field, message, fix }) =>
            `${severity}: ${object}${field === undefined ? "" : ` ${field}`}: ${message}; better: ${fix}`,
        ),
      ),
    ),
    ...listBlock("Notes", [...new Set(outcomes.flatMap(({ reports }) => reports.flatMap(({ notes }) => notes)))]),
  ];
};

const spreadText = (spread: Spread | undefined, write: (value: number) => string, several: boolean): string => {
  if (spread === undefined) return "";
  return several ? `${write(spread.mean)} (${write(spread.p10)} to ${write(spread.p90)})` : write(spread.mean);
};

const objectiveBlocks = ({ scenario, objectives, verdict }: Outcome): readonly Block[] =>
  objectives.length === 0
    ? []
    : [
        heading(3, `Objectives: ${scenario}`),
        tableBlock(
          ["objective", "bound", "simulated", "verdict"],
          objectives.map(({ metric, percentile, sloClass, atMost, atLeast, observed, verdict: one }) => [
            `${metric}${percentile === undefined ? "" : ` p${percentile}`}${sloClass === undefined ? "" : ` of ${sloClass}`}`,
            atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`,
            observed === undefined ? "no data" : isLatency(metric) ? seconds(observed.mean) : number(observed.mean),
            one,
          ]),
          [0, 3],
        ),
        textBlock(`Verdict: ${verdict}`, true),
      ];
