import { API_VERSION, KIND, PLURAL } from "../schema/resource.ts";
import type { WatchedKind } from "./store.ts";

/**
 * What is listed and watched; of a kind that has moved to another group, both. ConfigMaps are not: the one that a trace or an
 * endpoint picker names is read when it is asked for.
 */
export const WATCHED_KINDS: readonly WatchedKind[] = [
  { apiVersion: API_VERSION, kind: KIND, plural: PLURAL },
  { apiVersion: "apps/v1", kind: "Deployment", plural: "deployments" },
  { apiVersion: "apps/v1", kind: "StatefulSet", plural: "statefulsets" },
  { apiVersion: "leaderworkerset.x-k8s.io/v1", kind: "LeaderWorkerSet", plural: "leaderworkersets", optional: true },
  { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", plural: "rollouts", optional: true },
  {
    apiVersion: "serving.kserve.io/v1alpha2",
    readAlso: ["serving.kserve.io/v1alpha1"],
    kind: "LLMInferenceService",
    plural: "llminferenceservices",
    optional: true,
  },
  {
    apiVersion: "serving.kserve.io/v1alpha2",
    readAlso: ["serving.kserve.io/v1alpha1"],
    kind: "LLMInferenceServiceConfig",
    plural: "llminferenceserviceconfigs",
    optional: true,
  },
  { apiVersion: "serving.kserve.io/v1beta1", kind: "InferenceService", plural: "inferenceservices", optional: true },
  { apiVersion: "serving.kserve.io/v1alpha1", kind: "ServingRuntime", plural: "servingruntimes", optional: true },
  {
    apiVersion: "serving.kserve.io/v1alpha1",
    kind: "ClusterServingRuntime",
    plural: "clusterservingruntimes",
    clusterScoped: true,
    optional: true,
  },
  {
    apiVersion: "nvidia.com/v1alpha1",
    readAlso: ["nvidia.com/v1beta1"],
    kind: "DynamoGraphDeployment",
    plural: "dynamographdeployments",
    optional: true,
  },
  { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", plural: "horizontalpodautoscalers" },
  { apiVersion: "llmd.ai/v1alpha1", kind: "VariantAutoscaling", plural: "variantautoscalings" },
  { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", plural: "scaledobjects" },
  { apiVersion: "v1", kind: "Service", plural: "services" },
  { apiVersion: "inference.networking.k8s.io/v1", kind: "InferencePool", plural: "inferencepools" },
  { apiVersion: "inference.networking.x-k8s.io/v1alpha2", kind: "InferencePool", plural: "inferencepools" },
  { apiVersion: "llm-d.ai/v1alpha2", kind: "InferenceObjective", plural: "inferenceobjectives" },
  { apiVersion: "inference.networking.x-k8s.io/v1alpha2", kind: "InferenceObjective", plural: "inferenceobjectives" },
  { apiVersion: "llm-d.ai/v1alpha2", kind: "InferenceModelRewrite", plural: "inferencemodelrewrites", optional: true },
  {
    apiVersion: "inference.networking.x-k8s.io/v1alpha2",
    kind: "InferenceModelRewrite",
    plural: "inferencemodelrewrites",
    optional: true,
  },
  { apiVersion: "inference.networking.x-k8s.io/v1alpha2", kind: "InferenceModel", plural: "inferencemodels" },
  { apiVersion: "gateway.networking.k8s.io/v1", kind: "HTTPRoute", plural: "httproutes" },
  { apiVersion: "monitoring.coreos.com/v1", kind: "PodMonitor", plural: "podmonitors", optional: true },
  { apiVersion: "monitoring.coreos.com/v1", kind: "ServiceMonitor", plural: "servicemonitors", optional: true },
  { apiVersion: "monitoring.coreos.com/v1", kind: "PrometheusRule", plural: "prometheusrules", optional: true },
  { apiVersion: "v1", kind: "ResourceQuota", plural: "resourcequotas", optional: true },
  { apiVersion: "policy/v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets", optional: true },
  {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    plural: "priorityclasses",
    clusterScoped: true,
    optional: true,
  },
  {
    apiVersion: "resource.k8s.io/v1",
    readAlso: ["resource.k8s.io/v1beta2", "resource.k8s.io/v1beta1"],
    kind: "ResourceClaimTemplate",
    plural: "resourceclaimtemplates",
    optional: true,
  },
  {
    apiVersion: "resource.k8s.io/v1",
    readAlso: ["resource.k8s.io/v1beta2", "resource.k8s.io/v1beta1"],
    kind: "DeviceClass",
    plural: "deviceclasses",
    clusterScoped: true,
    optional: true,
  },
  { apiVersion: "karpenter.sh/v1", kind: "NodePool", plural: "nodepools", clusterScoped: true, optional: true },
  { apiVersion: "v1", kind: "Node", plural: "nodes", clusterScoped: true, optional: true },
];

/** `apps` of `apps/v1`; empty for the core group. */
export const groupOf = (apiVersion: string): string =>
  apiVersion.includes("/") ? (apiVersion.split("/")[0] as string) : "";
