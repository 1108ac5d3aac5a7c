import { duration, latency, percent, plain } from "./amount.ts";
import { chart } from "./chart.ts";
import { CHARTS, type ChartKind } from "./chart-list.ts";
import { derivation } from "./derivation.ts";
import { whole } from "./digits.ts";
import { html, Markup } from "./html.ts";
import { loopSections } from "./loop-sections.ts";
import { section } from "./section.ts";
import { STYLE } from "./style.ts";
import { sweepSection } from "./sweep-section.ts";
import { THEME } from "./theme.ts";
import type {
  GroupView,
  ObjectiveView,
  RunView,
  SaturationView,
  ScaleEventView,
  SimulationDetail,
  SimulationSummary,
  SpreadView,
  TimelineView,
} from "./view.ts";

/** What every page says of the operator. */
export interface PageContext {
  readonly version: string;
  /** Where script and style sheet are. */
  readonly assets: string;
  /** `cluster`, or the folder. */
  readonly place: string;
  /** What the store could not read. */
  readonly problems: readonly string[];
}

/** Simulations that get charts on the first page; the rest are a click away. */
const DRAWN = 12;

/** The first page: every simulation with state, key figures and courses. @param next after which of them more follow */
export const listPage = (context: PageContext, simulations: readonly SimulationDetail[], next?: string): string => {
  const cards = simulations.map(
    (simulation, i) => html`<section class="card">${cardOf(simulation, i < DRAWN)}</section>\n`,
  );
  const empty = html`<section class="card"><h2>No simulations yet</h2><p class="message">Apply an <code>InferenceSimulation</code> that names
a Deployment running vLLM, or put one into the watched folder. It appears here by itself.</p></section>`;
  const more =
    next === undefined
      ? undefined
      : html`<p><a href="/?continue=${encodeURIComponent(next)}" rel="next">More simulations</a></p>`;
  return layout(context, "simulations", cards.length === 0 ? [empty] : [...cards, more]);
};

/** One simulation with all that is known of it. */
export const detailPage = (context: PageContext, simulation: SimulationDetail): string =>
  layout(context, nameOf(simulation), [
    html`<section class="card">${cardOf(simulation, false)}${allCharts(simulation)}</section>`,
    section(
      "courses",
      "Courses as a table",
      simulation.runs.length === 0 ? 0 : undefined,
      () => html`${simulation.runs.slice(0, 1).map(courses)}`,
    ),
    section("objectives", "Objectives", simulation.objectives.length, () => objectives(simulation.objectives), true),
    sweepSection(simulation),
    ...runSections(simulation),
    section(
      "mirrored",
      "Where every value comes from",
      simulation.mirrored.length,
      () => derivation(simulation.derivation),
      true,
    ),
    section("warnings", "Warnings", simulation.warnings.length, () => list(simulation.warnings), true),
    section("spec", "Spec", undefined, () => json(simulation.spec)),
    section("status", "Status", undefined, () => json(simulation.status)),
  ]);

export const missingPage = (context: PageContext, what: string): string =>
  layout(context, "not found", [
    html`<section class="card"><h2>Not found</h2><p class="message">${what}</p></section>`,
  ]);

const layout = (
  { version, assets, place, problems }: PageContext,
  title: string,
  content: readonly (Markup | undefined)[],
): string => `<!doctype html>
${
  html`<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · servetwin</title><link rel="icon" href="data:,"><style>${new Markup(STYLE)}</style>
<script>${new Markup(THEME)}</script><link rel="stylesheet" href="${assets}/page.css"><script type="module" src="${assets}/page.js"></script>
<noscript><meta http-equiv="refresh" content="10"></noscript></head>
<body><header><a class="name" href="/">servetwin</a><span class="badge sim">simulated, not measured</span>
<nav><a href="/metrics">Metrics</a><a href="/api/v1/openapi.json">API</a></nav><button type="button" id="theme" hidden></button></header>
<main><p class="alert bad stale" role="status">Connection to servetwin lost; what you see may be old.</p>
${problems.length === 0 ? undefined : html`<div class="alert warn"><strong>Not everything could be read</strong>${list(problems)}</div>`}
${content}</main>
<footer>servetwin ${version} · watches ${place}</footer></body></html>`.text
}
`;

