/** What a pod that runs as a ServiceAccount logs in with: a token of the TokenRequest API, in a kubeconfig. */
import type { ControlPlane } from "./control-plane.ts";

/** @returns a kubeconfig's text. @throws if there is no such ServiceAccount */
export const serviceAccountKubeconfig = async (
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<string> => {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const answer = await plane.request("POST", path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: 3600 },
  });
  if (answer.status !== 201) throw new Error(`no token for ${namespace}/${name}: ${JSON.stringify(answer.body)}`);
  const { token } = (answer.body as { status: { token: string } }).status;
  const authority = Buffer.from(plane.certificates.ca).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "pod",
    clusters: [{ name: "pod", cluster: { server: plane.url, "certificate-authority-data": authority } }],
    users: [{ name: "pod", user: { token } }],
    contexts: [{ name: "pod", context: { cluster: "pod", user: "pod" } }],
  });
};
