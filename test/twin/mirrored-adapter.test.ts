import { load } from "js-yaml";
import { describe, expect, it } from "vitest";
import { adapterConfig } from "../../src/controlplane/prometheus-adapter/index.ts";
import type { Problem } from "../../src/model/problem.ts";
import { GAUGES_OF_PODS, LLM_D, PRODUCTION_STACK } from "../controlplane/prometheus-adapter/configs.ts";
import { Quickstart } from "./quickstart.ts";

type Metric = Readonly<Record<string, unknown>>;

const mirrored = (yaml: string, said: object = {}, metrics?: readonly Metric[], file?: string) => {
  const quickstart = new Quickstart();
  quickstart.simulation.spec.overrides = { metrics: { prometheusAdapter: { inline: "…", ...said } } };
  if (metrics !== undefined) quickstart.hpa.spec.metrics = metrics;
  const found = { said: load(yaml), ...(file === undefined ? {} : { file }) };
  return quickstart.mirror({ adapterConfig: found });
};
const problemsOf = (result: ReturnType<typeof mirrored>): readonly Problem[] =>
  result.ok ? result.warnings : result.problems;

const metric = (type: string, name: string): Metric => {
  const source = type.toLowerCase();
  const described = type === "Object" ? { describedObject: { kind: "Namespace", name: "default" } } : {};
  const target = { type: type === "Pods" ? "AverageValue" : "Value", averageValue: "1", value: "1" };
  const { averageValue, value, ...rest } = target;
  const said = type === "Pods" ? { ...rest, averageValue } : { ...rest, value };
  return { type, [source]: { metric: { name }, target: said, ...described } };
};

