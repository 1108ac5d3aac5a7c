import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { html, Markup } from "../../../src/server/html.ts";
import { STYLE } from "../../../src/server/style.ts";
import { filled } from "../../dashboards/lint.ts";
import type { Prometheus, Series } from "../../env/prometheus.ts";
import { COLOURS, named, type Plot, plotOf } from "./panel.ts";
import { unitOf } from "./units.ts";

/** Pixels: Grafana's grid has 24 columns, and rows of 30. */
export const WIDTH = 1280;
const [GAP, ROW] = [8, 30];
const PADDING = 16;
const COLUMN = (WIDTH - 2 * PADDING - 23 * GAP) / 24;
/** Of a panel's frame and headline. */
const [FRAME, HEAD] = [12, 38];

export interface Asked {
  readonly prometheus: Pick<Prometheus, "query" | "queryRange">;
  /** Of variables, without `$`. */
  readonly values: Readonly<Record<string, string>>;
  /** Unix seconds, whole steps. */
  readonly from: number;
  readonly to: number;
  readonly step: number;
  /** Said under the title. */
  readonly caption: string;
}

/** A dashboard's panels where its JSON has them, filled with what Prometheus answers. @returns the page, and what has to be plotted in it, by the id of an element */
export const dashboardPage = async (
  dashboard: Dashboard,
  asked: Asked,
): Promise<{ readonly page: string; readonly plots: Readonly<Record<string, Plot & { readonly marks: string }>> }> => {
  const plots: Record<string, Plot & { marks: string }> = {};
  const marks = await marksOf(dashboard, asked);
  const frames: Markup[] = [];
  for (const [i, panel] of ((dashboard.panels ?? []) as readonly Panel[]).entries()) {
    if (panel.type === "row") frames.push(framed(panel, html`<h3>${panel.title}</h3>`));
    else if (panel.type === "table") frames.push(framed(panel, await tableOf(panel, asked)));
    else if (panel.type === "bargauge") frames.push(framed(panel, await barsOf(panel, asked)));
    else if (panel.type === "timeseries") {
      const plot = plotOf(panel, await answersOf(panel, asked), asked, sizeOf(panel));
      plots[`panel-${i}`] = { ...plot, marks };
      frames.push(framed(panel, html`<div id="panel-${i}"></div>${legendOf(plot)}`));
    } else throw new Error(`no picture can show a panel of the type ${panel.type}`);
  }
  const page =
    html`<!doctype html><meta charset="utf-8"><title>${dashboard.title}</title><style>${new Markup(STYLE + LOOK)}</style>
<h1>${dashboard.title}</h1><p class="soft">${asked.caption}</p><div class="panels">${frames}</div>`.text;
  return { page, plots };
};

const LOOK = `
body{width:${WIDTH}px;padding:${PADDING}px;font-size:13px}h1{margin:0}p{margin:2px 0 10px}h3{margin:4px 0}
.panels{display:grid;grid-template-columns:repeat(24,${COLUMN}px);grid-auto-rows:${ROW}px;gap:${GAP}px}
.panel{background:var(--card);border:1px solid var(--edge);border-radius:6px;padding:${FRAME / 2}px;overflow:hidden;min-width:0}
.headline{background:none;border:0;padding:0}
.panel h2{font-size:13px}.panel .soft{font-size:11.5px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.legend{display:flex;flex-wrap:wrap;gap:0 12px;font-size:11px;line-height:15px;height:45px;overflow:hidden;padding-left:6px}
.legend i{display:inline-block;width:12px;height:3px;vertical-align:middle;margin-right:4px}
.bars{font-size:11.5px;margin-top:6px}.bar{display:flex;align-items:center;gap:8px;margin-bottom:5px;font-weight:600}.bar i{height:14px;border-radius:2px}
.mark{position:absolute;top:0;bottom:0;border-left:1px dashed #3274d9}`;
const LEGEND = 45;

const framed = (panel: Panel, inside: Markup): Markup => {
  const { x = 0, y = 0, w = 24, h = 1 } = panel.gridPos ?? {};
  const place = `grid-column:${x + 1}/span ${w};grid-row:${y + 1}/span ${h}`;
  return panel.type === "row"
    ? html`<div class="panel headline" style="${place}">${inside}</div>`
    : html`<div class="panel" style="${place}"><h2>${panel.title}</h2><div class="soft">${panel.description}</div>${inside}</div>`;
};

