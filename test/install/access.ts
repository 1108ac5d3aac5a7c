import { dump } from "js-yaml";
import { groupOf, WATCHED_KINDS } from "../../src/store/kinds.ts";
import type { WatchedKind } from "../../src/store/store.ts";

/**
 * What the operator may do in a cluster, from the list of what it watches. `npm run gen` writes it where kustomize and the Helm
 * chart each need it, so that a kind that is added to the list can't be forgotten in one of them.
 */
export interface AccessRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** One rule per API group, groups in the order of the list. */
const watched = (wanted: (kind: WatchedKind) => boolean): AccessRule[] => {
  const byGroup = new Map<string, string[]>();
  for (const { apiVersion, plural } of WATCHED_KINDS.filter(wanted)) {
    const plurals = byGroup.get(groupOf(apiVersion)) ?? [];
    if (!plurals.includes(plural)) plurals.push(plural);
    byGroup.set(groupOf(apiVersion), plurals);
  }
  return [...byGroup].map(([group, resources]) => ({
    apiGroups: [group],
    resources,
    verbs: ["get", "list", "watch"],
  }));
};

/** In each namespace that it watches: what it mirrors is read, and only what is its own is written. It reads no Secret. */
export const NAMESPACED_RULES: readonly AccessRule[] = [
  ...watched(({ clusterScoped }) => clusterScoped !== true),
  // The traces, models and configurations that a simulation or an endpoint picker names; never listed.
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get"] },
  // The status of its objects, and Events about them.
  { apiGroups: ["servetwin.dev"], resources: ["inferencesimulations/status"], verbs: ["patch"] },
  { apiGroups: ["events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
];

/** Besides, in namespaces whose sweeps may run as Jobs: their Jobs, the ConfigMaps with input and results, and what their pods have left. */
export const SWEEP_JOB_RULES: readonly AccessRule[] = [
  { apiGroups: ["batch"], resources: ["jobs"], verbs: ["get", "create", "patch", "delete"] },
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "patch", "delete"] },
  { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
];

/** Besides, in namespaces whose simulations may have their reports in ConfigMaps (spec.export.reportConfigMap). Who owns them deletes them. */
export const REPORT_RULES: readonly AccessRule[] = [
  { apiGroups: [""], resources: ["configmaps"], verbs: ["get", "create", "patch"] },
];

/** What belongs to no namespace; without it GPUs are known from the workloads only. */
export const CLUSTER_RULES: readonly AccessRule[] = watched(({ clusterScoped }) => clusterScoped === true);

const HEAD = "# Generated from the rules in test/install/access.ts by `npm run gen`; don't edit.\n";
const RBAC = "rbac.authorization.k8s.io";
const NAME = "servetwin";

const file = (...documents: readonly unknown[]): string =>
  HEAD + documents.map((document) => dump(document, { noRefs: true, lineWidth: 120 })).join("---\n");

/** `servetwin preview` in a cluster: reads once what the operator watches, in one namespace. */
const PREVIEW_RULES: readonly AccessRule[] = NAMESPACED_RULES.flatMap((rule) => {
  const verbs = rule.verbs.filter((verb) => (rule.resources.includes("configmaps") ? "get" : "list") === verb);
  return verbs.length === 0 ? [] : [{ ...rule, verbs }];
});

/** A hook of Argo CD, so that it is there before the Job that needs it. */
const HOOK = {
  "argocd.argoproj.io/hook": "PreSync",
  "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
  "argocd.argoproj.io/sync-wave": "-1",
};

/** A role and what binds it to the ServiceAccount of that name; kustomize puts the namespaces in. */
const bound = (
  kind: "Role" | "ClusterRole",
  rules: readonly AccessRule[],
  metadata: Readonly<Record<string, unknown>> & { readonly name: string } = { name: NAME },
): unknown[] => {
  const { name } = metadata;
  return [
    { apiVersion: `${RBAC}/v1`, kind, metadata, rules },
    {
      apiVersion: `${RBAC}/v1`,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: RBAC, kind, name },
      subjects: [{ kind: "ServiceAccount", name }],
    },
  ];
};

export const clusterOverlayRbac = (): string => file(...bound("ClusterRole", [...NAMESPACED_RULES, ...CLUSTER_RULES]));
export const namespacedOverlayRbac = (): string => file(...bound("Role", NAMESPACED_RULES));
const role = (name: string, rules: readonly AccessRule[]): string =>
  file({ apiVersion: `${RBAC}/v1`, kind: "Role", metadata: { name }, rules });
export const sweepJobsRbac = (): string => role("servetwin-sweep-jobs", SWEEP_JOB_RULES);
export const reportsRbac = (): string => role("servetwin-report-config-maps", REPORT_RULES);
/** What the chart's templates put into its roles. */
export const chartRules = (): string =>
  file({
    namespaced: NAMESPACED_RULES,
    cluster: CLUSTER_RULES,
    sweepJobs: SWEEP_JOB_RULES,
    reportConfigMaps: REPORT_RULES,
  });
/** Of the Job that looks before Argo CD syncs. */
export const gateRbac = (): string =>
  file(...bound("Role", PREVIEW_RULES, { name: `${NAME}-gate`, annotations: HOOK }));
