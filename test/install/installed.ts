import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually, type Program, up } from "../e2e/program.ts";
import type { ControlPlane } from "../env/control-plane.ts";
import { apply, type Manifest } from "../env/manifests.ts";
import { serviceAccountKubeconfig } from "../env/service-account.ts";
import { isHook } from "./render.ts";

/** What kustomize or the chart render, applied to a real API server, and the operator run as the Deployment says; no kubelet is there to do it. */

export const untilServed = (plane: ControlPlane, path: string): Promise<boolean> =>
  eventually(async () => (await plane.request("GET", path)).status === 200, { what: path });

/** CRDs and Namespaces first, as kubectl and helm do, and no hooks. */
export const installed = async (plane: ControlPlane, manifests: readonly Manifest[]): Promise<void> => {
  const early = ({ kind }: Manifest): boolean => kind === "CustomResourceDefinition" || kind === "Namespace";
  for (const manifest of manifests.filter(early)) await apply(plane, manifest);
  await untilServed(plane, "/apis/servetwin.dev/v1alpha1/inferencesimulations");
  for (const manifest of manifests.filter((one) => !early(one) && !isHook(one))) await apply(plane, manifest);
};

interface PodSpec {
  readonly containers: readonly [
    {
      readonly args: readonly string[];
      readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
    },
  ];
  readonly volumes?: readonly { readonly name: string; readonly secret: { readonly secretName: string } }[];
}

/**
 * The operator with the Deployment's own arguments, as its ServiceAccount, with its Secrets mounted as files.
 * @param folder where files are put
 * @param listens where it listens is the test's: a replacement of each `--…listen` address, if it is wanted at all
 */
export const startInstalled = async (
  plane: ControlPlane,
  manifests: readonly Manifest[],
  namespace: string,
  folder: string,
  listens: Readonly<Record<string, string>> = {},
): Promise<Program> => {
  const deployment = manifests.find(({ kind }) => kind === "Deployment") as Manifest;
  const { spec } = (deployment.spec as { template: { spec: PodSpec } }).template;
  const [{ args, volumeMounts = [] }] = spec.containers;
  const mounts = new Map<string, string>();
  for (const { name, secret } of spec.volumes ?? []) {
    const { mountPath } = volumeMounts.find((mount) => mount.name === name) ?? { mountPath: "" };
    mounts.set(mountPath, await mounted(plane, namespace, secret.secretName, folder));
  }
  const [command, ...said] = args.map((arg) => arg.replace("$(POD_NAMESPACE)", namespace));
  if (command !== "up") throw new Error(`the Deployment runs ${command}`);
  const given = said.flatMap((arg) => {
    const [option = "", value = ""] = arg.split(/=(.*)/s);
    if (option === "--listen") return [];
    const address = listens[option];
    return address === undefined ? `${option}=${mounts.get(value) ?? value}` : `${option}=${address}`;
  });
  const kubeconfig = join(mkdtempSync(join(folder, "account-")), "kubeconfig");
  writeFileSync(kubeconfig, await serviceAccountKubeconfig(plane, namespace, "servetwin"), { mode: 0o600 });
  return up(["--kubeconfig", kubeconfig, ...given]);
};

/** A Secret as the kubelet mounts it: a file per key. */
const mounted = async (plane: ControlPlane, namespace: string, name: string, folder: string): Promise<string> => {
  const { body } = await plane.request("GET", `/api/v1/namespaces/${namespace}/secrets/${name}`);
  const place = join(folder, `${namespace}-${name}`);
  mkdirSync(place, { recursive: true });
  for (const [key, text] of Object.entries((body as { data: Record<string, string> }).data))
    writeFileSync(join(place, key), Buffer.from(text, "base64"), { mode: 0o600 });
  return place;
};

export const preview = (name: string, namespace: string): Manifest => ({
  apiVersion: "servetwin.dev/v1alpha1",
  kind: "InferenceSimulation",
  metadata: { name, namespace },
  spec: {
    mirror: { workloads: [{ kind: "Deployment", name: "vllm-llama-8b" }] },
    workload: {
      synthetic: {
        clients: [
          {
            name: "chat",
            rate: 2,
            prompt: { distribution: "constant", tokens: 100 },
            output: { distribution: "constant", tokens: 100 },
          },
        ],
      },
    },
    run: { horizon: "5m" },
  },
});

export const simulationStatus = async (
  plane: ControlPlane,
  namespace: string,
  name: string,
): Promise<{ phase?: string } | undefined> => {
  const path = `/apis/servetwin.dev/v1alpha1/namespaces/${namespace}/inferencesimulations/${name}`;
  return ((await plane.request("GET", path)).body as { status?: { phase?: string } }).status;
};

export const untilFinished = (
  plane: ControlPlane,
  namespace: string,
  name: string,
  operator: Program,
): Promise<boolean> =>
  eventually(async () => (await simulationStatus(plane, namespace, name))?.phase === "Succeeded", {
    withinSeconds: 60,
    what: `end of ${namespace}/${name}`,
    detail: () => operator.output(),
  });

/** What was asked of the API server and refused, by its own count of what it asked. */
export const refusals = async (operator: Program): Promise<string[]> =>
  (await (await fetch(`${operator.url}/metrics`)).text())
    .split("\n")
    .filter((line) => line.startsWith("rest_client_requests_total{") && /code="(401|403)"/.test(line));
