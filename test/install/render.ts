import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { binaries } from "../env/build.ts";
import { type Manifest, manifestsOf } from "../env/manifests.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const CHART = "deploy/helm/servetwin";
const run = promisify(execFile);

/** Runs the real helm with nobody's settings. @throws with what it said if it fails */
export const helm = async (...args: readonly string[]): Promise<string> => {
  const { helm: program } = await binaries({ needed: ["helm"] });
  const home = mkdtempSync(join(tmpdir(), "servetwin-helm-"));
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  try {
    return (await run(program, [...args], { cwd: root, env, maxBuffer: 2 ** 25 })).stdout;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
};

/** Whether helm applies it only when it is asked to, as for `helm test`. */
export const isHook = ({ metadata }: Manifest): boolean =>
  "helm.sh/hook" in ((metadata["annotations"] as Readonly<Record<string, string>> | undefined) ?? {});

/** What the chart makes of values, such as `podMonitor.enabled=true`. */
export const chart = async (namespace: string, ...values: readonly string[]): Promise<Manifest[]> => {
  const sets = values.flatMap((value) => ["--set-json", value]);
  return manifestsOf(await helm("template", "servetwin", CHART, "--namespace", namespace, ...sets));
};

/** What `kubectl apply -k` would apply. */
export const kustomize = async (folder: string): Promise<Manifest[]> => {
  const { kubectl } = await binaries({ needed: ["kubectl"] });
  return manifestsOf((await run(kubectl, ["kustomize", folder], { cwd: root, maxBuffer: 2 ** 25 })).stdout);
};

/** The operator's rights in a whole cluster, for the ServiceAccount servetwin-system/servetwin. */
export const clusterRbac = async (): Promise<Manifest[]> =>
  (await kustomize("deploy/kustomize/overlays/cluster")).filter(({ apiVersion }) =>
    apiVersion.startsWith("rbac.authorization.k8s.io/"),
  );
