import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ControlPlane } from "../env/control-plane.ts";
import { temporaryDirectory } from "../env/daemon.ts";
import { apply, type Manifest, manifestsOf, pathOf } from "../env/manifests.ts";
import { ENTRYPOINT, ended } from "./container.ts";
import { startPlatform, text } from "./platform.ts";

/** The Task on the CRD of Tekton, and its step as a process in the workspaces of two checkouts. */
interface Task extends Manifest {
  readonly spec: {
    readonly params: readonly { readonly name: string; readonly default: string }[];
    readonly workspaces: readonly { readonly name: string }[];
    readonly steps: readonly [{ readonly command: readonly string[]; readonly args: readonly string[] }];
  };
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const files = temporaryDirectory("tekton");
let plane: ControlPlane;
let task: Task;

beforeAll(async () => {
  plane = await startPlatform([{ crd: "taskCrd", served: "/apis/tekton.dev/v1/namespaces/inference/tasks" }]);
  const [manifest] = manifestsOf(text("deploy/gitops/tekton/task.yaml"), "inference") as [Manifest];
  await apply(plane, manifest);
  task = (await plane.request("GET", pathOf(manifest))).body as Task;
  const vllm = join(root, "deploy/examples/quickstart/vllm-llama-8b.yaml");
  const checkout = (name: string, ...manifests: readonly string[]): void => {
    mkdirSync(join(files.path, name, "deploy"), { recursive: true });
    for (const path of [vllm, ...manifests])
      cpSync(path, join(files.path, name, "deploy", path.slice(path.lastIndexOf("/") + 1)));
  };
  const gate = join(root, "deploy/gitops/argo-cd");
  checkout("before", join(gate, "simulation.yaml"), join(root, "deploy/examples/quickstart/hpa.yaml"));
  checkout("after", join(gate, "simulation.yaml"), join(gate, "hpa.yaml"));
});
afterAll(async () => {
  await plane?.stop();
  files.remove();
});

/** The step's arguments, with Tekton's variables put in. */
const args = (workspaces: Readonly<Record<string, string>>): readonly string[] =>
  task.spec.steps[0].args.map((arg) =>
    arg.replace(/\$\((params|workspaces)\.([\w-]+)(\.path)?\)/g, (whole, kind: string, name: string) => {
      const value = kind === "params" ? task.spec.params.find((one) => one.name === name)?.default : workspaces[name];
      if (value === undefined) throw new Error(`the Task has no ${whole}`);
      return value;
    }),
  );
const check = (head: string, base: string, reports: string) => {
  const path = (name: string): string => join(files.path, name);
  mkdirSync(path(reports));
  return ended(args({ head: path(head), base: path(base), reports: path(reports) }), { PATH: process.env.PATH });
};

describe("the Task", () => {
  it("starts what the image starts, since Tekton puts its own entrypoint before it", () => {
    expect(task.spec.steps[0].command).toEqual(ENTRYPOINT);
  });

  it("passes a change that meets the objectives, and leaves its reports", async () => {
    const { code, stdout, stderr } = await check("after", "before", "reports");
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("met: inference/chat-gate");
    const report = (name: string): string => readFileSync(join(files.path, "reports", name), "utf8");
    expect(report("report.md")).toContain("chat-gate");
    expect(report("junit.xml")).toContain("<testsuite");
    expect(JSON.parse(report("servetwin.sarif"))).toMatchObject({ version: "2.1.0" });
  });

  it("fails a change that doesn't meet the objectives, and leaves its reports too", async () => {
    cpSync(join(files.path, "after"), join(files.path, "starved"), { recursive: true });
    const hpa = join(files.path, "starved", "deploy", "hpa.yaml");
    writeFileSync(hpa, readFileSync(hpa, "utf8").replace(/(min|max)Replicas: \d+/g, "$1Replicas: 1"));
    const { code, stdout, stderr } = await check("starved", "before", "failed");
    expect(code, stderr).toBe(1);
    expect(stdout).toContain("not met: inference/chat-gate");
    expect(readFileSync(join(files.path, "failed", "junit.xml"), "utf8")).toContain("<failure");
  });

  it("fails where there is nothing to check", async () => {
    const { code, stderr } = await check("nowhere", "before", "none");
    expect([code, existsSync(join(files.path, "none", "report.md"))], stderr).toEqual([2, false]);
  });
});
