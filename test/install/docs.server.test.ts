import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { eventually } from "../e2e/program.ts";
import { binaries } from "../env/build.ts";
import { type ControlPlane, startControlPlane } from "../env/control-plane.ts";
import { temporaryDirectory } from "../env/daemon.ts";
import { apply } from "../env/manifests.ts";

/** The commands of docs/install.md, typed by somebody with the real kubectl and helm, on a cluster of their own. */
const root = fileURLToPath(new URL("../../", import.meta.url));
const files = temporaryDirectory("install-docs");
const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferencesimulations.servetwin.dev";

/** Needs nodes that run pods, a browser, or what is published only with a release. */
const NOT_HERE = /rollout status|port-forward|helm test|krew/;

/** Commands for kubectl and helm of one section, in order. */
const commandsOf = (section: string): string[] => {
  const text = readFileSync(join(root, "docs/install.md"), "utf8");
  const [, body = ""] = text.split(`\n## ${section}\n`);
  return [...(body.split("\n## ")[0] ?? "").matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .filter((line) => /^(kubectl|helm) /.test(line) && !NOT_HERE.test(line));
};

let plane: ControlPlane;
const bin = join(files.path, "bin");
beforeAll(async () => {
  const { kubectl, helm } = await binaries({ needed: ["kubectl", "helm"] });
  mkdirSync(bin);
  for (const [name, program] of Object.entries({ kubectl, helm })) symlinkSync(program, join(bin, name));
});

const type = async (commands: readonly string[]): Promise<void> => {
  expect(commands.length).toBeGreaterThan(0);
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: files.path,
    KUBECONFIG: plane.kubeconfigPath(),
  };
  for (const command of commands)
    await promisify(execFile)("bash", ["-c", command], { cwd: root, env, timeout: 60_000 }).catch(
      ({ stderr }: { stderr: string }) => expect.fail(`${command}\n${stderr}`),
    );
};
const isThere = async (path: string): Promise<boolean> => (await plane.request("GET", path)).status === 200;
const deployment = (namespace: string): Promise<boolean> =>
  isThere(`/apis/apps/v1/namespaces/${namespace}/deployments/servetwin`);
const role = (name: string): Promise<boolean> =>
  isThere(`/apis/rbac.authorization.k8s.io/v1/namespaces/inference/roles/${name}`);

beforeEach(async () => {
  await apply(plane, { apiVersion: "v1", kind: "Namespace", metadata: { name: "inference" } });
});
afterAll(() => files.remove());

describe("docs/install.md, with kustomize", () => {
  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(() => plane?.stop());

  it("installs the CRD and the namespace for an operator elsewhere", async () => {
    await type(commandsOf("From your own machine, on a cluster"));
    expect(await isThere(CRD)).toBe(true);
    expect(await isThere("/api/v1/namespaces/servetwin-system")).toBe(true);
  });

  it("installs for the cluster and for a namespace", async () => {
    await type(commandsOf("Kustomize"));
    expect([await deployment("servetwin-system"), await deployment("inference")]).toEqual([true, true]);
  });

  it("permits sweeps as Jobs, and reports in ConfigMaps", async () => {
    for (const section of ["Sweeps as Jobs", "Reports in ConfigMaps"])
      await type(commandsOf(section).filter((command) => command.startsWith("kubectl")));
    expect([await role("servetwin-sweep-jobs"), await role("servetwin-report-config-maps")]).toEqual([true, true]);
  });

  it("takes all away, and with the CRD every simulation", async () => {
    const [command = ""] = commandsOf("Away with it");
    // Nobody empties namespaces here.
    await type([command.replace(/( #.*)?$/, " --wait=false")]);
    expect(await isThere("/apis/rbac.authorization.k8s.io/v1/clusterroles/servetwin")).toBe(false);
    await eventually(async () => !(await isThere(CRD)), { what: "the end of the CRD" });
  });
});

describe("docs/install.md, with Helm", () => {
  beforeAll(async () => {
    plane = await startControlPlane();
  });
  afterAll(() => plane?.stop());

  it("installs for the cluster, and for a namespace beside it", async () => {
    await type(commandsOf("Helm"));
    expect([await deployment("servetwin-system"), await deployment("inference")]).toEqual([true, true]);
    expect(await isThere(CRD)).toBe(true);
  });

  it("permits sweeps as Jobs, and reports in ConfigMaps", async () => {
    for (const [section, name] of [
      ["Sweeps as Jobs", "servetwin-sweep-jobs"],
      ["Reports in ConfigMaps", "servetwin-report-config-maps"],
    ] as const) {
      expect(await role(name)).toBe(false);
      await type(commandsOf(section).filter((command) => command.startsWith("helm")));
      expect(await role(name)).toBe(true);
    }
  });

  it("takes it away again, and keeps the CRD", async () => {
    await type(commandsOf("Away with it").filter((command) => command.startsWith("helm")));
    expect([await deployment("servetwin-system"), await isThere(CRD)]).toEqual([false, true]);
  });
});
