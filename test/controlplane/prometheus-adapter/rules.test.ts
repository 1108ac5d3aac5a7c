import { describe, expect, it } from "vitest";
import type { SeriesLabels } from "../../../src/controlplane/monitoring-server.ts";
import { windowSeconds } from "../../../src/controlplane/prometheus-adapter/config.ts";
import { adapterConfig, yieldedNames } from "../../../src/controlplane/prometheus-adapter/index.ts";
import { customMetrics, externalMetrics } from "../../../src/controlplane/prometheus-adapter/metric-lists.ts";
import { resourceFor } from "../../../src/controlplane/prometheus-adapter/resource-kinds.ts";
import { searchRegexp } from "../../../src/twin/search-regexp.ts";
import { GAUGES_OF_PODS, LLM_D, PRODUCTION_STACK, RESOURCE_RULES, SAMPLE } from "./configs.ts";
import { problemsIn, rulesOf } from "./servers.ts";

const rule = (fields: string) => `rules: [{seriesQuery: up, metricsQuery: up, ${fields}}]`;
const external = (fields: string) => `externalRules: [{seriesQuery: up, metricsQuery: up, ${fields}}]`;
const PODS = "resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}";

describe("names", () => {
  it.each([
    { fields: "", series: "up", name: "up" },
    { fields: 'name: {matches: "^(.*)_total$"}', series: "requests_total", name: "requests" },
    { fields: 'name: {matches: "^(.*)_total$"}', series: "requests", name: undefined },
    { fields: 'name: {matches: "^.*_total$"}', series: "requests_total", name: "requests_total" },
    // The name is only what the pattern matched.
    { fields: 'name: {matches: "vllm:.*_requests"}', series: "vllm:num_requests_waiting", name: "vllm:num_requests" },
    { fields: 'name: {matches: "^(.*)_total$", as: "${1}_per_second"}', series: "http_total", name: "http_per_second" },
    { fields: 'name: {matches: "^(.*)_total$", as: "$1_per_second"}', series: "http_total", name: "" },
    { fields: 'name: {matches: "^(?P<a>x+)(y+)?", as: "$a-${2}-$$-$"}', series: "xxz", name: "xx--$-$" },
    { fields: 'name: {matches: "(?i)^VLLM:(.*)"}', series: "vllm:x", name: "x" },
    { fields: 'name: {matches: "a|ab"}', series: "xab", name: "a" },
    { fields: "name: {as: igw_queue_depth}", series: "anything", name: "igw_queue_depth" },
    { fields: "seriesFilters: [{is: num_}, {isNot: _total$}]", series: "vllm:num_x", name: "vllm:num_x" },
    { fields: "seriesFilters: [{is: num_}, {isNot: _total$}]", series: "vllm:num_x_total", name: undefined },
    { fields: "seriesFilters: [{is: ^num_}]", series: "vllm:num_x", name: undefined },
  ])("$fields shows $series as $name", ({ fields, series, name }) => {
    expect(rulesOf(rule(fields)).custom[0]?.nameOf(series)).toBe(name);
  });

  it("are told of all series that may be found", () => {
    const { custom, external } = rulesOf(LLM_D);
    const names = ["vllm:kv_cache_usage_perc", "llm_d_epp_flow_control_queue_size"];
    const startingWith = (query: string) => names.filter((name) => query.startsWith(name));
    expect(yieldedNames(custom, startingWith)).toEqual(["vllm_kv_cache_usage_perc"]);
    expect(yieldedNames(external, startingWith)).toEqual(["igw_queue_depth"]);
  });
});

