/** A real prometheus-adapter behind the aggregation layer of a test control plane: custom and external metrics. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dump } from "js-yaml";
import { binaries } from "./build.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePorts, retryOnPortClash, startDaemon, temporaryDirectory } from "./daemon.ts";
import { apply } from "./manifests.ts";
import { forgetMetricsApi, registerMetricsApi, servesMetricsApi } from "./metrics-api.ts";

export interface PrometheusAdapterOptions {
  prometheusUrl: string;
  /** The adapter's configuration (`rules`, `externalRules`): YAML text, or the same as an object. */
  config: string | object;
  /** How often it asks which metrics there are. Default 1 s; a metric is offered as long after its first sample. */
  relistSeconds?: number;
  /** More flags of the adapter. */
  flags?: string[];
  readyWithinSeconds?: number;
}

export interface PrometheusAdapter {
  readonly pid: number;
  /** The metrics API groups that the control plane passes on to it. */
  readonly groups: readonly string[];
  log(lines?: number): string;
  stop(): Promise<void>;
}

const NAMESPACE = "monitoring";
const NAME = "prometheus-adapter";

/** Starts the adapter with rights of its own, and registers the groups that its configuration has rules for. */
export async function startPrometheusAdapter(
  controlPlane: ControlPlane,
  options: PrometheusAdapterOptions,
): Promise<PrometheusAdapter> {
  const { prometheusAdapter } = await binaries({ needed: ["prometheusAdapter"] });
  return retryOnPortClash(() => start(prometheusAdapter, controlPlane, options));
}

async function start(
  binary: string,
  controlPlane: ControlPlane,
  options: PrometheusAdapterOptions,
): Promise<PrometheusAdapter> {
  const directory = temporaryDirectory(NAME);
  const file = (name: string, content: string) => {
    const path = join(directory.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const [port] = (await freePorts(1)) as [number];
  // The name by which the aggregation layer knows it, whatever the address.
  const { certificate, key } = await controlPlane.serverKeys([`${NAME}.${NAMESPACE}.svc`, "localhost"]);
  const user = `system:serviceaccount:${NAMESPACE}:${NAME}`;
  await controlPlane.user(user);
  for (const manifest of ownRights(user)) await apply(controlPlane, manifest);

  const kubeconfig = controlPlane.kubeconfigPath(user);
  const config = typeof options.config === "string" ? options.config : dump(options.config);
  const relist = options.relistSeconds ?? 1;
  const daemon = startDaemon(
    NAME,
    binary,
    [
      `--config=${file("config.yaml", config)}`,
      `--prometheus-url=${options.prometheusUrl}`,
      `--metrics-relist-interval=${relist}s`,
      // Metrics of the last minute are offered: series that come and go are not lost between two lists.
      `--metrics-max-age=${Math.max(60, relist)}s`,
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      `--tls-cert-file=${file("tls.crt", certificate)}`,
      `--tls-private-key-file=${file("tls.key", key)}`,
      `--lister-kubeconfig=${kubeconfig}`,
      `--authentication-kubeconfig=${kubeconfig}`,
      `--authorization-kubeconfig=${kubeconfig}`,
      ...(options.flags ?? []),
    ],
    directory.path,
  );
  const groups = groupsOf(config);
  async function stop() {
    await daemon.stop(5);
    for (const group of groups) await forgetMetricsApi(controlPlane, group);
    directory.remove();
  }
  try {
    for (const group of groups)
      await registerMetricsApi(controlPlane, group, { namespace: NAMESPACE, name: NAME, port });
    await daemon.ready(async () => {
      const served = await Promise.all(groups.map((group) => servesMetricsApi(controlPlane, group)));
      return served.every((yes) => yes);
    }, options.readyWithinSeconds ?? 60);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: daemon.pid, groups, log: daemon.log, stop };
}

/** Rules of the first kind are served as custom metrics, those of the second as external ones. */
const groupsOf = (config: string): string[] => [
  ...(/^rules:/m.test(config) ? ["custom.metrics.k8s.io"] : []),
  ...(/^externalRules:/m.test(config) ? ["external.metrics.k8s.io"] : []),
];

/** As the adapter's own manifests have it: it looks at pods and namespaces, and has its callers checked. */
const ownRights = (user: string) => {
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }];
  const role = (kind: string, name: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name });
  const rbac = "rbac.authorization.k8s.io/v1";
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    {
      apiVersion: rbac,
      kind: "ClusterRole",
      metadata: { name: `${NAME}-reader` },
      rules: [{ apiGroups: [""], resources: ["namespaces", "pods", "services"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: rbac,
      kind: "ClusterRoleBinding",
      metadata: { name: `${NAME}-reader` },
      roleRef: role("ClusterRole", `${NAME}-reader`),
      subjects,
    },
    {
      apiVersion: rbac,
      kind: "ClusterRoleBinding",
      metadata: { name: `${NAME}-auth-delegator` },
      roleRef: role("ClusterRole", "system:auth-delegator"),
      subjects,
    },
    {
      apiVersion: rbac,
      kind: "RoleBinding",
      metadata: { name: `${NAME}-auth-reader`, namespace: "kube-system" },
      roleRef: role("Role", "extension-apiserver-authentication-reader"),
      subjects,
    },
  ];
};
