import type { MetricSample } from "../../model/metric-family.ts";
import { type SimTime, toSeconds } from "../../sim/time.ts";
import type { Dated, PodMetric } from "../metric.ts";
import type { PodStatusView } from "../world-view.ts";

// What kube-state-metrics prints on Kubernetes 1.35 about pods, as far as simulated pods have it. Addresses are empty.

type View = Dated<PodStatusView>;

const labelsOf = ({ namespace, name, uid }: View) => ({ namespace, pod: name, uid });

const row = (
  name: string,
  help: string,
  samples: (view: View) => readonly MetricSample[],
  type: PodMetric["type"] = "gauge",
): PodMetric => ({ name: `kube_pod_${name}`, type, help, samples });

const instant = (name: string, help: string, read: (view: View) => SimTime | undefined): PodMetric =>
  row(name, help, (view) => {
    const at = read(view);
    return at === undefined ? [] : [{ labels: labelsOf(view), value: view.epochSeconds + toSeconds(at) }];
  });

/** One sample for each of the words, 1 for the one that holds. */
const oneOf = (view: View, label: string, words: readonly string[], holds: string): MetricSample[] =>
  words.map((word) => ({ labels: { ...labelsOf(view), [label]: word }, value: Number(word === holds) }));

const CONDITIONS = ["true", "false", "unknown"];

const gpus = (view: View): MetricSample[] => [
  {
    labels: {
      ...labelsOf(view),
      container: view.container,
      node: view.node ?? "",
      resource: "nvidia_com_gpu",
      unit: "integer",
    },
    value: view.gpus,
  },
];

/** A pod that was not yet bound has no status of containers. */
const ofContainer = (name: string, what: string, holds: (view: View) => boolean): PodMetric =>
  row(`container_status_${name}`, `[STABLE] Describes whether the ${what}.`, (view) =>
    view.scheduled === undefined
      ? []
      : [{ labels: { ...labelsOf(view), container: view.container }, value: Number(holds(view)) }],
  );

export const kubePodMetrics: readonly PodMetric[] = [
  row(
    "container_resource_limits",
    "[STABLE] The number of requested limit resource by a container. It is recommended to use the kube_pod_resource_limits metric exposed by kube-scheduler instead, as it is more precise.",
    gpus,
  ),
  row(
    "container_resource_requests",
    "[STABLE] The number of requested request resource by a container. It is recommended to use the kube_pod_resource_requests metric exposed by kube-scheduler instead, as it is more precise.",
    gpus,
  ),
  ofContainer("ready", "containers readiness check succeeded", ({ ready }) => ready),
  row(
    "container_status_restarts",
    "[STABLE] The number of container restarts per container.",
    (view) => [{ labels: { ...labelsOf(view), container: view.container }, value: view.restarts }],
    "counter",
  ),
  ofContainer(
    "running",
    "container is currently in running state",
    ({ phase, waitingReason }) => phase === "Running" && waitingReason === undefined,
  ),
  ofContainer("waiting", "container is currently in waiting state", ({ waitingReason }) => waitingReason !== undefined),
  row(
    "container_status_waiting_reason",
    "[STABLE] Describes the reason the container is currently in waiting state.",
    (view) =>
      view.waitingReason === undefined
        ? []
        : [{ labels: { ...labelsOf(view), container: view.container, reason: view.waitingReason }, value: 1 }],
  ),
  instant("created", "[STABLE] Unix creation timestamp", ({ created }) => created),
  instant("deletion_timestamp", "Unix deletion timestamp", ({ deletion }) => deletion),
  row("info", "[STABLE] Information about pod.", (view) => [
    {
      labels: {
        ...labelsOf(view),
        host_ip: "",
        pod_ip: "",
        node: view.node ?? "",
        created_by_kind: view.owner.kind,
        created_by_name: view.owner.name,
        priority_class: "",
        host_network: "false",
      },
      value: 1,
    },
  ]),
  row("owner", "[STABLE] Information about the Pod's owner.", (view) => [
    {
      labels: {
        ...labelsOf(view),
        owner_kind: view.owner.kind,
        owner_name: view.owner.name,
        owner_is_controller: "true",
      },
      value: 1,
    },
  ]),
  // The kubelet's first sight of it: when it was bound.
  instant("start_time", "[STABLE] Start time in unix timestamp for a pod.", ({ scheduled }) => scheduled),
  row("status_phase", "[STABLE] The pods current phase.", (view) =>
    oneOf(view, "phase", ["Pending", "Succeeded", "Failed", "Unknown", "Running"], view.phase),
  ),
  row("status_ready", "[STABLE] Describes whether the pod is ready to serve requests.", (view) =>
    oneOf(view, "condition", CONDITIONS, String(view.ready)),
  ),
  instant("status_ready_time", "Readiness achieved time in unix timestamp for a pod.", ({ readySince }) => readySince),
  row("status_scheduled", "[STABLE] Describes the status of the scheduling process for the pod.", (view) =>
    oneOf(view, "condition", CONDITIONS, String(view.scheduled !== undefined)),
  ),
  instant(
    "status_scheduled_time",
    "[STABLE] Unix timestamp when pod moved into scheduled status",
    ({ scheduled }) => scheduled,
  ),
  row("status_unschedulable", "[STABLE] Describes the unschedulable status for the pod.", (view) =>
    view.unschedulable ? [{ labels: labelsOf(view), value: 1 }] : [],
  ),
];
