/** A resource of the Kubernetes API, as the adapter's REST mapper knows it. */
export interface ResourceKind {
  readonly group: string;
  readonly kind: string;
  readonly singular: string;
  /** How it is told from others: `pods`, `deployments.apps`. */
  readonly resource: string;
}

/** Kinds by group, the preferred group first; of those that have one, the plural after a slash. */
const KINDS: Readonly<Record<string, string>> = {
  "": "Pod Service Namespace Node PersistentVolume PersistentVolumeClaim ConfigMap Secret ServiceAccount Endpoints/endpoints Event LimitRange PodTemplate ReplicationController ResourceQuota",
  apps: "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision",
  batch: "Job CronJob",
  autoscaling: "HorizontalPodAutoscaler",
  policy: "PodDisruptionBudget",
  "networking.k8s.io": "Ingress/ingresses IngressClass/ingressclasses NetworkPolicy/networkpolicies",
  "storage.k8s.io": "StorageClass/storageclasses VolumeAttachment CSIDriver CSINode",
  "scheduling.k8s.io": "PriorityClass/priorityclasses",
  "coordination.k8s.io": "Lease",
  "discovery.k8s.io": "EndpointSlice",
  "node.k8s.io": "RuntimeClass/runtimeclasses",
  "rbac.authorization.k8s.io": "Role RoleBinding ClusterRole ClusterRoleBinding",
  "apiextensions.k8s.io": "CustomResourceDefinition",
  "gateway.networking.k8s.io": "Gateway GatewayClass/gatewayclasses HTTPRoute GRPCRoute",
  "inference.networking.k8s.io": "InferencePool",
  "inference.networking.x-k8s.io": "InferenceObjective InferenceModel InferencePool",
  "serving.kserve.io": "InferenceService LLMInferenceService ServingRuntime ClusterServingRuntime",
  "leaderworkerset.x-k8s.io": "LeaderWorkerSet",
  "keda.sh": "ScaledObject ScaledJob",
  "llmd.ai": "VariantAutoscaling",
  "nvidia.com": "DynamoGraphDeployment DynamoComponentDeployment",
  "argoproj.io": "Rollout",
  "karpenter.sh": "NodePool NodeClaim",
  "monitoring.coreos.com": "PodMonitor ServiceMonitor Prometheus/prometheuses PrometheusRule",
};

const ALL: readonly ResourceKind[] = Object.entries(KINDS).flatMap(([group, kinds]) =>
  kinds.split(" ").map((said) => {
    const [kind = "", plural] = said.split("/");
    const singular = kind.toLowerCase();
    const name = plural ?? `${singular}s`;
    return { group, kind, singular, resource: group === "" ? name : `${name}.${group}` };
  }),
);

export const PODS = "pods";
export const NAMESPACES = "namespaces";
/** Those without a namespace of their own, as the adapter has them. Source: pkg/naming/resource_converter.go. */
export const ROOT_SCOPED: readonly string[] = [NAMESPACES, "nodes", "persistentvolumes"];

/** All that are known. */
export const RESOURCES: readonly string[] = ALL.map(({ resource }) => resource);

const BY_RESOURCE = new Map(ALL.map((one) => [one.resource, one]));

/**
 * The resource that a group (or none, or the beginning of one) and a name in the singular or plural stand for; undefined
 * for one that is neither Kubernetes' own nor of a controller for inference.
 * Source: DefaultRESTMapper.ResourcesFor of k8s.io/apimachinery v0.30 (first the group itself, then those it begins).
 */
export const resourceFor = (group: string, name: string): ResourceKind | undefined => {
  const wanted = name.toLowerCase();
  const named = ALL.filter(({ singular, resource }) => singular === wanted || resource.split(".")[0] === wanted);
  const exact = group === "" ? named : named.filter((one) => one.group === group);
  return exact[0] ?? named.find((one) => one.group.startsWith(group));
};

/** @param resource one that `resourceFor` gave */
export const kindOf = (resource: string): ResourceKind | undefined => BY_RESOURCE.get(resource);

/** Resources of a kind, whatever their group: an HPA's described object is read without it. */
export const resourcesOfKind = (kind: string): readonly string[] =>
  ALL.filter((one) => one.kind === kind).map(({ resource }) => resource);
