import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
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

/** A line of a panel. */
export interface Line {
  readonly expr: string;
  readonly legend: string;
}

const HEIGHT = 8;

/** @param unit as Grafana names it @param width of 24 */
export const timeseries = (
  title: string,
  description: string,
  unit: string,
  lines: readonly Line[],
  width = 12,
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
  lines.forEach(({ expr, legend }, i) => panel.withTarget(query(expr, i).range().legendFormat(legend)));
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

interface Said {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly (TimeseriesBuilder | TableBuilder)[];
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
  for (const panel of panels) builder.withPanel(panel);
  return builder.build();
};
