/** Metrics APIs behind the aggregation layer of a test control plane: external and custom metrics. */
import type { ControlPlane } from "./control-plane.ts";
import { apply } from "./manifests.ts";

/** Where a server of a metrics API listens, on 127.0.0.1, under the name of a Service whose namespace exists. */
export interface MetricsServer {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

const API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices";

/** The control plane passes requests for a group, such as external.metrics.k8s.io, on to the server, whose certificate its CA signed. */
export async function registerMetricsApi(
  controlPlane: ControlPlane,
  group: string,
  { namespace, name, port }: MetricsServer,
): Promise<void> {
  await apply(controlPlane, {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    // Endpoints may not have loopback addresses, and the aggregation layer asks no endpoints of Services of this type.
    spec: { type: "ExternalName", externalName: "localhost", ports: [{ port, protocol: "TCP" }] },
  });
  await apply(controlPlane, {
    apiVersion: "apiregistration.k8s.io/v1",
    kind: "APIService",
    metadata: { name: `v1beta1.${group}` },
    spec: {
      group,
      version: "v1beta1",
      groupPriorityMinimum: 100,
      versionPriority: 100,
      caBundle: Buffer.from(controlPlane.certificates.ca).toString("base64"),
      service: { namespace, name, port },
    },
  });
}

export async function servesMetricsApi(controlPlane: ControlPlane, group: string): Promise<boolean> {
  return (await controlPlane.request("GET", `/apis/${group}/v1beta1`)).status === 200;
}

/** Of a control plane that may be gone already. */
export async function forgetMetricsApi(controlPlane: ControlPlane, group: string): Promise<void> {
  await controlPlane.request("DELETE", `${API_SERVICES}/v1beta1.${group}`).catch(() => {});
}