describe("a mirrored prometheus-adapter", () => {
  it("is left out where nothing is said", () => {
    const plain = new Quickstart().mirror();
    expect(plain.ok && plain.value.scenario.metrics).not.toHaveProperty("adapter");
  });

  it("is plain data, with the adapter's own intervals", () => {
    const result = mirrored(LLM_D, {}, [metric("External", "igw_queue_depth")], "ConfigMap adapter/config.yaml");
    if (!result.ok) throw new Error("was refused");
    const { adapter } = result.value.scenario.metrics;
    expect(adapter).toEqual({
      config: adapterConfig.parse(load(LLM_D)),
      relistIntervalMicros: 600e6,
      maxAgeMicros: 600e6,
    });
    expect(structuredClone(adapter)).toEqual(adapter);
    expect(result.value.values).toContainEqual({
      path: "metrics.adapter.externalRules[0].metricsQuery",
      value: "sum(<<.Series>>{<<.LabelMatchers>>})",
      from: { kind: "derived", how: "prometheus-adapter's configuration, ConfigMap adapter/config.yaml" },
    });
  });

  it.each([
    [{ relistInterval: "1m" }, 60, 60],
    [{ relistInterval: "1m", maxAge: "5m" }, 60, 300],
    [{ maxAge: "20m" }, 600, 1200],
  ])("takes its flags: %j", (said, relist, age) => {
    const result = mirrored(GAUGES_OF_PODS, said);
    expect(result.ok && result.value.scenario.metrics.adapter).toMatchObject({
      relistIntervalMicros: relist * 1e6,
      maxAgeMicros: age * 1e6,
    });
  });

  it.each([
    [{ maxAge: "5m" }, "maxAge"],
    [{ relistInterval: "0s" }, "relistInterval"],
  ])("does not start with %j", (said, field) => {
    expect(problemsOf(mirrored(GAUGES_OF_PODS, said))).toContainEqual(
      expect.objectContaining({
        severity: "error",
        reason: "BadPeriod",
        field: `spec.overrides.metrics.prometheusAdapter.${field}`,
      }),
    );
  });

  it.each([
    { config: LLM_D, metrics: [metric("External", "igw_queue_depth"), metric("Pods", "vllm_kv_cache_usage_perc")] },
    { config: PRODUCTION_STACK, metrics: [metric("Object", "vllm_num_requests_waiting")] },
    { config: GAUGES_OF_PODS, metrics: [metric("Pods", "num_requests_waiting")] },
  ])("yields $metrics", ({ config, metrics }) => {
    expect(problemsOf(mirrored(config, {}, metrics)).filter(({ reason }) => reason === "UnknownMetric")).toEqual([]);
  });

  it.each([
    ["Pods", "vllm_kv_cache_usage", "did you mean `vllm_kv_cache_usage_perc`?"],
    ["Pods", "queue", "the rules yield vllm_kv_cache_usage_perc"],
    ["Pods", "igw_queue_depth", "it is an external metric: use type External"],
    ["External", "vllm_kv_cache_usage_perc", "it is a custom metric: use type Pods or Object"],
    ["External", "igw_queue_size", "did you mean `igw_queue_depth`?"],
    // The plain names of series are no names here.
    ["Pods", "vllm:num_requests_waiting", "the rules yield vllm_kv_cache_usage_perc"],
  ])("warns of %s %s: %s", (type, name, fix) => {
    const told = problemsOf(mirrored(LLM_D, {}, [metric(type, name)]));
    expect(told).toContainEqual(
      expect.objectContaining({ severity: "warning", reason: "UnknownMetric", field: "spec.metrics[0]", fix }),
    );
  });

  it("warns of CPU as without rules", () => {
    const cpu = {
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
    };
    expect(problemsOf(mirrored(LLM_D, {}, [metric("External", "igw_queue_depth"), cpu]))).toContainEqual(
      expect.objectContaining({ reason: "CrudeModel", field: "spec.metrics[1]" }),
    );
  });

  it.each([
    {
      yaml: "rules: {default: true, external: []}",
      field: "rules",
      reason: "WrongType",
      fix: "give the config.yaml of the adapter's ConfigMap, not the values of its Helm chart",
    },
    {
      yaml: "externalRules: [{seriesQuery: up, resources: {overrides: {namespace: {resource: namespace}, namespaced: false}}}]",
      field: "externalRules[0].resources.overrides.namespaced",
      reason: "WrongType",
      fix: "put namespaced beside overrides, not below",
    },
    {
      yaml: "rules: [{seriesQuery: up, metricQuery: up}]",
      field: "rules[0].metricQuery",
      reason: "UnknownField",
      fix: "did you mean `metricsQuery`?",
    },
    {
      yaml: "rules: [{seriesQuery: 'up{', metricsQuery: up}]",
      field: "rules[0].seriesQuery",
      reason: "BadSeriesQuery",
    },
    {
      yaml: "rules: [{seriesQuery: up + 1, metricsQuery: up}]",
      field: "rules[0].seriesQuery",
      reason: "BadSeriesQuery",
    },
    {
      yaml: "rules: [{seriesQuery: up, name: {matches: (, as: x}, metricsQuery: up}]",
      field: "rules[0].name.matches",
      reason: "BadRegexp",
    },
    {
      yaml: "rules: [{seriesQuery: up, resources: {overrides: {pod: {resource: pod}, namespace: {resource: namespace}}}, metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}'}]",
      field: "rules[0].metricsQuery",
      reason: "BadQuery",
    },
    {
      yaml: "externalRules: [{seriesQuery: up, resources: {namespaced: false}, metricsQuery: '<<.Series>>{<<.GroupBy>>=1}'}]",
      field: "externalRules[0].metricsQuery",
      reason: "BadQuery",
    },
  ])("tells what is wrong in its file: $yaml", ({ yaml, field, reason, fix }) => {
    const wanted = { reason, ...(fix === undefined ? {} : { fix }) };
    expect(problemsOf(mirrored(yaml, {}, undefined, "config.yaml"))).toContainEqual(
      expect.objectContaining({ file: "config.yaml", field, ...wanted }),
    );
    expect(problemsOf(mirrored(yaml))).toContainEqual(
      expect.objectContaining({ field: `spec.overrides.metrics.prometheusAdapter.inline.${field}`, ...wanted }),
    );
  });
});
