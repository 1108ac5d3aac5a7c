import type { HpaSpec } from "../../controlplane/hpa/spec.ts";
import {
  type AdapterConfig,
  type AdapterRules,
  adapterConfig,
  readAdapterRules,
  sampleQuery,
  yieldedNames,
} from "../../controlplane/prometheus-adapter/index.ts";
import type { Known } from "../../model/known.ts";
import type { Problem } from "../../model/problem.ts";
import { parseQuery } from "../../promql/index.ts";
import { problemsOf } from "../../schema/issue.ts";
import { nearest } from "../../schema/nearest.ts";
import { withoutNulls } from "../../schema/parse.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { seconds } from "../../sim/time.ts";
import { defaulted, derived, type Ledger, overridden, overriddenPeriod } from "../ledger.ts";
import { metricNames } from "../metric-names.ts";
import type { AdapterScenario, FoundDocument } from "../scenario.ts";
import { searchRegexp } from "../search-regexp.ts";
import { SIMULATED_SERIES } from "../simulated-series.ts";
import { tellInside } from "./found-document.ts";

const FIELD = "overrides.metrics.prometheusAdapter";
const MOST_PROBLEMS = 20;
/** --metrics-relist-interval of prometheus-adapter v0.12.0. */
const RELIST_SECONDS = 600;

export interface MirroredAdapter {
  readonly scenario: AdapterScenario;
  /** Names that an HPA may ask for, of the series that are simulated. */
  readonly custom: readonly string[];
  readonly external: readonly string[];
}

/** prometheus-adapter as its configuration has it; undefined where the simulation names none, or after an error. */
export const mirrorAdapter = (
  { overrides }: SimulationSpec,
  found: FoundDocument | undefined,
  ledger: Ledger,
): MirroredAdapter | undefined => {
  const said = overrides.metrics?.prometheusAdapter;
  if (said === undefined || found === undefined) return undefined;
  const config = readConfig(found, ledger);
  if (config === undefined) return undefined;
  const rules = readAdapterRules(config, searchRegexp);
  tellInside(rules.ok ? rules.warnings : rules.problems.slice(0, MOST_PROBLEMS), found, `spec.${FIELD}`, ledger);
  if (!rules.ok) return undefined;
  tellInside(queryProblems(rules.value), found, `spec.${FIELD}`, ledger);
  noteRules(config, found, ledger);
  const relist =
    overriddenPeriod(said.relistInterval, `${FIELD}.relistInterval`, ledger) ??
    defaulted(RELIST_SECONDS, "prometheus-adapter v0.12: --metrics-relist-interval is 10 min");
  const age = overriddenPeriod(said.maxAge, `${FIELD}.maxAge`, ledger) ?? derived(relist.value, "the relist interval");
  if (age.value < relist.value) {
    ledger.error({
      reason: "BadPeriod",
      field: `spec.${FIELD}.maxAge`,
      message: `${age.value} s is less than the relist interval of ${relist.value} s: the adapter does not start`,
      fix: "set at least the relist interval, or leave it out",
    });
  }
  return {
    scenario: {
      config,
      relistIntervalMicros: seconds(ledger.use("metrics.adapter.relistIntervalSeconds", relist)),
      maxAgeMicros: seconds(ledger.use("metrics.adapter.maxAgeSeconds", age)),
    },
    custom: yieldedNames(rules.value.custom, namesFor),
    external: yieldedNames(rules.value.external, namesFor),
  };
};

