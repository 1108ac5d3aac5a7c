/** A real KEDA on a test control plane: its operator, and its metrics server behind the aggregation layer. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binaries, sourceFolder } from "./build.ts";
import type { ControlPlane } from "./control-plane.ts";
import { freePorts, retryOnPortClash, startDaemon, temporaryDirectory } from "./daemon.ts";
import { apply, applyAll } from "./manifests.ts";
import { forgetMetricsApi, registerMetricsApi, servesMetricsApi } from "./metrics-api.ts";

export interface Keda {
  log(server: "operator" | "metricsServer", lines?: number): string;
  /** The operator's page of metrics, as text. */
  metrics(): Promise<string>;
  stop(): Promise<void>;
}

const NAMESPACE = "keda";
const OPERATOR = "keda-operator";
const METRICS_SERVER = "keda-metrics-apiserver";
const GROUP = "external.metrics.k8s.io";

/** Installs its CRDs, and starts both servers with an administrator's rights. */
export async function startKeda(
  controlPlane: ControlPlane,
  options: { readyWithinSeconds?: number } = {},
): Promise<Keda> {
  const { kedaOperator, kedaMetricsServer } = await binaries({ needed: ["kedaOperator", "kedaMetricsServer"] });
  const crds = join(sourceFolder("keda"), "config/crd/bases");
  for (const file of readdirSync(crds)) await applyAll(controlPlane, readFileSync(join(crds, file), "utf8"));
  await apply(controlPlane, { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } });
  return retryOnPortClash(() => start(kedaOperator, kedaMetricsServer, controlPlane, options.readyWithinSeconds ?? 60));
}

async function start(
  operatorBinary: string,
  metricsServerBinary: string,
  controlPlane: ControlPlane,
  readyWithinSeconds: number,
): Promise<Keda> {
  const directory = temporaryDirectory("keda");
  const file = (name: string, content: string): string => {
    const path = join(directory.path, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  // One knows the other by certificates: the operator is the server, the metrics server its client.
  const { ca } = controlPlane.certificates;
  const folderOf = (name: string, { certificate, key }: { certificate: string; key: string }): string => {
    const path = join(directory.path, name);
    mkdirSync(path);
    for (const [entry, content] of Object.entries({ "ca.crt": ca, "tls.crt": certificate, "tls.key": key }))
      writeFileSync(join(path, entry), content, { mode: 0o600 });
    return path;
  };
  const [health, operatorMetrics, service, adapterMetrics, secure] = (await freePorts(5)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const user = await controlPlane.user(`system:serviceaccount:${NAMESPACE}:${OPERATOR}`, ["system:masters"]);
  const environment = { WATCH_NAMESPACE: "", POD_NAMESPACE: NAMESPACE, KEDA_CLUSTER_OBJECT_NAMESPACE: NAMESPACE };
  const operator = startDaemon(
    OPERATOR,
    operatorBinary,
    [
      `--kubeconfig=${user.kubeconfigPath}`,
      `--cert-dir=${folderOf("operator", await controlPlane.serverKeys(["localhost"]))}`,
      `--metrics-service-bind-address=127.0.0.1:${service}`,
      `--metrics-bind-address=127.0.0.1:${operatorMetrics}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
    ],
    directory.path,
    environment,
  );
  // The name by which the aggregation layer knows it, whatever the address.
  const keys = await controlPlane.serverKeys([`${METRICS_SERVER}.${NAMESPACE}.svc`, "localhost"]);
  const metricsServer = startDaemon(
    METRICS_SERVER,
    metricsServerBinary,
    [
      `--kubeconfig=${user.kubeconfigPath}`,
      `--lister-kubeconfig=${user.kubeconfigPath}`,
      `--authentication-kubeconfig=${user.kubeconfigPath}`,
      `--authorization-kubeconfig=${user.kubeconfigPath}`,
      `--cert-dir=${folderOf("client", user)}`,
      `--tls-cert-file=${file("serving.crt", keys.certificate)}`,
      `--tls-private-key-file=${file("serving.key", keys.key)}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${secure}`,
      `--port=${adapterMetrics}`,
      `--metrics-service-address=localhost:${service}`,
    ],
    directory.path,
    environment,
  );
  const stop = async (): Promise<void> => {
    await Promise.all([metricsServer.stop(5), operator.stop(5)]);
    await forgetMetricsApi(controlPlane, GROUP);
    directory.remove();
  };
  try {
    await registerMetricsApi(controlPlane, GROUP, { namespace: NAMESPACE, name: METRICS_SERVER, port: secure });
    await operator.ready(
      async () => (await fetch(`http://127.0.0.1:${health}/readyz`)).status === 200,
      readyWithinSeconds,
    );
    await metricsServer.ready(() => servesMetricsApi(controlPlane, GROUP), readyWithinSeconds);
  } catch (error) {
    await stop();
    throw error;
  }
  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${operatorMetrics}/metrics`)).text();
  return { metrics, log: (server, lines) => (server === "operator" ? operator : metricsServer).log(lines), stop };
}