// ---- one simulation

const nameOf = ({ namespace, name }: SimulationSummary): string => `${namespace}/${name}`;
const pathOf = ({ namespace, name }: SimulationSummary): string =>
  `${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

const cardOf = (simulation: SimulationDetail, drawn: boolean): Markup => {
  const { mode, phase, verdict, progress } = simulation;
  const path = pathOf(simulation);
  return html`<div class="top"><h2><a id="to-${nameOf(simulation)}" href="/simulations/${path}">${nameOf(simulation)}</a></h2>
<span class="badge">${mode}</span><span class="badge ${TONE[phase]}">${phase}</span>${
    verdict === undefined ? undefined : html`<span class="badge ${TONE[verdict]}">objectives: ${verdict}</span>`
  }<a class="soft" href="/api/v1/simulations/${path}">JSON</a></div>
${messages(simulation)}${
  progress === undefined
    ? undefined
    : html`<progress value="${progress.toFixed(3)}" max="1" aria-label="progress">${percent(progress)}</progress>`
}${kpiTiles(simulation)}${drawn ? mainCharts(simulation.runs[0]) : undefined}`;
};

const TONE: Record<string, string> = {
  Succeeded: "good",
  Following: "good",
  Passed: "good",
  Failed: "bad",
  Inconclusive: "warn",
};

/** Of the condition that decides: why it stalls, else how it stands. */
const messages = ({ conditions, simulatedSeconds, lagSeconds }: SimulationSummary): Markup => {
  const stalled = conditions.find(({ type, status }) => type === "Stalled" && status === "True");
  const condition = stalled ?? conditions.find(({ type }) => type === "Ready");
  const text =
    condition === undefined ? "not looked at yet" : condition.message === "" ? condition.reason : condition.message;
  const far = simulatedSeconds === undefined ? "" : ` · ${duration(simulatedSeconds)} so far`;
  const late = lagSeconds === undefined || lagSeconds < 2 ? "" : ` · ${duration(lagSeconds)} behind the wall clock`;
  return html`<p class="message${stalled === undefined ? "" : " alert bad"}">${text}${far}${late}</p>`;
};

interface Tile {
  readonly name: string;
  readonly kpi: string;
  readonly format: (value: number) => string;
  /** A second figure in small print. */
  readonly note?: (value: (kpi: string) => number) => string;
}

const TILES: readonly Tile[] = [
  {
    name: "TTFT p50",
    kpi: "ttftP50Seconds",
    format: latency,
    note: (value) => `mean ${latency(value("ttftMeanSeconds"))}`,
  },
  {
    name: "TTFT p99",
    kpi: "ttftP99Seconds",
    format: latency,
    note: (value) => `max ${latency(value("ttftMaxSeconds"))}`,
  },
  { name: "ITL p50", kpi: "itlP50Seconds", format: latency, note: (value) => `p99 ${latency(value("itlP99Seconds"))}` },
  {
    name: "End to end p50",
    kpi: "e2eP50Seconds",
    format: latency,
    note: (value) => `p99 ${latency(value("e2eP99Seconds"))}`,
  },
  {
    name: "Throughput",
    kpi: "requestsPerSecond",
    format: (value) => `${plain(value)} req/s`,
    note: (value) => `${plain(value("outputTokensPerSecond"))} output tokens/s`,
  },
  {
    name: "Requests completed",
    kpi: "requestsCompleted",
    format: whole,
    note: (value) => `${failures(value)}, ${whole(value("requestsInFlightAtEnd"))} in flight`,
  },
  {
    name: "Replicas, mean",
    kpi: "replicasMean",
    format: plain,
    note: (value) => `${plain(value("replicasMin"))} to ${plain(value("replicasMax"))}`,
  },
  {
    name: "GPU-hours",
    kpi: "gpuHours",
    format: plain,
    note: (value) => `${whole(value("scaleUps"))} up, ${whole(value("scaleDowns"))} down`,
  },
];

/** In order of a request's way. */
const FAILURES: readonly (readonly [string, string])[] = [
  ["requestsShed", "shed"],
  ["requestsExpired", "expired in the gateway"],
  ["requestsRejected", "rejected"],
  ["requestsOverloaded", "refused, queue full"],
  ["requestsTimedOut", "timed out"],
  ["requestsAborted", "aborted"],
];

/** All that came to no answer, and what became of them. */
const failures = (value: (kpi: string) => number): string => {
  const parts = FAILURES.flatMap(([kpi, words]) => (value(kpi) > 0 ? [`${whole(value(kpi))} ${words}`] : []));
  return `${whole(value("requestsFailed"))} failed${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
};