describe("resources", () => {
  const list = (yaml: string, ...series: readonly SeriesLabels[]) => [
    ...(customMetrics(rulesOf(yaml).custom, () => ({ ok: true, series })) ?? new Map()).keys(),
  ];

  it.each([
    {
      name: "labels that are overridden",
      fields: PODS,
      labels: { namespace: "ns", pod: "a", other: "b" },
      keys: ["namespaces|false|up", "pods|true|up"],
    },
    { name: "the namespace alone", fields: PODS, labels: { namespace: "ns" }, keys: ["namespaces|false|up"] },
    { name: "no label of a resource", fields: PODS, labels: { other: "b" }, keys: [] },
    {
      name: "labels named as resources; job is one, instance none",
      fields: 'resources: {template: "<<.Resource>>"}',
      labels: { namespace: "ns", pod: "a", job: "vllm", node: "n", instance: "i" },
      keys: ["namespaces|false|up", "pods|true|up", "jobs.batch|true|up", "nodes|false|up"],
    },
    {
      name: "groups in labels",
      fields: 'resources: {template: "kube_<<.Group>>_<<.Resource>>"}',
      labels: { kube_apps_deployment: "a", kube_batch_deployment: "b", pod: "p" },
      keys: ["deployments.apps|true|up"],
    },
    {
      name: "an override beside a template",
      fields: 'resources: {template: "<<.Resource>>", overrides: {microservice: {group: apps, resource: deployment}}}',
      labels: { microservice: "a", service: "b" },
      keys: ["deployments.apps|true|up", "services|true|up"],
    },
  ])("$name", ({ fields, labels, keys }) => {
    expect(list(rule(fields), { __name__: "up", ...labels })).toEqual(keys);
  });

  it("the sample shows what its comments say", () => {
    const { custom, external } = rulesOf(SAMPLE);
    const container = { namespace: "ns", pod: "p", container: "c" };
    const series: Readonly<Record<string, readonly SeriesLabels[]>> = {
      '{__name__=~"^container_.*",container!="POD",namespace!="",pod!=""}': [
        { __name__: "container_cpu_usage_seconds_total", ...container },
        { __name__: "container_fs_reads_total", ...container },
      ],
      '{__name__=~"^container_.*_total",container!="POD",namespace!="",pod!=""}': [
        { __name__: "container_cpu_usage_seconds_total", ...container },
        { __name__: "container_fs_reads_total", ...container },
      ],
      '{namespace!="",__name__!~"^container_.*"}': [{ __name__: "http_requests_total", namespace: "ns", service: "s" }],
      'cheddar{sharp="true"}': [{ __name__: "cheddar", sharp: "true", brand: "b" }],
      '{__name__="queue_depth",topic!=""}': [{ __name__: "queue_depth", topic: "t" }],
    };
    const find = (query: string) => ({ ok: true as const, series: series[query] ?? [] });
    expect([...(customMetrics(custom, find) ?? new Map()).keys()].sort()).toEqual([
      "namespaces|false|cpu_usage",
      "namespaces|false|fs_reads",
      "namespaces|false|http_requests",
      "pods|true|cpu_usage",
      "pods|true|fs_reads",
      "services|true|http_requests",
    ]);
    expect([...(externalMetrics(external, find) ?? new Map()).keys()]).toEqual(["queue_depth"]);
  });

  it("are found by singular, plural, and the beginning of a group", () => {
    expect(resourceFor("", "Pods")?.resource).toBe("pods");
    expect(resourceFor("", "deployment")?.resource).toBe("deployments.apps");
    expect(resourceFor("storage", "storageclass")?.resource).toBe("storageclasses.storage.k8s.io");
    expect(resourceFor("", "ingress")?.resource).toBe("ingresses.networking.k8s.io");
    expect(resourceFor("apps", "pod")).toBeUndefined();
    expect(resourceFor("", "brand")).toBeUndefined();
  });
});