/** Warnings for metrics of an HPA that no rule yields; `field` is the path of the entry in the object. */
export const unyieldedMetrics = (hpa: HpaSpec, { custom, external }: MirroredAdapter): readonly Problem[] =>
  hpa.metrics.flatMap((metric, index) => {
    const field = `spec.metrics[${index}]`;
    if (!("metric" in metric)) {
      return metricNames.problems({ ...hpa, metrics: [metric] }).map((problem) => ({ ...problem, field }));
    }
    const isExternal = metric.type === "External";
    const [names, others] = isExternal ? [external, custom] : [custom, external];
    if (names.includes(metric.metric)) return [];
    const kind = isExternal ? "external" : "custom";
    const message = `no rule of the prometheus-adapter yields the ${kind} metric ${JSON.stringify(metric.metric)} of a simulated series: the HPA finds no data for it and holds`;
    const fix = others.includes(metric.metric)
      ? `it is ${isExternal ? "a custom metric: use type Pods or Object" : "an external metric: use type External"}`
      : nearestOf(metric.metric, names);
    return [{ severity: "warning" as const, reason: "UnknownMetric", field, message, fix }];
  });

const MOST_NAMES = 8;

const nearestOf = (metric: string, names: readonly string[]): string => {
  if (names.length === 0) return "add a rule: there is none that yields any";
  const near = nearest(metric, names);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  return `the rules yield ${names.slice(0, MOST_NAMES).join(", ")}${names.length > MOST_NAMES ? ", …" : ""}`;
};

const readConfig = (found: FoundDocument, ledger: Ledger): AdapterConfig | undefined => {
  const raw = withoutNulls(found.said);
  const parsed = adapterConfig.safeParse(raw);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => problemsOf(issue, adapterConfig, raw));
  tellInside(problems.slice(0, MOST_PROBLEMS).map(withFix), found, `spec.${FIELD}`, ledger);
  return undefined;
};

/** What guides get wrong most: values of the chart in place of the file that it makes of them, and a flag that slipped. */
const withFix = (problem: Problem): Problem => {
  if (problem.field === "rules" && problem.reason === "WrongType") {
    return { ...problem, fix: "give the config.yaml of the adapter's ConfigMap, not the values of its Helm chart" };
  }
  return problem.field?.endsWith(".overrides.namespaced")
    ? { ...problem, fix: "put namespaced beside overrides, not below" }
    : problem;
};

/** Names of simulated series that a seriesQuery may find, whatever its other labels. */
const namesFor = (seriesQuery: string): readonly string[] => {
  const parsed = parseQuery(seriesQuery);
  if (!parsed.ok || parsed.expr.kind !== "selector") return [];
  const matchers = parsed.expr.matchers.filter(({ name }) => name === "__name__");
  return SIMULATED_SERIES.filter((series) => matchers.every(({ matches }) => matches(series)));
};

/** What Prometheus would refuse. One seriesQuery that it refuses leaves the adapter without any metric. */
const queryProblems = (rules: AdapterRules): readonly Problem[] =>
  (["rules", "externalRules"] as const).flatMap((list) =>
    (list === "rules" ? rules.custom : rules.external).flatMap((rule, i): readonly Problem[] => {
      const field = `${list}[${i}]`;
      const selector = parseQuery(rule.seriesQuery);
      if (!selector.ok || selector.expr.kind !== "selector") {
        const message = selector.ok ? "must be a selector of series" : selector.message;
        return [{ severity: "error", reason: "BadSeriesQuery", field: `${field}.seriesQuery`, message }];
      }
      const sample = sampleQuery(rule, list === "externalRules");
      const query = sample === undefined ? undefined : parseQuery(sample);
      if (query === undefined || query.ok) return [];
      const message = `makes a query that Prometheus refuses: ${query.message}`;
      return [{ severity: "warning", reason: "BadQuery", field: `${field}.metricsQuery`, message }];
    }),
  );

const noteRules = (config: AdapterConfig, { file }: FoundDocument, ledger: Ledger): void => {
  const from = (value: string): Known<string> =>
    file === undefined
      ? (overridden(value, `${FIELD}.inline`) as Known<string>)
      : derived(value, `prometheus-adapter's configuration, ${file}`);
  for (const list of ["rules", "externalRules"] as const) {
    config[list].forEach(({ seriesQuery, metricsQuery }, i) => {
      const path = `metrics.adapter.${list}[${i}]`;
      ledger.use(`${path}.seriesQuery`, from(seriesQuery));
      ledger.use(`${path}.metricsQuery`, from(metricsQuery));
    });
  }
};