const kpiTiles = ({ kpis }: SimulationSummary): Markup | undefined => {
  if (Object.keys(kpis).length === 0) return undefined;
  const value = (kpi: string): number => kpis[kpi]?.mean ?? 0;
  return html`<dl class="kpis">${TILES.map(
    ({ name, kpi, format, note }) =>
      html`<div><dt>${name}</dt><dd>${format(value(kpi))}<small>${note?.(value)}</small>${spreadNote(kpis[kpi], format)}</dd></div>`,
  )}</dl>`;
};

const spreadNote = (spread: SpreadView | undefined, format: (value: number) => string): Markup | undefined => {
  if (spread === undefined || spread.p10 === spread.p90) return undefined;
  return html`<small>p10 – p90: ${format(spread.p10)} – ${format(spread.p90)}</small>`;
};

// ---- courses over time

const column = ({ columns }: TimelineView, name: string): readonly number[] => columns[name] ?? [];

/** Drawings of the first run. */
const drawings = (run: RunView | undefined, kinds: readonly ChartKind[]): Markup | undefined => {
  if (run === undefined || run.timeline.atSeconds.length < 2) return undefined;
  const { timeline } = run;
  return html`<div class="charts">${kinds.map(({ title, lines, format, step = false, gaps = false }) =>
    chart({
      title,
      ...timeline,
      series: lines.map(({ name, column: of }) => ({ name, values: column(timeline, of), step, gaps })),
      format,
    }),
  )}</div>`;
};

const mainCharts = (run: RunView | undefined): Markup | undefined =>
  drawings(
    run,
    CHARTS.filter(({ main = false }) => main),
  );

/** On a simulation's own page: drawings, whose place the script's charts take, and the same as a table. */
const allCharts = (simulation: SimulationDetail): Markup | undefined => {
  const drawn = drawings(simulation.runs[0], CHARTS);
  if (drawn === undefined) return undefined;
  return html`<div id="charts" data-source="/api/v1/simulations/${pathOf(simulation)}/timelines">${drawn}</div>`;
};

const ROWS = 60;

/** What the charts show, for those who can't see them; of the first run. */
const courses = ({ timeline }: RunView): Markup => {
  const every = Math.ceil(timeline.atSeconds.length / ROWS);
  const lines = CHARTS.flatMap(({ title, lines: all, format }) => all.map((line) => ({ title, format, ...line })));
  return html`<p class="message">${every === 1 ? "Every bucket" : `Every ${whole(every)}th bucket`} of ${duration(timeline.bucketSeconds)}, of the first run; the JSON has all.</p>
<div class="wide" tabindex="0" role="region" aria-label="Courses over time"><table><tr><th scope="col">at</th>${lines.map(({ title, name }) => html`<th scope="col" class="number">${title}, ${name}</th>`)}</tr>${timeline.atSeconds.flatMap(
    (at, i) =>
      i % every === 0
        ? html`<tr><th scope="row">${duration(at)}</th>${lines.map(({ column: of, format }) => html`<td class="number">${format(column(timeline, of)[i] ?? 0)}</td>`)}</tr>`
        : [],
  )}</table></div>`;
};

// ---- sections of a simulation's own page

const runSections = ({ runs }: SimulationDetail): (Markup | undefined)[] => {
  const [first] = runs;
  if (first === undefined) return [];
  const notes = [...new Set(runs.flatMap((run) => run.notes))];
  return [
    section(
      "scaling",
      "Scale events",
      first.scaleEvents.length,
      () => scaleEvents(first.scaleEvents),
      first.scaleEvents.length <= 20,
    ),
    ...loopSections(runs),
    section("groups", "Groups of requests", first.groups?.rows.length ?? 0, () => groups(first.groups), true),
    section("notes", "Notes", notes.length, () => list(notes), true),
    section("runs", "Runs", runs.length, () => runTable(runs)),
  ];
};

