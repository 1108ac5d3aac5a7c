import type { WorkloadMetric } from "../metric.ts";
import type { WorkloadView } from "../world-view.ts";

// What kube-state-metrics prints on Kubernetes 1.35 about StatefulSets, as far as simulated ones have it. The leaders of a
// LeaderWorkerSet are the pods of one that has its name.

const KINDS = ["StatefulSet", "LeaderWorkerSet"];

const row = (name: string, help: string, read: (view: WorkloadView) => number): WorkloadMetric => ({
  name: `kube_statefulset_${name}`,
  type: "gauge",
  help: `[STABLE] ${help}`,
  samples: (view) =>
    KINDS.includes(view.kind)
      ? [{ labels: { namespace: view.namespace, statefulset: view.name }, value: read(view) }]
      : [],
});

export const kubeStatefulSetMetrics: readonly WorkloadMetric[] = [
  row("status_replicas", "The number of replicas per StatefulSet.", (view) => view.statusReplicas),
  row(
    "status_replicas_available",
    "The number of available replicas per StatefulSet.",
    (view) => view.availableReplicas,
  ),
  // There is one revision of the template.
  row("status_replicas_current", "The number of current replicas per StatefulSet.", (view) => view.updatedReplicas),
  row("status_replicas_ready", "The number of ready replicas per StatefulSet.", (view) => view.readyReplicas),
  row("status_replicas_updated", "The number of updated replicas per StatefulSet.", (view) => view.updatedReplicas),
  row("replicas", "Number of desired pods for a StatefulSet.", (view) => view.specReplicas),
];
