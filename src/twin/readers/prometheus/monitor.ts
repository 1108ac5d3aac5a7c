import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { DiscoveryRole, RelabelConfig, ScrapeJob } from "../../../promql/index.ts";
import type { Field } from "../../field.ts";
import { defaulted } from "../../ledger.ts";
import { type Manifest, refOf } from "../../manifest.ts";
import type { MonitorEndpoint, MonitorScope } from "../../reader.ts";
import { readLabelSelector } from "../kubernetes/label-selector.ts";
import { promDuration } from "./prometheus-duration.ts";
import { readRelabelConfigs } from "./relabel-configs.ts";

/** What PodMonitors and ServiceMonitors have in common. Defaults: prometheus-operator v0.93 and its CRDs. */

export const DEFAULT_INTERVAL_SECONDS = 30;
const INTERVAL = "prometheus-operator: spec.scrapeInterval of a Prometheus is 30s";
/** Prometheus' global scrape_timeout, unless the interval is shorter. */
const TIMEOUT_SECONDS = 10;

/** Where a monitor looks and for what, however wrong the rest of it may be. */
export const readScope = (manifest: Manifest, spec: Field): MonitorScope => {
  const namespaces = spec.at("namespaceSelector");
  const named = namespaces
    .at("matchNames")
    .items()
    .flatMap((one) => one.text()?.value ?? []);
  const any = namespaces.at("any").truth()?.value === true;
  return {
    ...(any ? {} : { namespaces: named.length > 0 ? named : [refOf(manifest).namespace] }),
    selector: readLabelSelector(spec.at("selector")),
  };
};

/** @param selection the rules that the operator makes of the endpoint */
export const readEndpoint = (
  field: Field,
  spec: Field,
  job: { readonly name: string; readonly role: DiscoveryRole; readonly scope: MonitorScope },
  selection: readonly RelabelConfig[],
  problems: Problem[],
): MonitorEndpoint => {
  const interval = readInterval(field, problems);
  const sampleLimit = spec.at("sampleLimit").whole()?.value ?? 0;
  const scraped: ScrapeJob = {
    name: job.name,
    role: job.role,
    ...(job.scope.namespaces === undefined ? {} : { namespaces: job.scope.namespaces }),
    intervalMs: interval.value * 1000,
    timeoutMs: readTimeout(field, interval.value, problems) * 1000,
    path: full(field.at("path")) ?? "/metrics",
    scheme: (full(field.at("scheme")) ?? "http").toLowerCase(),
    honorLabels: field.at("honorLabels").truth()?.value ?? false,
    honorTimestamps: field.at("honorTimestamps").truth()?.value ?? true,
    ...(sampleLimit === 0 ? {} : { sampleLimit }),
    selection,
    relabelings: readRelabelConfigs(field.at("relabelings"), problems),
    metricRelabelings: readRelabelConfigs(field.at("metricRelabelings"), problems),
  };
  return { job: scraped, interval, place: field.place };
};

/** Empty counts as left out. */
export const full = (field: Field): string | undefined => {
  const text = field.text()?.value;
  return text === "" ? undefined : text;
};

/** A port by name or number, as Kubernetes' IntOrString. */
export const portOf = (field: Field): string | number | undefined =>
  typeof field.raw === "number" ? field.whole()?.value : full(field);

/** What is in a monitor and has a bearing on what is scraped, without being simulated. */
export const tellUnread = (spec: Field, problems: Problem[]): void => {
  const scrapeClass = spec.at("scrapeClass");
  if (!scrapeClass.present) return;
  const message = "the relabelings of a scrape class stand in the Prometheus object, which is not read";
  problems.push({ severity: "warning", reason: "NotModelled", ...scrapeClass.place, message });
};

const readInterval = (field: Field, problems: Problem[]): Known<number> => {
  const said = promDuration(field.at("interval"), problems);
  return said === undefined || said.value === 0
    ? defaulted(DEFAULT_INTERVAL_SECONDS, INTERVAL)
    : known(said.value, said.from);
};

/** Source: CompareScrapeTimeoutToScrapeInterval, prometheus-operator v0.93. */
const readTimeout = (field: Field, intervalSeconds: number, problems: Problem[]): number => {
  const said = promDuration(field.at("scrapeTimeout"), problems);
  if (said === undefined || said.value === 0) return Math.min(TIMEOUT_SECONDS, intervalSeconds);
  if (said.value > intervalSeconds) {
    problems.push({
      severity: "error",
      reason: "BadTimeout",
      ...field.at("scrapeTimeout").place,
      message: `scrapeTimeout ${said.value} s greater than scrapeInterval ${intervalSeconds} s`,
      fix: "set at most the interval",
    });
  }
  return said.value;
};
