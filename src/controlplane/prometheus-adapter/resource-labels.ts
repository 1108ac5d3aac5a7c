import type { Problem } from "../../model/problem.ts";
import type { SeriesLabels } from "../monitoring-server.ts";
import type { ResourceMapping } from "./config.ts";
import { parseTemplate, type QueryTemplate } from "./query-template.ts";
import { kindOf, ROOT_SCOPED, resourceFor } from "./resource-kinds.ts";
import type { CompileRegexp, SearchRegexp } from "./search-regexp.ts";

/** Which label of a rule's series names which Kubernetes object. Resources are told as `pods` or `deployments.apps`. */
export interface ResourceLabels {
  /** undefined: the rule has no label for it, and a query that needs one can't be made */
  labelFor(resource: string): string | undefined;
  /** Resources that a series is about, and whether a metric of it has a namespace. @param labels without `__name__` */
  resourcesOf(labels: SeriesLabels): { readonly resources: readonly string[]; readonly namespaced: boolean };
}

const SHAPES = { Group: "text", Resource: "text" } as const;

/**
 * Reads the `resources` of a rule.
 *
 * @param problems told where the adapter would not start (errors), or surely does not do what is meant
 * Source: prometheus-adapter v0.12.0, pkg/naming/resource_converter.go and lbl_res.go.
 */
export const resourceLabels = (
  { template, overrides }: ResourceMapping,
  field: string,
  compile: CompileRegexp,
  problems: Problem[],
): ResourceLabels => {
  const [toResource, toLabel] = overriddenLabels(overrides, `${field}.overrides`, problems);
  const pattern = template === "" ? undefined : labelPattern(template, `${field}.template`, compile, problems);
  return {
    labelFor: (resource) => toLabel.get(resource) ?? (pattern && labelBy(pattern.template, resource)),
    resourcesOf: (labels) => {
      const resources: string[] = [];
      let namespaced = false;
      for (const label of Object.keys(labels)) {
        const said = toResource.get(label);
        const match = said === undefined ? pattern?.regexp.search(label) : undefined;
        const found = said ?? (match && resourceIn(match, (pattern as LabelPattern).regexp));
        // A label that looks like one of a resource but is of none says nothing; any other makes the metric namespaced.
        if (found === undefined && match !== undefined) continue;
        if (found !== undefined) resources.push(found);
        if (found === undefined || !ROOT_SCOPED.includes(found)) namespaced = true;
      }
      return { resources, namespaced };
    },
  };
};

const overriddenLabels = (overrides: ResourceMapping["overrides"], field: string, problems: Problem[]) => {
  const toResource = new Map<string, string>();
  const toLabel = new Map<string, string>();
  for (const [label, { group, resource }] of Object.entries(overrides)) {
    const found = resourceFor(group, resource)?.resource;
    const place = { severity: "warning" as const, field: `${field}.${label}` };
    if (found === undefined) {
      const name = group === "" ? resource : `${resource}.${group}`;
      problems.push({
        ...place,
        reason: "UnknownResource",
        message: `${name} is no resource that is known here: the label is passed over; where a cluster doesn't know it, the adapter does not start`,
      });
      continue;
    }
    const other = toLabel.get(found);
    if (other !== undefined) {
      const message = `the labels ${other} and ${label} both stand for ${found}: the adapter takes either by chance, here the first`;
      problems.push({ ...place, reason: "TwoLabels", message, fix: `drop one of them` });
    } else toLabel.set(found, label);
    toResource.set(label, found);
  }
  return [toResource, toLabel] as const;
};

interface LabelPattern {
  readonly template: QueryTemplate;
  readonly regexp: SearchRegexp;
}

const labelPattern = (
  text: string,
  field: string,
  compile: CompileRegexp,
  problems: Problem[],
): LabelPattern | undefined => {
  const refuse = (message: string, fix?: string): undefined => {
    const problem = { severity: "error" as const, reason: "BadTemplate", field, message };
    problems.push(fix === undefined ? problem : { ...problem, fix });
  };
  const parsed = parseTemplate(text, SHAPES);
  if (!parsed.ok) return refuse(parsed.message);
  const { template } = parsed;
  const compiled = compile(`^${template.render({ Group: "(?P<group>.+?)", Resource: "(?P<resource>.+?)" })}$`);
  if (!compiled.ok) return refuse(`makes no pattern of labels: ${compiled.message}`);
  const { regexp } = compiled;
  return regexp.groups.includes("resource")
    ? { template, regexp }
    : refuse("must include at least <<.Resource>>", 'write "<<.Resource>>" where the name of the resource stands');
};

const resourceIn = (match: readonly (string | undefined)[], { groups }: SearchRegexp): string | undefined => {
  const of = (name: string): string => match[groups.lastIndexOf(name)] ?? "";
  return resourceFor(of("group"), of("resource"))?.resource;
};

const labelBy = (template: QueryTemplate, resource: string): string | undefined => {
  const kind = kindOf(resource);
  if (kind === undefined) return undefined;
  return template.render({ Group: kind.group.replace(/[.-]/g, "_"), Resource: kind.singular }) || undefined;
};
