import type { AnnotationQuery, Dashboard, Panel, VariableModel } from "@grafana/grafana-foundation-sdk/dashboard";
import { metricNames, parseQuery } from "../../src/promql/index.ts";

/**
 * What Grafana's dashboard-linter demands of a dashboard, as far as it applies here: its rules on variables `job` and `instance`
 * do not, since simulated series are told apart by simulation and scenario.
 * @returns what is wrong, in words; empty: nothing
 */
export const lint = (dashboard: Dashboard): readonly string[] => [
  ...ofDashboard(dashboard),
  ...variablesOf(dashboard).flatMap(ofVariable),
  ...panelsOf(dashboard).flatMap(ofPanel),
  ...overlaps(placed(dashboard)),
];

/** Without the headlines of rows. */
export const panelsOf = (dashboard: Dashboard): readonly Panel[] =>
  placed(dashboard).filter(({ type }) => type !== "row");
const placed = ({ panels = [] }: Dashboard): readonly Panel[] => panels as readonly Panel[];
const variablesOf = ({ templating }: Dashboard): readonly VariableModel[] => templating?.list ?? [];

export interface Query {
  /** Panel or annotation. */
  readonly where: string;
  readonly expr: string;
}

/** All queries of panels and annotations. */
export const queriesOf = (dashboard: Dashboard): readonly Query[] => [
  ...panelsOf(dashboard).flatMap((panel) => targetsOf(panel).map(({ expr }) => ({ where: panel.title ?? "", expr }))),
  ...annotationsOf(dashboard).flatMap(({ name, expr }) => (expr === undefined ? [] : [{ where: name, expr }])),
];

const annotationsOf = ({ annotations }: Dashboard): readonly AnnotationQuery[] => annotations?.list ?? [];

type Target = { readonly expr: string; readonly datasource?: { readonly uid?: string } };
const targetsOf = ({ targets = [] }: Panel): readonly Target[] => targets as unknown as readonly Target[];

/** A query as Grafana sends it. @param values of variables, without `$` */
export const filled = (expr: string, values: Readonly<Record<string, string>>): string =>
  expr.replaceAll(/\$(\w+)/g, (text, name: string) => values[name] ?? text);

const SOME = { __rate_interval: "5m", __interval: "1m", __range: "1h" };

const ofDashboard = (dashboard: Dashboard): string[] => {
  const sources = variablesOf(dashboard).filter(({ type }) => type === "datasource");
  const [source] = sources;
  return [
    ...said(
      sources.length === 1 && source?.name === "datasource",
      "needs one variable for the data source, `datasource`",
    ),
    ...said(source?.label === "Data source", "the variable datasource is labelled otherwise than `Data source`"),
    ...said(dashboard.editable === false, "must not be editable"),
    ...said(
      (dashboard.uid ?? "").length > 0 && (dashboard.uid ?? "").length <= 40,
      "needs a uid of at most 40 characters",
    ),
    ...said(dashboard.id === undefined || dashboard.id === null, "must have no id"),
    ...said((dashboard.tags ?? []).includes("servetwin"), "needs the tag servetwin"),
  ];
};

const ofVariable = ({ name, type, refresh, query, datasource, label }: VariableModel): string[] =>
  type !== "query"
    ? []
    : [
        ...said(refresh === 2, `variable ${name} must refresh with the time range`),
        ...said(datasource?.uid === "${datasource}", `variable ${name} must ask $datasource`),
        ...said(/^label_values\(.+, \w+\)$/.test(String(query)), `variable ${name} has no label_values(series, label)`),
        ...said((label ?? "") !== "", `variable ${name} needs a label`),
      ];

const ofPanel = (panel: Panel): string[] => {
  const name = `panel ${panel.title ?? "?"}`;
  return [
    ...said((panel.title ?? "") !== "", "a panel needs a title"),
    ...said((panel.description ?? "") !== "", `${name} needs a description`),
    ...said((panel.fieldConfig?.defaults.unit ?? "") !== "", `${name} needs a unit`),
    ...said(targetsOf(panel).length > 0, `${name} needs a query`),
    ...said(panel.datasource?.uid === "${datasource}", `${name} must ask $datasource`),
    ...targetsOf(panel).flatMap((target) => ofTarget(target, name)),
  ];
};

const ofTarget = ({ expr, datasource }: Target, name: string): string[] => {
  const parsed = parseQuery(filled(expr, SOME));
  const outside = expr.replaceAll(/(rate|irate|increase|changes)\([^[]*\[[^\]]*\]\)/g, "");
  return [
    ...said(datasource?.uid === "${datasource}", `${name}: a query must ask $datasource`),
    ...said(parsed.ok, `${name}: ${parsed.ok ? "" : parsed.message} in ${expr}`),
    ...said(
      !/(rate|increase)\([^[]*\[(?!\$__rate_interval)/.test(expr),
      `${name}: rates go over $__rate_interval: ${expr}`,
    ),
    ...said(!/_total\b/.test(outside), `${name}: a counter without rate or increase: ${expr}`),
  ];
};

/** Names of the series that a query reads. */
export const seriesOf = (expr: string): readonly string[] => {
  const parsed = parseQuery(filled(expr, SOME));
  return parsed.ok ? metricNames(parsed.expr).names : [];
};

const overlaps = (panels: readonly Panel[]): string[] =>
  panels.flatMap((one, i) =>
    panels.slice(i + 1).flatMap((other) => {
      const [a, b] = [one.gridPos, other.gridPos];
      if (a === undefined || b === undefined) return ["a panel has no place"];
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      return said(apart && a.x + a.w <= 24, `panels ${one.title} and ${other.title} overlap`);
    }),
  );

const said = (holds: boolean, message: string): string[] => (holds ? [] : [message]);
