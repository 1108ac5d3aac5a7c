import { toSeconds } from "../../sim/time.ts";
import type { NodeMetric } from "../metric.ts";

// What kube-state-metrics prints on Kubernetes 1.35 about nodes, as far as simulated nodes have it; labels of nodes as with
// --metric-labels-allowlist=nodes=[*]. What only a real machine has (kernel, addresses) is empty.

const row = (name: string, help: string, samples: NodeMetric["samples"]): NodeMetric => ({
  name: `kube_node_${name}`,
  type: "gauge",
  help,
  samples,
});

const MACHINE = {
  kernel_version: "",
  os_image: "",
  container_runtime_version: "",
  kubelet_version: "",
  kubeproxy_version: "",
  provider_id: "",
  pod_cidr: "",
  system_uuid: "",
  internal_ip: "",
};

/** As kube-state-metrics makes label names: what Prometheus doesn't take becomes an underscore. */
const labelName = (key: string): string => `label_${key.replaceAll(/[^a-zA-Z0-9_]/g, "_")}`;

const gpus =
  (name: string): NodeMetric["samples"] =>
  (node) => [{ labels: { node: node.name, resource: name, unit: "integer" }, value: node.gpus }];

export const kubeNodeMetrics: readonly NodeMetric[] = [
  row("created", "[STABLE] Unix creation timestamp", ({ name, created, epochSeconds }) => [
    { labels: { node: name }, value: epochSeconds + toSeconds(created) },
  ]),
  row("info", "[STABLE] Information about a cluster node.", ({ name }) => [
    { labels: { node: name, ...MACHINE }, value: 1 },
  ]),
  row("labels", "[STABLE] Kubernetes labels converted to Prometheus labels.", ({ name, labels }) => [
    {
      labels: {
        node: name,
        ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [labelName(key), value])),
      },
      value: 1,
    },
  ]),
  row("spec_taint", "[STABLE] The taint of a cluster node.", ({ name, taints }) =>
    taints.map(({ key, value = "", effect }) => ({ labels: { node: name, key, value, effect }, value: 1 })),
  ),
  row("spec_unschedulable", "[STABLE] Whether a node can schedule new pods.", ({ name, unschedulable }) => [
    { labels: { node: name }, value: Number(unschedulable) },
  ]),
  row(
    "status_allocatable",
    "[STABLE] The allocatable for different resources of a node that are available for scheduling.",
    gpus("nvidia_com_gpu"),
  ),
  row("status_capacity", "[STABLE] The capacity for different resources of a node.", gpus("nvidia_com_gpu")),
  row("status_condition", "[STABLE] The condition of a cluster node.", ({ name, ready }) =>
    (["true", "false", "unknown"] as const).map((status) => ({
      labels: { node: name, condition: "Ready", status },
      value: Number(status === String(ready)),
    })),
  ),
];
