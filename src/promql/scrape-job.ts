import { durationTextMs, parseDurationMs } from "./durations.ts";
import { Labels } from "./labels.ts";
import { type RelabelConfig, relabelling } from "./relabelling.ts";

/** What service discovery looks for: pods, or what stands behind Services. Source: kubernetes_sd_configs, Prometheus 3.14. */
export type DiscoveryRole = "pod" | "endpoints" | "endpointslice";

/** One scrape configuration of a Prometheus, as far as it can be simulated: plain data. */
export interface ScrapeJob {
  /** `podMonitor/serving/vllm/0`, as prometheus-operator names it. */
  readonly name: string;
  readonly role: DiscoveryRole;
  /** Where it looks; left out: in all namespaces. */
  readonly namespaces?: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly path: string;
  readonly scheme: string;
  /** Labels of the scraped samples win over those of the target, which else turn them to `exported_…`. */
  readonly honorLabels: boolean;
  readonly honorTimestamps: boolean;
  /** A scrape with more samples after relabelling fails as a whole; left out: none is too many. */
  readonly sampleLimit?: number;
  /** Rules that choose the targets and name them, before `relabelings`: what prometheus-operator makes of a monitor. */
  readonly selection: readonly RelabelConfig[];
  readonly relabelings: readonly RelabelConfig[];
  /** Of each sample, after the labels of its target are in. */
  readonly metricRelabelings: readonly RelabelConfig[];
}

/** One port of a pod, as service discovery finds it. */
export interface FoundTarget {
  readonly namespace: string;
  readonly pod: string;
  /** The host part of its address, and so of `instance`. */
  readonly podIp: string;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly node?: string;
  readonly container: string;
  /** Left out: the container declares none; the pod alone is the address. */
  readonly port?: { readonly name?: string; readonly number: number };
  /** The Service that leads to the pod; a job of role `pod` looks at targets without one only, all others with one. */
  readonly service?: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    /** Name of its port; left out: the pod's port is none of the Service's. "" for one without a name. */
    readonly portName?: string;
  };
}

/** A target that is scraped, with what its labels may have changed. */
export interface ScrapedTarget {
  /** Those that its samples get. */
  readonly labels: Labels;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly path: string;
}

/**
 * @returns undefined where the job does not look, where relabelling drops the target, or where it makes it one that can't be scraped
 * @throws RelabelError for rules that Prometheus refuses
 * Source: PopulateLabels, scrape/target.go, Prometheus 3.14.
 */
export const scrapedTarget = (job: ScrapeJob, target: FoundTarget): ScrapedTarget | undefined => {
  if (job.namespaces?.includes(target.namespace) === false) return undefined;
  if ((job.role === "pod") !== (target.service === undefined)) return undefined;
  const found = relabelling([...job.selection, ...job.relabelings])(discovered(job, target));
  if (found === undefined || found.get(ADDRESS) === "") return undefined;
  const intervalMs = parseDurationMs(found.get(INTERVAL)) ?? 0;
  const timeoutMs = parseDurationMs(found.get(TIMEOUT)) ?? 0;
  if (intervalMs === 0 || timeoutMs === 0 || timeoutMs > intervalMs) return undefined;
  const named = found.get("instance") === "" ? found.with("instance", found.get(ADDRESS)) : found;
  const labels = named.drop(named.names.filter((name) => name.startsWith("__")));
  return { labels, intervalMs, timeoutMs, path: found.get(PATH) };
};

/** Labels of the samples of a target: those of prometheus-operator's configuration and what relabelling makes of them. */
export const targetLabels = (job: ScrapeJob, target: FoundTarget): Labels | undefined =>
  scrapedTarget(job, target)?.labels;

const ADDRESS = "__address__";
const INTERVAL = "__scrape_interval__";
const TIMEOUT = "__scrape_timeout__";
const PATH = "__metrics_path__";
const META = "__meta_kubernetes_";

