import { type DiscoveryRole, type RelabelConfig, sanitizedLabelName } from "../../../promql/index.ts";
import type { LabelSelector } from "../kubernetes/label-selector.ts";

/** The port that an endpoint of a monitor asks for, by name or by number. */
export interface MonitorPort {
  /** `port` of a ServiceMonitor is a port of the Service; all else is one of a container. */
  readonly of: "service" | "container";
  readonly name?: string;
  readonly number?: number;
  /** What the label `endpoint` says; left out: there is none. */
  readonly endpoint?: string;
}

const META = "__meta_kubernetes_";

/**
 * Relabel rules that prometheus-operator makes of a PodMonitor's endpoint, before those of the endpoint itself.
 * Source: generatePodMonitorConfig, prometheus-operator v0.93; without scrape classes, sharding and enforced labels.
 */
export const podSelection = (
  monitor: { readonly namespace: string; readonly name: string },
  said: {
    readonly selector: LabelSelector;
    readonly port: MonitorPort | undefined;
    readonly podTargetLabels: readonly string[];
    readonly jobLabel: string;
  },
): readonly RelabelConfig[] => [
  { sourceLabels: ["job"], targetLabel: "__tmp_prometheus_job_name" },
  NOT_ENDED,
  ...selected("pod", said.selector),
  ...atPort(said.port, ""),
  copied("namespace", "namespace"),
  copied("pod_container_name", "container"),
  copied("pod_name", "pod"),
  ...said.podTargetLabels.map((label) => copiedLabel("pod", label)),
  { targetLabel: "job", replacement: `${monitor.namespace}/${monitor.name}` },
  ...(said.jobLabel === "" ? [] : [copiedLabel("pod", said.jobLabel, "job")]),
  ...endpointLabel(said.port),
];

/** The same of a ServiceMonitor's endpoint. Source: generateServiceMonitorConfig, prometheus-operator v0.93. */
export const serviceSelection = (
  role: DiscoveryRole,
  said: {
    readonly selector: LabelSelector;
    readonly port: MonitorPort | undefined;
    readonly targetLabels: readonly string[];
    readonly podTargetLabels: readonly string[];
    readonly jobLabel: string;
  },
): readonly RelabelConfig[] => {
  const prefix = role === "endpointslice" ? "endpointslice" : "endpoint";
  const kindAndName = [`${META}${prefix}_address_target_kind`, `${META}${prefix}_address_target_name`];
  const ofKind = (kind: string, targetLabel: string): RelabelConfig => ({
    sourceLabels: kindAndName,
    separator: ";",
    regex: `${kind};(.*)`,
    targetLabel,
  });
  return [
    { sourceLabels: ["job"], targetLabel: "__tmp_prometheus_job_name" },
    ...selected("service", said.selector),
    ...atPort(said.port, prefix),
    ofKind("Node", "node"),
    ofKind("Pod", "pod"),
    copied("namespace", "namespace"),
    copied("service_name", "service"),
    copied("pod_name", "pod"),
    copied("pod_container_name", "container"),
    NOT_ENDED,
    ...said.targetLabels.map((label) => copiedLabel("service", label)),
    ...said.podTargetLabels.map((label) => copiedLabel("pod", label)),
    copied("service_name", "job"),
    ...(said.jobLabel === "" ? [] : [copiedLabel("service", said.jobLabel, "job")]),
    ...endpointLabel(said.port),
  ];
};

const NOT_ENDED: RelabelConfig = {
  action: "drop",
  sourceLabels: [`${META}pod_phase`],
  regex: "(Failed|Succeeded)",
};

const selected = (
  of: "pod" | "service",
  { matchLabels, matchExpressions }: LabelSelector,
): readonly RelabelConfig[] => {
  const value = (key: string): string => `${META}${of}_label_${sanitizedLabelName(key)}`;
  const present = (key: string): string => `${META}${of}_labelpresent_${sanitizedLabelName(key)}`;
  const either = (action: "keep" | "drop", key: string, values: readonly string[]): RelabelConfig => ({
    action,
    sourceLabels: [value(key), present(key)],
    regex: `(${values.join("|")});true`,
  });
  const there = (action: "keep" | "drop", key: string): RelabelConfig => ({
    action,
    sourceLabels: [present(key)],
    regex: "true",
  });
  return [
    ...Object.keys(matchLabels)
      .sort()
      .map((key) => either("keep", key, [matchLabels[key] as string])),
    ...matchExpressions.map(({ key, operator, values }) => {
      if (operator === "Exists") return there("keep", key);
      if (operator === "DoesNotExist") return there("drop", key);
      return either(operator === "In" ? "keep" : "drop", key, values);
    }),
  ];
};

const atPort = (port: MonitorPort | undefined, endpoint: string): readonly RelabelConfig[] => {
  if (port === undefined) return [];
  const { of, name, number } = port;
  const label =
    of === "service" ? `${endpoint}_port_name` : `pod_container_port_${name === undefined ? "number" : "name"}`;
  return [{ action: "keep", sourceLabels: [`${META}${label}`], regex: name ?? String(number) }];
};

const copied = (from: string, targetLabel: string): RelabelConfig => ({
  sourceLabels: [`${META}${from}`],
  targetLabel,
});

/** A label of Kubernetes, where it is there. */
const copiedLabel = (of: "pod" | "service", label: string, to = sanitizedLabelName(label)): RelabelConfig => ({
  sourceLabels: [`${META}${of}_label_${sanitizedLabelName(label)}`],
  targetLabel: to,
  regex: "(.+)",
});

const endpointLabel = (port: MonitorPort | undefined): readonly RelabelConfig[] =>
  port?.endpoint === undefined ? [] : [{ targetLabel: "endpoint", replacement: port.endpoint }];
