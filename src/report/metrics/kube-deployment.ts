import type { WorkloadMetric } from "../metric.ts";
import type { WorkloadView } from "../world-view.ts";

// What kube-state-metrics prints on Kubernetes 1.35 about Deployments, as far as simulated Deployments have it.

const row = (name: string, help: string, read: (view: WorkloadView) => number): WorkloadMetric => ({
  name,
  type: "gauge",
  help: `[STABLE] ${help}`,
  samples: (view) =>
    view.kind === "Deployment"
      ? [{ labels: { namespace: view.namespace, deployment: view.name }, value: read(view) }]
      : [],
});

export const kubeDeploymentMetrics: readonly WorkloadMetric[] = [
  row("kube_deployment_spec_replicas", "Number of desired pods for a deployment.", (view) => view.specReplicas),
  row("kube_deployment_status_replicas", "The number of replicas per deployment.", (view) => view.statusReplicas),
  row(
    "kube_deployment_status_replicas_ready",
    "The number of ready replicas per deployment.",
    (view) => view.readyReplicas,
  ),
  row(
    "kube_deployment_status_replicas_available",
    "The number of available replicas per deployment.",
    (view) => view.availableReplicas,
  ),
  row(
    "kube_deployment_status_replicas_unavailable",
    "The number of unavailable replicas per deployment.",
    // The deployment controller counts from the wanted number, never below zero (calculateStatus, Kubernetes 1.35).
    (view) => Math.max(0, view.specReplicas - view.availableReplicas),
  ),
  row(
    "kube_deployment_status_replicas_updated",
    "The number of updated replicas per deployment.",
    (view) => view.updatedReplicas,
  ),
];