const objectives = (all: readonly ObjectiveView[]): Markup =>
  html`<div class="wide"><table><tr><th>objective</th><th class="number">bound</th><th class="number">simulated</th><th>verdict</th></tr>${all.map(
    ({ metric, sloClass, percentile, atMost, atLeast, observed, verdict }) =>
      html`<tr><td>${metric}${percentile === undefined ? "" : ` p${percentile}`}${sloClass === undefined ? "" : ` of ${sloClass}`}</td><td class="number">${atMost === undefined ? `≥ ${atLeast}` : `≤ ${atMost}`}</td><td class="number">${
        observed === undefined ? "no requests" : observedText(metric, observed)
      }</td><td><span class="badge ${TONE[verdict]}">${verdict}</span></td></tr>`,
  )}</table></div>`;

const observedText = (metric: string, { mean, p10, p90 }: SpreadView): string => {
  const format = ["ttft", "itl", "tpot", "e2e"].includes(metric) ? latency : plain;
  return p10 === p90 ? format(mean) : `${format(mean)} (${format(p10)} – ${format(p90)})`;
};

const groups = (all: RunView["groups"]): Markup => {
  const { rows, leftOut } = all ?? { rows: [], leftOut: 0 };
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  return html`<div class="wide"><table><tr><th>by</th><th></th>${["requests", "completed", "failed", "TTFT p50", "p99", "TPOT p99", "E2E p99", "tokens/s", "attained"].map((name) => html`<th class="number">${name}</th>`)}</tr>${kinds.flatMap(
    (kind) => rows.filter((row) => row.kind === kind).map((row, i) => groupRow(row, i === 0)),
  )}</table></div>${leftOut === 0 ? undefined : html`<p class="message">${leftOut} more with fewer requests; the JSON has them all.</p>`}`;
};

const groupRow = (row: GroupView, first: boolean): Markup => {
  const figures = [
    ...[row.requests, row.completed, row.failed].map(whole),
    ...[row.ttftP50Seconds, row.ttftP99Seconds, row.tpotP99Seconds, row.e2eP99Seconds].map(latency),
    plain(row.outputTokensPerSecond),
    row.sloAttainmentRatio === undefined ? "" : percent(row.sloAttainmentRatio),
  ];
  return html`<tr><td class="soft">${first ? row.kind : ""}</td><td>${row.name}</td>${figures.map((text) => html`<td class="number">${text}</td>`)}</tr>`;
};

const scaleEvents = (all: readonly ScaleEventView[]): Markup =>
  html`<div class="wide"><table><tr><th>at</th><th>workload</th><th class="number">replicas</th><th>by</th><th>reason</th></tr>${all.map(
    ({ atSeconds, workload, from, to, by, reason }) =>
      html`<tr><td>${duration(atSeconds)}</td><td>${workload}</td><td class="number">${from} → ${to}</td><td>${by}</td><td>${reason}</td></tr>`,
  )}</table></div>`;

const runTable = (runs: readonly RunView[]): Markup =>
  html`<div class="wide"><table><tr><th>scenario</th><th class="number">seed</th><th class="number">simulated</th><th class="number">warm-up</th><th>saturation</th><th>digest</th></tr>${runs.map(
    ({ scenario, seed, horizonSeconds, warmUpSeconds, saturation, digest }) =>
      html`<tr><td>${scenario}</td><td class="number">${seed}</td><td class="number">${duration(horizonSeconds)}</td><td class="number">${duration(
        warmUpSeconds,
      )}</td><td>${saturationText(saturation)}</td><td><code>${digest.slice(0, 16)}</code></td></tr>`,
  )}</table></div>`;

const saturationText = (saturation: SaturationView | undefined): string =>
  saturation === undefined
    ? ""
    : `${saturation.level}, score ${plain(saturation.score)}, confidence ${percent(saturation.confidence)} (${saturation.detector})`;

const list = (texts: readonly string[]): Markup => html`<ul>${texts.map((text) => html`<li>${text}</li>`)}</ul>`;

const json = (value: unknown): Markup => html`<pre>${JSON.stringify(value, null, 2) ?? "none"}</pre>`;