const sizeOf = ({ gridPos }: Panel): { width: number; height: number } => {
  const { w = 24, h = 8 } = gridPos ?? {};
  return {
    width: Math.floor(w * COLUMN + (w - 1) * GAP - FRAME - 2),
    height: h * ROW + (h - 1) * GAP - FRAME - HEAD - LEGEND,
  };
};

const legendOf = ({ legend }: Plot): Markup =>
  html`<div class="legend">${legend.map(
    ({ name, colour, last }) => html`<span><i style="background:${colour}"></i>${name}: ${last}</span>`,
  )}</div>`;

interface Target {
  readonly expr: string;
  readonly refId: string;
  readonly legendFormat?: string;
}
const targetsOf = ({ targets = [] }: Panel): readonly Target[] => targets as unknown as readonly Target[];

const answersOf = (panel: Panel, { prometheus, values, from, to, step }: Asked) =>
  Promise.all(
    targetsOf(panel).map(async ({ expr, legendFormat = "" }) => ({
      legend: legendFormat,
      series: sorted(await prometheus.queryRange(filled(expr, values), from, to, step)),
    })),
  );

const sorted = (series: readonly Series[]): readonly Series[] =>
  [...series].sort((a, b) => (JSON.stringify(a.metric) < JSON.stringify(b.metric) ? -1 : 1));

/** Where an annotation's query has a value, a line over every plot. */
const marksOf = async ({ annotations }: Dashboard, { prometheus, values, from, to, step }: Asked): Promise<string> => {
  const asked = (annotations?.list ?? []).flatMap(({ expr }) => (expr === undefined ? [] : [expr]));
  const found = await Promise.all(asked.map((expr) => prometheus.queryRange(filled(expr, values), from, to, step)));
  const times = new Set(found.flat().flatMap((series) => series.values.map(({ time }) => time)));
  return [...times]
    .map((time) => html`<div class="mark" style="left:${(100 * (time - from)) / (to - from)}%"></div>`.text)
    .join("");
};

/** Instant answers, joined by the label that the panel's transformation names. */
const tableOf = async (panel: Panel, { prometheus, values, to }: Asked): Promise<Markup> => {
  const join = panel.transformations?.find(({ id }) => id === "joinByField")?.options as
    | { byField: string }
    | undefined;
  if (join === undefined) throw new Error(`no picture can show the table ${panel.title}`);
  const columns = await Promise.all(
    targetsOf(panel).map(async ({ expr, refId }) => {
      const said = new Map(
        panel.fieldConfig?.overrides
          .find(({ matcher }) => matcher.id === "byFrameRefID" && matcher.options === refId)
          ?.properties.map(({ id, value }) => [id, String(value)]),
      );
      const samples = await prometheus.query(filled(expr, values), to);
      const cells = new Map(samples.map(({ metric, value }) => [metric[join.byField] ?? "", value]));
      return { name: said.get("displayName") ?? refId, format: unitOf(said.get("unit") ?? "short"), cells };
    }),
  );
  const rows = [...new Set(columns.flatMap(({ cells }) => [...cells.keys()]))].sort();
  return html`<table><tr><th>${join.byField}</th>${columns.map(({ name }) => html`<th class="number">${name}</th>`)}</tr>${rows.map(
    (row) =>
      html`<tr><td>${row}</td>${columns.map(({ cells, format }) => html`<td class="number">${valueOf(cells.get(row), format)}</td>`)}</tr>`,
  )}</table>`;
};

/** As long as their share of the longest. */
const barsOf = async (panel: Panel, { prometheus, values, to }: Asked): Promise<Markup> => {
  const format = unitOf(String(panel.fieldConfig?.defaults.unit));
  const answers = await Promise.all(
    targetsOf(panel).map(async ({ expr, legendFormat = "" }) =>
      (await prometheus.query(filled(expr, values), to)).map(({ metric, value }) => ({
        name: named(legendFormat, metric),
        value,
      })),
    ),
  );
  const told = answers.flat().filter(({ value }) => Number.isFinite(value));
  const longest = Math.max(...told.map(({ value }) => value));
  return html`<div class="bars">${told.map(
    ({ name, value }) =>
      html`<div>${name}</div><div class="bar"><i style="width:${(75 * value) / longest}%;background:${COLOURS[0]}"></i>${format(value)}</div>`,
  )}</div>`;
};

const valueOf = (value: number | undefined, format: (value: number) => string): string =>
  value === undefined || !Number.isFinite(value) ? "" : format(value);
