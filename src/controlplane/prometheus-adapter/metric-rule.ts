import type { Problem } from "../../model/problem.ts";
import type { SeriesLabels } from "../monitoring-server.ts";
import type { DiscoveryRule } from "./config.ts";
import { externalQuery, objectsQuery, parseMetricsQuery, type QueriedObjects } from "./metrics-query.ts";
import type { QueryTemplate } from "./query-template.ts";
import { NAMESPACES } from "./resource-kinds.ts";
import { type ResourceLabels, resourceLabels } from "./resource-labels.ts";
import { type CompileRegexp, expandGroups, type SearchRegexp, unknownGroups } from "./search-regexp.ts";

/** A rule as the adapter works by it. Source: metricNamer, prometheus-adapter v0.12.0, pkg/naming/metric_namer.go. */
export interface MetricRule {
  /** What is asked of /api/v1/series. */
  readonly seriesQuery: string;
  readonly labels: ResourceLabels;
  /** @returns the metric that a series is shown as; undefined: a filter or the pattern of names passes it over */
  nameOf(series: string): string | undefined;
  queryForObjects(series: string, selector: SeriesLabels, objects: QueriedObjects): string | undefined;
  queryForExternal(series: string, selector: SeriesLabels, namespace: string): string | undefined;
}

/** Anything; always matches. */
const WHOLE = ".*";

/**
 * Reads one rule.
 *
 * @param problems errors where the adapter would not start, warnings where it answers nothing
 * @returns undefined after an error
 */
export const metricRule = (
  rule: DiscoveryRule,
  field: string,
  external: boolean,
  compile: CompileRegexp,
  problems: Problem[],
): MetricRule | undefined => {
  const errorsBefore = errorsIn(problems);
  const labels = resourceLabels(rule.resources, `${field}.resources`, compile, problems);
  const template = queryTemplate(rule.metricsQuery, `${field}.metricsQuery`, problems);
  const filters = rule.seriesFilters.map(({ is, isNot }, i) => {
    const place = `${field}.seriesFilters[${i}].${is === "" ? "isNot" : "is"}`;
    return { positive: is !== "", regexp: compiled(is || isNot, place, compile, problems) };
  });
  const matches = compiled(rule.name.matches || WHOLE, `${field}.name.matches`, compile, problems);
  const as = matches && apiName(rule.name, matches, `${field}.name`, problems);
  warnOfNamespace(rule, labels, external, field, problems);
  if (template === undefined || matches === undefined || as === undefined || errorsIn(problems) > errorsBefore) {
    return undefined;
  }
  return {
    seriesQuery: rule.seriesQuery,
    labels,
    nameOf: remembered((series) => {
      if (filters.some(({ positive, regexp }) => (regexp?.search(series) !== undefined) !== positive)) return undefined;
      const match = matches.search(series);
      return match && expandGroups(as, matches, match);
    }),
    queryForObjects: (series, selector, objects) => objectsQuery(template, labels, series, selector, objects),
    queryForExternal: (series, selector, namespace) =>
      externalQuery(template, labels, series, selector, rule.resources.namespaced ? namespace : ""),
  };
};

/** Names of series are few, and many series bear one: each name is sought once. */
const remembered = (nameOf: MetricRule["nameOf"]): MetricRule["nameOf"] => {
  const known = new Map<string, string | undefined>();
  return (series) => {
    if (!known.has(series)) known.set(series, nameOf(series));
    return known.get(series);
  };
};

/** Reads the template of a query; one that is empty makes no query, ever. */
export const queryTemplate = (text: string, field: string, problems: Problem[]): QueryTemplate | undefined => {
  const parsed = parseMetricsQuery(text);
  if (!parsed.ok) {
    problems.push({ severity: "error", reason: "BadTemplate", field, message: parsed.message });
    return undefined;
  }
  if (text.trim() === "") {
    const message = "is empty: the adapter answers whoever asks for these metrics with an error";
    const fix = 'such as "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"';
    problems.push({ severity: "warning", reason: "NoQuery", field, message, fix });
  }
  return parsed.template;
};

const errorsIn = (problems: readonly Problem[]): number =>
  problems.filter(({ severity }) => severity === "error").length;

const compiled = (
  pattern: string,
  field: string,
  compile: CompileRegexp,
  problems: Problem[],
): SearchRegexp | undefined => {
  const result = compile(pattern);
  if (result.ok) return result.regexp;
  problems.push({ severity: "error", reason: "BadRegexp", field, message: result.message });
  return undefined;
};

/** `as`, or by default the whole name, or the only group. */
const apiName = (
  { matches, as }: DiscoveryRule["name"],
  regexp: SearchRegexp,
  field: string,
  problems: Problem[],
): string | undefined => {
  if (as !== "") {
    for (const reference of unknownGroups(as, regexp)) {
      const message = `${reference} is no group of ${JSON.stringify(matches)}, and stands for nothing`;
      const fix = "write ${1} where letters, digits or _ follow"; // biome-ignore lint/suspicious/noTemplateCurlyInString: Go's
      problems.push({ severity: "warning", reason: "UnknownGroup", field: `${field}.as`, message, fix });
    }
    return as;
  }
  const groups = regexp.groups.length - 1;
  if (groups < 2) return groups === 0 ? "$0" : "$1";
  const message = `must be set: ${JSON.stringify(matches)} has ${groups} groups`;
  problems.push({ severity: "error", reason: "Required", field: `${field}.as`, message });
  return undefined;
};

const warnOfNamespace = (
  { resources }: DiscoveryRule,
  labels: ResourceLabels,
  external: boolean,
  field: string,
  problems: Problem[],
): void => {
  const place = { severity: "warning" as const, field: `${field}.resources` };
  if (external && resources.namespaced && labels.labelFor(NAMESPACES) === undefined) {
    problems.push({
      ...place,
      reason: "NoNamespaceLabel",
      message: "no label stands for the namespace, which queries of external metrics ask for: none can be made",
      fix: "set overrides: {namespace: {resource: namespace}}, or namespaced: false",
    });
  }
  if (!external && !resources.namespaced) {
    const message = "namespaced: false is of external rules; queries of custom metrics always ask for the namespace";
    problems.push({ ...place, field: `${place.field}.namespaced`, reason: "NoEffect", message, fix: "drop it" });
  }
};
