import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUNDLE } from "../e2e/program.ts";
import { temporaryDirectory } from "../env/daemon.ts";
import type { Manifest } from "../env/manifests.ts";

/** A container of a pod template, as far as a process can stand for it. */
export interface Container {
  readonly args: readonly string[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
}

export interface PodSpec {
  readonly containers: readonly [Container];
  readonly volumes?: readonly { readonly name: string; readonly configMap: { readonly name: string } }[];
}

/** The image's entrypoint, which the bundle of this checkout stands for. */
export const ENTRYPOINT = JSON.parse(
  /^ENTRYPOINT (.*)$/m.exec(readFileSync(new URL("../../Dockerfile", import.meta.url), "utf8"))?.[1] ?? "[]",
) as readonly string[];

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a pod's container as a process, with its ConfigMaps as a kubelet mounts them.
 * @param kubeconfig of its ServiceAccount; left out: it has no token
 */
export const runContainer = async (
  spec: PodSpec,
  configMaps: readonly Manifest[],
  kubeconfig?: string,
): Promise<Ended> => {
  const files = temporaryDirectory("container");
  try {
    const [container] = spec.containers;
    let { args } = container;
    for (const { name, mountPath } of container.volumeMounts ?? []) {
      const source = spec.volumes?.find((volume) => volume.name === name)?.configMap.name;
      const configMap = configMaps.find(({ kind, metadata }) => kind === "ConfigMap" && metadata.name === source);
      if (configMap === undefined) throw new Error(`there is no ConfigMap ${source}`);
      const folder = join(files.path, name);
      mount(configMap["data"] as Readonly<Record<string, string>>, folder);
      args = args.map((arg) => arg.replace(mountPath, folder));
    }
    const login = join(files.path, "kubeconfig");
    writeFileSync(login, kubeconfig ?? "", { mode: 0o600 });
    return await ended(args, { PATH: process.env.PATH, HOME: files.path, KUBECONFIG: login });
  } finally {
    files.remove();
  }
};

/** A folder of links into a hidden one, which the kubelet swaps when the ConfigMap changes. */
const mount = (data: Readonly<Record<string, string>>, folder: string): void => {
  mkdirSync(join(folder, "..2026_11_26"), { recursive: true });
  symlinkSync("..2026_11_26", join(folder, "..data"));
  for (const [name, content] of Object.entries(data)) {
    writeFileSync(join(folder, "..data", name), content);
    symlinkSync(join("..data", name), join(folder, name));
  }
};

/** The program with these arguments and no more of this process' surroundings. */
export const ended = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> => {
  const child = spawn(process.execPath, [BUNDLE, ...args], { stdio: ["ignore", "pipe", "pipe"], env });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (part: Buffer) => (stdout += part.toString()));
  child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  await once(child, "close");
  return { code: child.exitCode, stdout, stderr };
};
