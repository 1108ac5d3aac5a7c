import Table from "cli-table3";
import { withBands } from "../../report/bands.ts";
import { isLatency } from "../../report/objectives.ts";
import type { Report, ScaleEvent, Summary, TimelineColumn } from "../../report/report.ts";
import { worst } from "../../report/saturation/saturation-fold.ts";
import { type Spread, spreadOf } from "../../report/spread.ts";
import { significant, whole } from "../../server/digits.ts";
import { compact, plain, right } from "../cell.ts";
import type { Format, Outcome } from "../format.ts";
import { groupTables } from "../group-tables.ts";
import { loopTables } from "../loop-tables.ts";
import { nodeTables } from "../node-table.ts";
import { plotted, pointsOf } from "../plot.ts";
import { comparison } from "./comparison.ts";
import { comparisonTable } from "./comparison-table.ts";
import { duration, number, percent, seconds } from "./figure.ts";
import { sweepTable } from "./sweep-table.ts";

/** For people: KPIs, objectives, scale events, and courses over time as plots. */
export const table: Format = {
  name: "table",
  summary: "tables and plots, for people",
  print: (outcomes) =>
    [...new Set(outcomes.map(({ simulation }) => simulation))]
      .map((simulation) => simulated(outcomes.filter((outcome) => outcome.simulation === simulation)))
      .join("\n"),
  compare: comparisonTable,
  sweep: sweepTable,
};

/** The baseline in full; of candidates what they do, and all of them beside it. */
const simulated = (scenarios: readonly Outcome[]): string => {
  const [baseline, ...candidates] = scenarios;
  if (baseline === undefined) return "";
  if (candidates.length === 0) return section(baseline);
  return [section(baseline), ...candidates.map(candidateSection), comparison(baseline, candidates)].join("\n");
};

const candidateSection = (outcome: Outcome): string => {
  const [first] = outcome.reports;
  if (first === undefined) return "";
  return [
    heading(outcome, first),
    ...(outcome.objectives.length === 0 ? [] : [objectives(outcome)]),
    ...nodeTables(first),
    ...loopTables(first),
    ...(first.scaleEvents.length === 0 ? [] : [scaleEvents(first)]),
    ...first.notes.map((note) => `note: ${note}\n`),
  ].join("\n");
};

const section = (outcome: Outcome): string => {
  const [first] = outcome.reports;
  if (first === undefined) return "";
  const parts = [
    heading(outcome, first),
    latencies(outcome.reports),
    totals(outcome.reports),
    saturation(outcome.reports),
    ...groupTables(first),
    ...nodeTables(first),
    ...loopTables(first),
    ...(outcome.objectives.length === 0 ? [] : [objectives(outcome)]),
    ...(first.scaleEvents.length === 0 ? [] : [scaleEvents(first)]),
    ...plots(first),
    ...first.notes.map((note) => `note: ${note}\n`),
  ];
  return parts.join("\n");
};

const heading = ({ simulation, scenario, reports }: Outcome, first: Report): string => {
  const seeds =
    reports.length === 1 ? `seed ${first.seed}` : `seeds ${first.seed} to ${first.seed + reports.length - 1}`;
  return `${simulation} (${scenario}): ${duration(first.horizonSeconds)} simulated, ${seeds}, scenario ${first.scenarioDigest.slice(0, 12)}. Simulated, not measured.\n`;
};

const latencies = (reports: readonly Report[]): string => {
  const rows = new Table({
    head: ["latency", "mean", "p50", "p90", "p95", "p99", "max"],
    colAligns: ["left", ...right(6)],
    style: plain,
    chars: compact,
  });
  const named = [
    ["time to first token", "ttftSeconds"],
    ["inter-token latency", "itlSeconds"],
    ["end to end", "e2eSeconds"],
    ["waiting in the engine", "queueSeconds"],
  ] as const;
  const [first] = reports;
  const spreads =
    first?.bands === undefined
      ? undefined
      : withBands(spreadOf(reports.map(({ kpis }) => kpis)), first.bands, first.kpis);
  for (const [name, key] of named) {
    const of = (part: keyof Summary): string => seconds(mean(reports.map((report) => report.kpis[key][part])));
    rows.push([name, of("mean"), of("p50"), of("p90"), of("p95"), of("p99"), of("max")]);
    if (spreads === undefined || key === "queueSeconds") continue;
    const flat = key.replace("Seconds", "");
    const band = (part: string): string => range(spreads[`${flat}${part}Seconds`]);
    rows.push(["  80 % within", ...["Mean", "P50", "P90", "P95", "P99", "Max"].map(band)]);
  }
  return `${rows.toString()}\n`;
};

