import { good, type Problem, type Result } from "../../model/problem.ts";
import { type AdapterConfig, windowSeconds } from "./config.ts";
import { type MetricRule, metricRule, queryTemplate } from "./metric-rule.ts";
import { objectsQuery } from "./metrics-query.ts";
import type { QueryTemplate } from "./query-template.ts";
import { PODS, RESOURCES } from "./resource-kinds.ts";
import { type ResourceLabels, resourceLabels } from "./resource-labels.ts";
import type { CompileRegexp } from "./search-regexp.ts";

/** How the usage of one resource is asked for. */
export interface UsageRule {
  readonly template: QueryTemplate;
  readonly labels: ResourceLabels;
  readonly containerLabel: string;
}

/** A configuration ready for work. */
export interface AdapterRules {
  readonly custom: readonly MetricRule[];
  readonly external: readonly MetricRule[];
  readonly usage?: { readonly cpu: UsageRule; readonly memory: UsageRule; readonly windowSeconds: number };
}

/**
 * Reads a configuration: compiles what has to be compiled, and tells all that keeps the adapter from starting or from
 * answering, each at its field.
 *
 * @param compile RE2's regular expressions, unanchored
 * Source: NamersFromConfig, prometheus-adapter v0.12.0, pkg/naming; newResourceQuery, pkg/resourceprovider.
 */
export const readAdapterRules = (config: AdapterConfig, compile: CompileRegexp): Result<AdapterRules> => {
  const problems: Problem[] = [];
  const rulesOf = (field: "rules" | "externalRules"): readonly MetricRule[] =>
    config[field].flatMap(
      (rule, i) => metricRule(rule, `${field}[${i}]`, field === "externalRules", compile, problems) ?? [],
    );
  const [custom, external] = [rulesOf("rules"), rulesOf("externalRules")];
  const usageOf = (name: "cpu" | "memory"): UsageRule | undefined => {
    const said = config.resourceRules?.[name];
    if (said === undefined) return undefined;
    const field = `resourceRules.${name}`;
    const labels = resourceLabels(said.resources, `${field}.resources`, compile, problems);
    const template = queryTemplate(said.containerQuery, `${field}.containerQuery`, problems);
    return template && { template, labels, containerLabel: said.containerLabel };
  };
  const [cpu, memory] = [usageOf("cpu"), usageOf("memory")];
  if (problems.some(({ severity }) => severity === "error")) return { ok: false, problems };
  const window = windowSeconds(config.resourceRules?.window ?? "0");
  const usage = cpu && memory && { cpu, memory, windowSeconds: window };
  return good({ custom, external, ...(usage === undefined ? {} : { usage }) }, problems);
};

/**
 * Names of metrics that the rules yield of series with such names, whatever their labels: what an HPA can ask for.
 *
 * @param namesFor names of series that a seriesQuery may find
 */
export const yieldedNames = (
  rules: readonly MetricRule[],
  namesFor: (seriesQuery: string) => readonly string[],
): readonly string[] => [
  ...new Set(rules.flatMap((rule) => namesFor(rule.seriesQuery).flatMap((series) => rule.nameOf(series) ?? []))),
];

/** A query as a rule makes them, of a series and objects that stand for any; undefined for a rule that can make none. */
export const sampleQuery = (rule: MetricRule, external: boolean): string | undefined => {
  if (external) return rule.queryForExternal(ANY, {}, ANY);
  const resource = RESOURCES.find((one) => rule.labels.labelFor(one) !== undefined);
  return resource && rule.queryForObjects(ANY, {}, { resource, names: [ANY], namespace: "" });
};

/** What rules may read, and how far back: what they list, and one query of each. */
export const queriesOf = ({ custom, external, usage }: AdapterRules): readonly string[] => [
  ...[...custom, ...external].map(({ seriesQuery }) => seriesQuery),
  ...custom.flatMap((rule) => sampleQuery(rule, false) ?? []),
  ...external.flatMap((rule) => sampleQuery(rule, true) ?? []),
  ...[usage?.cpu, usage?.memory].flatMap((rule) =>
    rule === undefined
      ? []
      : (objectsQuery(rule.template, rule.labels, "", {}, { resource: PODS, names: [ANY], namespace: ANY }) ?? []),
  ),
];

/** Stands for a name; a name that no series has. */
const ANY = "any";
