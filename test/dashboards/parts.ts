import { PanelBuilder as BarsBuilder } from "@grafana/grafana-foundation-sdk/bargauge";
import { BarGaugeDisplayMode, ReduceDataOptionsBuilder, VizOrientation } from "@grafana/grafana-foundation-sdk/common";
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeseriesBuilder } from "@grafana/grafana-foundation-sdk/timeseries";

/** Of a variable, so that one dashboard serves many Prometheis. */
export const DATASOURCE = { type: "prometheus", uid: "${datasource}" } as const;

/** Matchers of what is simulated and of what runs. */
export const SIMULATED = 'namespace=~"$namespace",simulation=~"$simulation",scenario=~"$scenario"';
export const PRODUCTION = 'namespace=~"$namespace"';
/** Of series that the operator tells of simulations, whose namespace is the operator's own. */
export const TOLD = 'simulation=~"$simulation"';

/** A line of a panel. */
export interface Line {
  readonly expr: string;
  readonly legend: string;
}

const HEIGHT = 8;

interface Drawn {
  /** Of 24. */
  readonly width?: number;
  /** What lies between two lines is shaded. */
  readonly bands?: readonly Band[];
}

export interface Band {
  readonly low: Line;
  readonly high: Line;
}

/** Three beside each other. */
export const THIRD: Drawn = { width: 8 };

/** @param unit as Grafana names it */
export const timeseries = (
  title: string,
  description: string,
  unit: string,
  lines: readonly Line[],
  { width = 12, bands = [] }: Drawn = {},
): TimeseriesBuilder => {
  const panel = new TimeseriesBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(width)
    // What is simulated is dashed, so that it isn't taken for what runs.
    .overrideByRegexp("/simulated/", [{ id: "custom.lineStyle", value: { fill: "dash", dash: [8, 6] } }]);
  [...lines, ...bands.flatMap(({ low, high }) => [low, high])].forEach(({ expr, legend }, i) =>
    panel.withTarget(query(expr, i).range().legendFormat(legend)),
  );
  for (const { low, high } of bands) {
    panel
      .overrideByName(low.legend, [
        EDGE,
        { id: "custom.hideFrom", value: { legend: true, tooltip: false, viz: false } },
      ])
      .overrideByName(high.legend, [
        EDGE,
        { id: "custom.fillBelowTo", value: low.legend },
        { id: "custom.fillOpacity", value: 20 },
      ]);
  }
  return panel;
};

/** Of a band no line is drawn. */
const EDGE = { id: "custom.lineWidth", value: 0 };

/** One bar per value at the end of the range. @param unit as Grafana names it */
export const bars = (
  title: string,
  description: string,
  unit: string,
  lines: readonly Line[],
  { width = 12 }: Pick<Drawn, "width"> = {},
): BarsBuilder => {
  const panel = new BarsBuilder()
    .title(title)
    .description(description)
    .unit(unit)
    .min(0)
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(width)
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Basic)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]));
  lines.forEach(({ expr, legend }, i) => panel.withTarget(query(expr, i).instant().legendFormat(legend)));
  return panel;
};

/** Columns of one row per value of the label. @param columns named by their legend */
export const table = (
  title: string,
  description: string,
  label: string,
  columns: readonly (Line & { readonly unit: string })[],
): TableBuilder => {
  const panel = new TableBuilder()
    .title(title)
    .description(description)
    .unit("short")
    .datasource(DATASOURCE)
    .height(HEIGHT)
    .span(24)
    .withTransformation({ id: "joinByField", options: { byField: label, mode: "outer" } })
    .withTransformation({ id: "filterFieldsByName", options: { include: { pattern: `${label}|Value.*` } } });
  columns.forEach(({ expr, legend, unit }, i) => {
    panel.withTarget(query(expr, i).instant().format(PromQueryFormat.Table)).overrideByQuery(letter(i), [
      { id: "displayName", value: legend },
      { id: "unit", value: unit },
    ]);
  });
  return panel;
};

const letter = (i: number): string => String.fromCharCode("A".charCodeAt(0) + i);
const query = (expr: string, i: number): DataqueryBuilder =>
  new DataqueryBuilder().expr(expr).refId(letter(i)).datasource(DATASOURCE);

/** A variable whose values are those of a label. */
const labelVariable = (name: string, label: string, of: string): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .label(label)
    .query(`label_values(${of}, ${name})`)
    .datasource(DATASOURCE)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue(".+")
    .current({ text: "All", value: "$__all" });

/** A headline over the panels that follow, which fold under it. */
export const row = (title: string): RowBuilder => new RowBuilder(title);

interface Said {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly (TimeseriesBuilder | BarsBuilder | TableBuilder | RowBuilder)[];
  /** Left out: the operator's own, which no simulation narrows. */
  readonly simulated?: boolean;
  readonly annotation?: { readonly name: string; readonly expr: string };
}

export const dashboard = ({ uid, title, description, panels, simulated = true, annotation }: Said): Dashboard => {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(["servetwin", "llm"])
    .readonly()
    .version(1)
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .timezone("browser")
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("servetwin")
        .type(DashboardLinkType.Dashboards)
        .tags(["servetwin"])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(
      new DatasourceVariableBuilder("datasource")
        .label("Data source")
        .type("prometheus")
        .current({ text: "default", value: "default" }),
    );
  if (simulated) {
    builder
      .withVariable(labelVariable("namespace", "Namespace", "sim:vllm:num_requests_running"))
      .withVariable(labelVariable("simulation", "Simulation", 'sim:vllm:num_requests_running{namespace=~"$namespace"}'))
      .withVariable(labelVariable("scenario", "Scenario", 'sim:vllm:num_requests_running{simulation=~"$simulation"}'));
  }
  if (annotation !== undefined) {
    builder.annotation(
      new AnnotationQueryBuilder()
        .name(annotation.name)
        .enable(true)
        .iconColor("blue")
        .datasource(DATASOURCE)
        .expr(annotation.expr),
    );
  }
  for (const panel of panels) {
    if (panel instanceof RowBuilder) builder.withRow(panel);
    else builder.withPanel(panel);
  }
  return builder.build();
};