const totals = (reports: readonly Report[]): string => {
  const of = (pick: (report: Report) => number): number => mean(reports.map(pick));
  const rows = new Table({ style: plain, chars: compact, colAligns: ["left", "right", "left", "right"] });
  rows.push(
    [
      "requests arrived",
      whole(of((r) => r.kpis.requests.arrived)),
      "requests/s",
      number(of((r) => r.kpis.requestsPerSecond)),
    ],
    [
      "completed",
      whole(of((r) => r.kpis.requests.completed)),
      "output tokens/s",
      number(of((r) => r.kpis.outputTokensPerSecond)),
    ],
    [
      "rejected",
      whole(of((r) => r.kpis.requests.rejected)),
      "prompt tokens/s",
      number(of((r) => r.kpis.promptTokensPerSecond)),
    ],
    [
      "aborted",
      whole(of((r) => r.kpis.requests.aborted)),
      "prefix cache hits",
      percent(of((r) => r.kpis.prefixCacheHitRatio)),
    ],
    [
      "in flight at the end",
      whole(of((r) => r.kpis.requests.inFlightAtEnd)),
      "preemptions",
      whole(of((r) => r.kpis.preemptions)),
    ],
    [
      "replicas min / mean / max",
      `${number(of((r) => r.kpis.replicas.min))} / ${number(of((r) => r.kpis.replicas.mean))} / ${number(of((r) => r.kpis.replicas.max))}`,
      "scale-ups / scale-downs",
      `${number(of((r) => r.kpis.scaleUps))} / ${number(of((r) => r.kpis.scaleDowns))}`,
    ],
    ["replica-hours", number(of((r) => r.kpis.replicaHours)), "GPU-hours", number(of((r) => r.kpis.gpuHours))],
  );
  const [overloaded, timedOut] = [of((r) => r.kpis.requests.overloaded), of((r) => r.kpis.requests.timedOut)];
  if (overloaded + timedOut > 0) rows.push(["timed out", whole(timedOut), "refused, queue full", whole(overloaded)]);
  return `${rows.toString()}\n`;
};

const saturation = (reports: readonly Report[]): string => {
  const { level, score, confidence, detector } = worst(reports.map((report) => report.saturation));
  return `saturation: ${level} (score ${number(score)}, confidence ${percent(confidence)}, by ${detector})\n`;
};

const objectives = ({ objectives: all, verdict }: Outcome): string => {
  const rows = new Table({
    head: ["objective", "bound", "simulated", "verdict"],
    style: plain,
    chars: compact,
    colAligns: ["left", "right", "right", "left"],
  });
  for (const one of all) {
    rows.push([
      `${one.metric}${one.percentile === undefined ? "" : ` p${one.percentile}`}${one.sloClass === undefined ? "" : ` of ${one.sloClass}`}`,
      one.atMost === undefined ? `≥ ${one.atLeast}` : `≤ ${one.atMost}`,
      observed(one),
      one.verdict,
    ]);
  }
  return `${rows.toString()}\nverdict: ${verdict}\n`;
};

const observed = ({ metric, observed: spread }: Outcome["objectives"][number]): string => {
  if (spread === undefined) return "no data";
  return isLatency(metric) ? seconds(spread.mean) : number(spread.mean);
};

const SHOWN = 12;

const scaleEvents = ({ scaleEvents: all }: Report): string => {
  const rows = new Table({ head: ["at", "replicas", "by", "reason"], style: plain, chars: compact });
  for (const event of all.slice(0, SHOWN)) rows.push(scaleRow(event));
  const more = all.length > SHOWN ? `… and ${all.length - SHOWN} more (-o json has them)\n` : "";
  return `${rows.toString()}\n${more}`;
};

const scaleRow = ({ atSeconds, from, to, by, reason }: ScaleEvent): string[] => [
  duration(atSeconds),
  `${from} → ${to}`,
  by,
  reason,
];

const plots = ({ timeline }: Report): string[] => {
  const wanted: readonly [string, TimelineColumn][] = [
    ["replicas ready", "replicasReady"],
    ["requests waiting", "waiting"],
    ["time to first token, p99, s", "ttftP99Seconds"],
  ];
  return wanted.map(([title, column]) => plotted(title, pointsOf(timeline, column)));
};

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** One unit for both ends. */
const range = (spread: Spread | undefined): string => {
  if (spread === undefined) return "";
  const { p10, p90 } = spread;
  const short = (value: number): string => significant(value, 3);
  return p90 < 1 ? `${short(p10 * 1000)}–${short(p90 * 1000)} ms` : `${short(p10)}–${short(p90)} s`;
};
