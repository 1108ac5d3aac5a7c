/** Applying manifests to a test control plane, as `kubectl apply --server-side` does. */
import { loadAll } from "js-yaml";
import type { ControlPlane } from "./control-plane.ts";

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; [field: string]: unknown };
  [field: string]: unknown;
}

const PLURAL: Record<string, string> = {
  AnalysisTemplate: "analysistemplates",
  APIService: "apiservices",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  ConfigMap: "configmaps",
  CustomResourceDefinition: "customresourcedefinitions",
  Deployment: "deployments",
  HorizontalPodAutoscaler: "horizontalpodautoscalers",
  InferenceSimulation: "inferencesimulations",
  Job: "jobs",
  Kustomization: "kustomizations",
  Namespace: "namespaces",
  NetworkPolicy: "networkpolicies",
  Pod: "pods",
  PodDisruptionBudget: "poddisruptionbudgets",
  PodMonitor: "podmonitors",
  PrometheusRule: "prometheusrules",
  Role: "roles",
  RoleBinding: "rolebindings",
  Rollout: "rollouts",
  ScaledObject: "scaledobjects",
  Secret: "secrets",
  Service: "services",
  ServiceAccount: "serviceaccounts",
  Task: "tasks",
  ValidatingAdmissionPolicy: "validatingadmissionpolicies",
  ValidatingAdmissionPolicyBinding: "validatingadmissionpolicybindings",
  ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
};
const CLUSTER_WIDE = [
  "APIService",
  "Namespace",
  "CustomResourceDefinition",
  "ClusterRole",
  "ClusterRoleBinding",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionPolicyBinding",
  "ValidatingWebhookConfiguration",
];

export const pathOf = ({ apiVersion, kind, metadata }: Pick<Manifest, "apiVersion" | "kind" | "metadata">): string => {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = CLUSTER_WIDE.includes(kind) ? "" : `/namespaces/${metadata.namespace ?? "default"}`;
  return `${group}${place}/${PLURAL[kind]}/${metadata.name}`;
};

/** `Kind/namespace/name`, for what has no namespace `Kind//name`. */
export const describeObject = ({ kind, metadata }: Pick<Manifest, "kind" | "metadata">): string =>
  `${kind}/${metadata.namespace ?? ""}/${metadata.name}`;

/** @throws if the API server refuses it */
export const apply = async (plane: ControlPlane, manifest: Manifest, subresource = ""): Promise<void> => {
  const path = `${pathOf(manifest)}${subresource}?fieldManager=user&force=true&fieldValidation=Strict`;
  const answer = await plane.request("PATCH", path, manifest, { contentType: "application/apply-patch+yaml" });
  if (answer.status >= 300) {
    throw new Error(`${manifest.kind} ${manifest.metadata.name}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
};

/** @returns the objects of a file, those that have a namespace in `namespace` if it is given */
export const manifestsOf = (yaml: string, namespace?: string): Manifest[] =>
  (loadAll(yaml) as (Manifest | null)[]).flatMap((manifest) => {
    if (manifest === null) return [];
    if (namespace === undefined || CLUSTER_WIDE.includes(manifest.kind)) return [manifest];
    return [{ ...manifest, metadata: { ...manifest.metadata, namespace } }];
  });

export const applyAll = async (plane: ControlPlane, yaml: string, namespace?: string): Promise<void> => {
  for (const manifest of manifestsOf(yaml, namespace)) await apply(plane, manifest);
};
