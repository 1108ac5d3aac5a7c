import type { SeriesLabels } from "../monitoring-server.ts";
import { type ParsedTemplate, parseTemplate, type QueryTemplate } from "./query-template.ts";
import { NAMESPACES } from "./resource-kinds.ts";
import type { ResourceLabels } from "./resource-labels.ts";

const SHAPES = {
  Series: "text",
  LabelMatchers: "text",
  LabelValuesByName: "map",
  GroupBy: "text",
  GroupBySlice: "list",
} as const;

/** Reads the template of a query. */
export const parseMetricsQuery = (text: string): ParsedTemplate => parseTemplate(text, SHAPES);

/** Objects that values are wanted of. */
export interface QueriedObjects {
  readonly resource: string;
  readonly names: readonly string[];
  /** "": of none. */
  readonly namespace: string;
  /** Beside the label of the resource. */
  readonly groupBy?: readonly string[];
}

/**
 * The query for a metric of objects; undefined where it can't be made: no label for the resource or its namespace, or
 * nothing comes of the template.
 * Source: metricsQuery.Build, prometheus-adapter v0.12.0, pkg/naming/metrics_query.go.
 */
export const objectsQuery = (
  template: QueryTemplate,
  labels: ResourceLabels,
  series: string,
  selector: SeriesLabels,
  { resource, names, namespace, groupBy = [] }: QueriedObjects,
): string | undefined => {
  const equal = equalities(selector, namespace, labels);
  const label = labels.labelFor(resource);
  if (equal === undefined || label === undefined) return undefined;
  const value = names.join("|");
  const by = [label, ...groupBy];
  return queried(template, {
    Series: series,
    LabelMatchers: [...equal.map(matcher), `${label}${names.length > 1 ? "=~" : "="}${quoted(value)}`].join(","),
    LabelValuesByName: Object.fromEntries([...equal, [label, value]]),
    GroupBy: by.join(","),
    GroupBySlice: by,
  });
};

/**
 * The query for an external metric, which no objects belong to; undefined where it can't be made.
 *
 * @param namespace of whoever asks; "" where the rule is not to look at it
 * Source: metricsQuery.BuildExternal.
 */
export const externalQuery = (
  template: QueryTemplate,
  labels: ResourceLabels,
  series: string,
  selector: SeriesLabels,
  namespace: string,
): string | undefined => {
  const equal = equalities(selector, namespace, labels);
  if (equal === undefined) return undefined;
  return queried(template, {
    Series: series,
    LabelMatchers: equal.map(matcher).join(","),
    LabelValuesByName: Object.fromEntries(equal),
    GroupBy: "",
    GroupBySlice: [],
  });
};

/** The selector's labels by name, as a parsed label selector has them, and then the namespace. */
const equalities = (
  selector: SeriesLabels,
  namespace: string,
  labels: ResourceLabels,
): readonly (readonly [string, string])[] | undefined => {
  const said = Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1));
  if (namespace === "") return said;
  const label = labels.labelFor(NAMESPACES);
  return label === undefined ? undefined : [...said, [label, namespace]];
};

const queried = (template: QueryTemplate, values: Parameters<QueryTemplate["render"]>[0]): string | undefined =>
  template.render(values) || undefined;

const matcher = ([label, value]: readonly [string, string]): string => `${label}=${quoted(value)}`;

/** As Go's %q: of what names and labels of Kubernetes may hold, JSON's quoting is the same. */
const quoted = (value: string): string => JSON.stringify(value);