describe("what is wrong with a configuration", () => {
  it.each([
    { yaml: LLM_D, told: [] },
    { yaml: PRODUCTION_STACK, told: [] },
    { yaml: GAUGES_OF_PODS, told: [] },
    { yaml: RESOURCE_RULES, told: [] },
    {
      yaml: SAMPLE,
      told: [
        ["warning", "rules[3].resources.overrides.brand", "UnknownResource"],
        ["warning", "externalRules[0].resources", "NoNamespaceLabel"],
      ],
    },
    { yaml: rule('name: {matches: "("}'), told: [["error", "rules[0].name.matches", "BadRegexp"]] },
    { yaml: rule('name: {matches: "(?=x)"}'), told: [["error", "rules[0].name.matches", "BadRegexp"]] },
    { yaml: rule('name: {matches: "a)(b"}'), told: [["error", "rules[0].name.matches", "BadRegexp"]] },
    { yaml: rule('name: {matches: "(a)(b)"}'), told: [["error", "rules[0].name.as", "Required"]] },
    { yaml: rule("seriesFilters: [{isNot: '['}]"), told: [["error", "rules[0].seriesFilters[0].isNot", "BadRegexp"]] },
    {
      yaml: rule('name: {matches: "(.*)_total", as: $1_rate}'),
      told: [["warning", "rules[0].name.as", "UnknownGroup"]],
    },
    {
      yaml: rule('resources: {template: "<<.Kind>>"}'),
      told: [["error", "rules[0].resources.template", "BadTemplate"]],
    },
    {
      yaml: rule('resources: {template: "<<.Group>>"}'),
      told: [["error", "rules[0].resources.template", "BadTemplate"]],
    },
    {
      yaml: rule('resources: {template: "(<<.Resource>>"}'),
      told: [["error", "rules[0].resources.template", "BadTemplate"]],
    },
    {
      yaml: rule("resources: {overrides: {pod: {resource: pod}, pod_name: {resource: pods}}}"),
      told: [["warning", "rules[0].resources.overrides.pod_name", "TwoLabels"]],
    },
    { yaml: rule("resources: {namespaced: false}"), told: [["warning", "rules[0].resources.namespaced", "NoEffect"]] },
    { yaml: external("name: {as: x}"), told: [["warning", "externalRules[0].resources", "NoNamespaceLabel"]] },
    { yaml: external('resources: {template: "<<.Resource>>"}'), told: [] },
    { yaml: "rules: [{seriesQuery: up}]", told: [["warning", "rules[0].metricsQuery", "NoQuery"]] },
    {
      yaml: "rules: [{seriesQuery: up, metricsQuery: 'sum(<<if .GroupBy>>up<<end>>)'}]",
      told: [["error", "rules[0].metricsQuery", "BadTemplate"]],
    },
    {
      yaml: RESOURCE_RULES.replace("<<.LabelMatchers>>}[5m]", "<<.Matchers>>}[5m]"),
      told: [["error", "resourceRules.cpu.containerQuery", "BadTemplate"]],
    },
  ])("$told", ({ yaml, told }) => {
    expect(problemsIn(yaml).map(({ severity, field, reason }) => [severity, field, reason])).toEqual(told);
  });

  it.each([
    { raw: { rules: [{ metricsQuery: "up" }] }, path: "rules.0.seriesQuery" },
    { raw: { rules: [{ seriesQuery: "" }] }, path: "rules.0.seriesQuery" },
    { raw: { rules: { default: true } }, path: "rules" },
    { raw: { rules: [{ seriesQuery: "up", seriesFilters: [{}] }] }, path: "rules.0.seriesFilters.0" },
    {
      raw: { rules: [{ seriesQuery: "up", seriesFilters: [{ is: "a", isNot: "b" }] }] },
      path: "rules.0.seriesFilters.0",
    },
    // As a guide of llm-d had it: what is meant goes beside `overrides`, and the adapter does not start.
    {
      raw: { externalRules: [{ seriesQuery: "up", resources: { overrides: { namespaced: false } } }] },
      path: "externalRules.0.resources.overrides.namespaced",
    },
    { raw: { rule: [] }, path: "" },
    { raw: { resourceRules: { cpu: {}, memory: {}, window: "5 minutes" } }, path: "resourceRules.window" },
  ])("refuses $raw at $path", ({ raw, path }) => {
    const parsed = adapterConfig.safeParse(raw);
    expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });

  it.each([
    ["0", 0],
    ["5m", 300],
    ["1h30m", 5400],
    ["1d500ms", 86_400.5],
  ])("reads a window of %s", (text, seconds) => expect(windowSeconds(text)).toBe(seconds));
});

describe("a regular expression that is searched", () => {
  it.each([
    ["b+", "abbb", ["bbb"]],
    ["b+?", "abbb", ["b"]],
    ["(a)|(b)", "xb", ["b", undefined, "b"]],
    ["^b", "ab", undefined],
    ["", "ab", [""]],
    [".*", "ab", ["ab"]],
    ["(a+)+$", `${"a".repeat(60)}b`, undefined],
  ])("%s in %s", (pattern, text, match) => {
    const compiled = searchRegexp(pattern);
    expect(compiled.ok && compiled.regexp.search(text)).toEqual(match);
  });
});