/** Source: discovery/kubernetes (pod.go, endpoints.go, endpointslice.go) and PopulateDiscoveredLabels, Prometheus 3.14. */
const discovered = (job: ScrapeJob, target: FoundTarget): Labels => {
  const { port, podIp } = target;
  return Labels.of({
    [ADDRESS]: port === undefined ? podIp : `${podIp}:${port.number}`,
    [INTERVAL]: durationTextMs(job.intervalMs),
    [TIMEOUT]: durationTextMs(job.timeoutMs),
    [PATH]: job.path,
    __scheme__: job.scheme,
    job: job.name,
    ...podMeta(target),
    ...(target.service === undefined ? {} : serviceMeta(job.role, target, target.service)),
  });
};

const podMeta = ({ namespace, pod, podIp, podLabels, node = "", container, port }: FoundTarget) => ({
  [`${META}namespace`]: namespace,
  [`${META}pod_name`]: pod,
  [`${META}pod_ip`]: podIp,
  [`${META}pod_phase`]: "Running",
  [`${META}pod_ready`]: "true",
  [`${META}pod_node_name`]: node,
  [`${META}pod_container_name`]: container,
  [`${META}pod_container_init`]: "false",
  [`${META}pod_container_port_name`]: port?.name ?? "",
  [`${META}pod_container_port_number`]: port === undefined ? "" : String(port.number),
  [`${META}pod_container_port_protocol`]: port === undefined ? "" : "TCP",
  ...labelsMeta("pod", podLabels),
});

const serviceMeta = (
  role: DiscoveryRole,
  { pod, node = "", port }: FoundTarget,
  { name, labels, portName }: NonNullable<FoundTarget["service"]>,
) => {
  const isSlice = role === "endpointslice";
  const prefix = `${META}${isSlice ? "endpointslice" : "endpoint"}_`;
  const own = {
    [`${META}service_name`]: name,
    ...labelsMeta("service", labels),
    ...(isSlice ? {} : { [`${META}endpoints_name`]: name }),
  };
  // A port of the pod that is none of the Service's is found without any word of the endpoint.
  if (portName === undefined) return own;
  return {
    ...own,
    [`${prefix}port_name`]: portName,
    [`${prefix}port_protocol`]: "TCP",
    [`${prefix}address_target_kind`]: "Pod",
    [`${prefix}address_target_name`]: pod,
    ...(isSlice
      ? {
          [`${prefix}port`]: port === undefined ? "" : String(port.number),
          [`${prefix}endpoint_conditions_ready`]: "true",
          [`${prefix}endpoint_node_name`]: node,
        }
      : { [`${prefix}ready`]: "true", [`${prefix}node_name`]: node }),
  };
};

const labelsMeta = (of: "pod" | "service", labels: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(labels).flatMap(([name, value]) => [
      [`${META}${of}_label_${sanitizedLabelName(name)}`, value],
      [`${META}${of}_labelpresent_${sanitizedLabelName(name)}`, "true"],
    ]),
  );

const DISCOVERED = new RegExp(
  `^${META}(namespace|pod_(name|ip|phase|ready|node_name|(label|labelpresent)_.+|container_(name|init|port_(name|number|protocol)))|` +
    "service_(name|(label|labelpresent)_.+)|endpoints_name|endpoint_(port_(name|protocol)|ready|node_name|address_target_(kind|name))|" +
    "endpointslice_(port|port_(name|protocol)|endpoint_(conditions_ready|node_name)|address_target_(kind|name)))$",
);

/** Whether a label that service discovery gives is known here; all others read as empty. */
export const isDiscoveredLabel = (name: string): boolean => DISCOVERED.test(name);

/** The name of a label of Kubernetes as one of Prometheus. Source: strutil.SanitizeLabelName, Prometheus 3.14. */
export const sanitizedLabelName = (name: string): string => name.replace(/[^a-zA-Z0-9_]/g, "_");
