/**
 * KEDA's source as the tests build it: its operator and metrics server as they are, with the triggers that ask no cloud and
 * no message broker. With all of them there would be 3 700 packages to compile instead of 2 000.
 */
import { execFile } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const MODULE = "github.com/kedacore/keda/v2";
/** Files of `pkg/scalers` that stay, of those that hold one trigger type each: `NAME_scaler.go`. */
const KEPT = [
  "cpu_memory",
  "cron",
  "external",
  "external_mock",
  "kubernetes_resource",
  "kubernetes_workload",
  "metrics_api",
  "prometheus",
];

/** Copies the pinned module's source to a folder, and leaves out the other triggers. @param module folder of the go.mod that pins it */
export async function kedaSource(module: string, into: string, env: NodeJS.ProcessEnv): Promise<void> {
  const version = /keda\/v2 (v\S+)/.exec(readFileSync(join(module, "go.mod"), "utf8"))?.[1];
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", `${MODULE}@${version}`], {
    cwd: module,
    env,
  });
  const { Dir: from } = JSON.parse(stdout) as { Dir: string };
  rmSync(into, { recursive: true, force: true });
  for (const folder of ["apis", "cmd", "controllers", "pkg", "version", "config/crd/bases"]) copy(from, into, folder);
  for (const file of ["go.mod", "go.sum"]) copyFile(join(from, file), join(into, file));

  const scalers = join(into, "pkg/scalers");
  for (const file of readdirSync(scalers)) {
    const name = /^(.*)_scaler\.go$/.exec(file)?.[1];
    if (name !== undefined && !KEPT.includes(name)) rmSync(join(scalers, file));
  }
  // A constant of all external metrics that stands in one of the files left out.
  writeFileSync(join(scalers, "external_metric_type.go"), 'package scalers\n\nconst externalMetricType = "External"\n');
  const kept = readdirSync(scalers).flatMap((file) =>
    file.endsWith(".go")
      ? [...readFileSync(join(scalers, file), "utf8").matchAll(/^func (New\w+)\(/gm)].map(([, name]) => name)
      : [],
  );
  edit(
    join(into, "pkg/scaling/scalers_builder.go"),
    /\tcase "[^"]+":\n\t\treturn scalers\.(New\w+)\(.*\)\n/g,
    (text, name) => (kept.includes(name) ? text : ""),
  );
  // Its page of metrics is bound to every address, and no flag says otherwise.
  edit(join(into, "cmd/adapter/main.go"), /":%v", metricsAPIServerPort/, () => '"127.0.0.1:%v", metricsAPIServerPort');
}

/** Without tests. Files of Go's module cache are read-only. */
function copy(from: string, into: string, folder: string): void {
  mkdirSync(join(into, folder), { recursive: true });
  for (const entry of readdirSync(join(from, folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) copy(from, into, path);
    else if (!entry.name.endsWith("_test.go")) copyFile(join(from, path), join(into, path));
  }
}

function copyFile(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o644);
}

function edit(file: string, pattern: RegExp, change: (text: string, group: string) => string): void {
  const before = readFileSync(file, "utf8");
  const after = before.replace(pattern, change);
  if (after === before)
    throw new Error(`${file} doesn't have ${pattern}: adapt keda-source.ts to this version of KEDA`);
  writeFileSync(file, after);
}
