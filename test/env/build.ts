/**
 * Builds the real servers that the tests run against, from the pinned Go modules beside this file, into a cache outside
 * the repository. `npx tsx test/env/build.ts` builds what is missing; tests call `binaries()`. See README.md.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { kedaSource } from "./keda-source.ts";

export interface Binaries {
  etcd: string;
  kubeApiserver: string;
  kubeControllerManager: string;
  prometheus: string;
  promtool: string;
  expr: string;
  prometheusAdapter: string;
  kedaOperator: string;
  kedaMetricsServer: string;
  kubectl: string;
  helm: string;
  lua: string;
  flux: string;
  rolloutCrd: string;
  analysisTemplateCrd: string;
  kustomizationCrd: string;
  taskCrd: string;
}

type Name = keyof Binaries;

const MODULES = [
  "kubernetes",
  "prometheus",
  "prometheus-adapter",
  "expr",
  "keda",
  "kubectl",
  "helm",
  "lua",
  "flux",
  "argo-rollouts",
  "kustomize-controller",
  "tekton",
] as const;

interface Recipe {
  /** The file name, in the cache and in KUBEBUILDER_ASSETS. */
  file: string;
  /** The folder beside this file with the Go module that pins the version. */
  module: (typeof MODULES)[number];
  package: string;
  /** `package` is a file of that module, which is copied as it is: a CRD. */
  copied?: true;
  /** The Go module whose version the binary has. */
  versionOf: string;
  tags?: string;
  linkerFlags?(version: string): string[];
  /** Makes the source to build where it isn't a module's as it is, in `into`. @param module folder of the go.mod that pins it */
  source?(module: string, into: string, env: NodeJS.ProcessEnv): Promise<void>;
}

const recipes: Record<Name, Recipe> = {
  etcd: {
    file: "etcd",
    module: "kubernetes",
    package: "go.etcd.io/etcd/server/v3",
    versionOf: "go.etcd.io/etcd/server/v3",
  },
  kubeApiserver: kubernetes("kube-apiserver"),
  kubeControllerManager: kubernetes("kube-controller-manager"),
  prometheus: prometheus("prometheus"),
  promtool: prometheus("promtool"),
  prometheusAdapter: {
    file: "prometheus-adapter",
    module: "prometheus-adapter",
    package: "sigs.k8s.io/prometheus-adapter/cmd/adapter",
    versionOf: "sigs.k8s.io/prometheus-adapter",
  },
  kedaOperator: keda("keda-operator", "./cmd/operator"),
  kedaMetricsServer: keda("keda-metrics-apiserver", "./cmd/adapter"),
  // A few lines of Go around the library, beside its go.mod.
  expr: { file: "expr", module: "expr", package: ".", versionOf: "github.com/expr-lang/expr" },
  // A module of its own: the servers' would have to name all that kubectl needs beside theirs.
  kubectl: { ...kubernetes("kubectl"), module: "kubectl" },
  helm: {
    file: "helm",
    module: "helm",
    package: "helm.sh/helm/v4/cmd/helm",
    versionOf: "helm.sh/helm/v4",
    linkerFlags: (version) => [`-X helm.sh/helm/v4/internal/version.version=${version}`],
  },
  lua: { file: "lua", module: "lua", package: ".", versionOf: "github.com/yuin/gopher-lua" },
  flux: { file: "flux", module: "flux", package: ".", versionOf: "github.com/fluxcd/pkg/runtime" },
  rolloutCrd: crd("argo-rollouts", "github.com/argoproj/argo-rollouts", "manifests/crds/rollout-crd.yaml"),
  analysisTemplateCrd: crd(
    "argo-rollouts",
    "github.com/argoproj/argo-rollouts",
    "manifests/crds/analysis-template-crd.yaml",
  ),
  kustomizationCrd: crd(
    "kustomize-controller",
    "github.com/fluxcd/kustomize-controller",
    "config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml",
  ),
  taskCrd: crd("tekton", "github.com/tektoncd/pipeline", "config/300-crds/300-task.yaml"),
};

function kubernetes(file: string): Recipe {
  return {
    file,
    module: "kubernetes",
    package: `k8s.io/kubernetes/cmd/${file}`,
    versionOf: "k8s.io/kubernetes",
    // Without these the server calls itself v0.0.0-master, and clients that look at its version are misled.
    linkerFlags(version) {
      const [, major = "", minor = ""] = /^v(\d+)\.(\d+)\./.exec(version) ?? [];
      const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
      return ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) =>
        Object.entries(values).map(([name, value]) => `-X ${path}.${name}=${value}`),
      );
    },
  };
}

function prometheus(file: string): Recipe {
  return {
    file,
    module: "prometheus",
    package: `github.com/prometheus/prometheus/cmd/${file}`,
    versionOf: "github.com/prometheus/prometheus",
    // Only static, file and HTTP discovery: the cloud providers' would treble the build. The Go module has no web page.
    tags: "netgo,remove_all_sd",
    // As a Go module, Prometheus 3.15.1 is v0.315.1.
    linkerFlags: (version) => [
      `-X github.com/prometheus/common/version.Version=${version.replace(/^v0\.(\d)0?(\d+)\./, "$1.$2.")}`,
    ],
  };
}

function keda(file: string, path: string): Recipe {
  return { file, module: "keda", package: path, versionOf: "github.com/kedacore/keda/v2", source: kedaSource };
}

function crd(module: Recipe["module"], versionOf: string, path: string): Recipe {
  return { file: basename(path), module, package: path, versionOf, copied: true };
}

const names = Object.keys(recipes) as Name[];
const here = fileURLToPath(new URL(".", import.meta.url));

/**
 * Where the binaries are. Missing ones are an error that says what to do, not a build of many minutes inside somebody's
 * test timeout: `npm run test:env`, or `{ build: true }`, builds them. Of those not in `needed`, the path may not exist.
 */
export async function binaries(options: { build?: boolean; needed?: Name[] } = {}): Promise<Binaries> {
  const paths = Object.fromEntries(names.map((name) => [name, pathOf(name)])) as unknown as Binaries;
  const missing = (options.needed ?? names).filter((name) => !existsSync(paths[name]));
  if (missing.length > 0) {
    if (!options.build) {
      throw new Error(
        `the tests need ${list(missing)}, not built yet. Run "npm run test:env" once ` +
          `(some minutes the first time; the result is kept)${otherWay(missing)}.`,
      );
    }
    await build(missing, paths);
  }
  return paths;
}

/** Which binaries `binaries()` would miss, for tests that want to skip. */
export function missingBinaries(): string[] {
  return names.filter((name) => !existsSync(pathOf(name))).map((name) => recipes[name].file);
}

export function versionOf(name: Name): string {
  const recipe = recipes[name];
  const goMod = readFileSync(join(here, recipe.module, "go.mod"), "utf8");
  const line = goMod.split("\n").find((line) =>
    line
      .trim()
      .replace(/^require /, "")
      .startsWith(`${recipe.versionOf} v`),
  );
  const version = /\s(v\S+)/.exec(line?.trim() ?? "")?.[1];
  if (!version) throw new Error(`test/env/${recipe.module}/go.mod does not require ${recipe.versionOf}`);
  return version;
}

function pathOf(name: Name): string {
  const { file, module } = recipes[name];
  const assets = process.env["KUBEBUILDER_ASSETS"];
  if (assets && module === "kubernetes") {
    const path = join(assets, file);
    if (existsSync(path)) return path;
    // envtest's own folders have no controller manager: that one is then built here.
    if (name !== "kubeControllerManager") {
      throw new Error(
        `KUBEBUILDER_ASSETS is ${assets}, which has no ${file}. Correct it, or unset it to use built ones.`,
      );
    }
  }
  return join(cacheFolder(module), file);
}

/** A new folder for every change of a module, so that old and new checkouts don't overwrite each other's binaries. */
function cacheFolder(module: Recipe["module"]): string {
  const hash = createHash("sha256").update(`${process.platform}-${process.arch}\n`);
  const files = ["go.mod", "go.sum", "main.go"].map((file) => join(here, module, file));
  for (const file of [...files, join(here, `${module}-source.ts`)].filter((path) => existsSync(path)))
    hash.update(readFileSync(file));
  const recipesOfModule = names.map((name) => recipes[name]).filter((recipe) => recipe.module === module);
  for (const { file, tags, linkerFlags } of recipesOfModule)
    hash.update(`${file} ${tags} ${linkerFlags?.("v0.0.0")}\n`);
  const root =
    process.env["SERVETWIN_TEST_CACHE"] ||
    join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "servetwin-test");
  return join(root, `${module}-${hash.digest("hex").slice(0, 12)}`);
}

/** Where the source of a module's binaries is: its go.mod, or what `source` makes, which is kept for what lies beside the code. */
export function sourceFolder(module: Recipe["module"]): string {
  return recipeOf(module).source === undefined ? join(here, module) : join(cacheFolder(module), "source");
}

function recipeOf(module: Recipe["module"]): Recipe {
  const recipe = names.map((name) => recipes[name]).find((one) => one.module === module);
  if (recipe === undefined) throw new Error(`nothing is built from ${module}`);
  return recipe;
}

async function build(missing: Name[], paths: Binaries): Promise<void> {
  await checkGo(missing);
  for (const module of MODULES) {
    const ofModule = missing.filter((name) => recipes[name].module === module);
    if (ofModule.length === 0) continue;
    const folder = cacheFolder(module);
    await mkdir(folder, { recursive: true });
    const unlock = await lock(join(folder, ".lock"));
    try {
      // Another run may have built them while this one waited for the lock.
      const still = ofModule.filter((name) => !existsSync(paths[name]));
      const source = sourceFolder(module);
      if (still.length > 0) await recipeOf(module).source?.(join(here, module), source, goEnv());
      for (const name of still) await (recipes[name].copied ? copyOne : buildOne)(name, paths[name]);
    } finally {
      await unlock();
    }
  }
}

async function checkGo(wanted: Name[]): Promise<void> {
  let found: string;
  try {
    // In a module's folder, where a Go that fetches newer toolchains by itself answers with the one it would use.
    const options = { cwd: join(here, "kubernetes"), env: goEnv() };
    found = (await promisify(execFile)("go", ["env", "GOVERSION"], options)).stdout.trim();
    const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(found) ?? []).map(Number);
    if (major > 1 || minor >= 26) return;
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    found = code === "ENOENT" ? "no Go" : stderr?.trim() || String(error);
  }
  throw new Error(`needs Go 1.26 or newer to build ${list(wanted)} (found: ${found}). Install Go${otherWay(wanted)}.`);
}

/** KUBEBUILDER_ASSETS as a way out, where it is one. */
function otherWay(wanted: Name[]): string {
  const ofKubernetes = wanted.filter((name) => recipes[name].module === "kubernetes");
  if (ofKubernetes.length === 0) return "";
  const only = ofKubernetes.length < wanted.length ? ` (it can bring ${list(ofKubernetes)} only)` : "";
  return `, or set KUBEBUILDER_ASSETS to a folder that has them${only}`;
}

async function copyOne(name: Name, path: string): Promise<void> {
  const recipe = recipes[name];
  const module = `${recipe.versionOf}@${versionOf(name)}`;
  say(`fetching ${recipe.file} of ${module} ...`);
  const options = { cwd: join(here, recipe.module), env: goEnv() };
  const { stdout } = await promisify(execFile)("go", ["mod", "download", "-json", module], options);
  const temporary = `${path}.${process.pid}.tmp`;
  await writeFile(temporary, await readFile(join((JSON.parse(stdout) as { Dir: string }).Dir, recipe.package)));
  await rename(temporary, path);
}

async function buildOne(name: Name, path: string): Promise<void> {
  const recipe = recipes[name];
  const version = versionOf(name);
  const flags = ["-s", "-w", ...(recipe.linkerFlags?.(version) ?? [])];
  const args = ["build", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", flags.join(" ")];
  if (recipe.tags) args.push("-tags", recipe.tags);
  const temporary = `${path}.${process.pid}.tmp`;
  args.push("-o", temporary, recipe.package);

  const started = Date.now();
  const elapsed = () => `${Math.round((Date.now() - started) / 1000)} s`;
  say(`building ${recipe.file} ${version} ...`);
  const progress = setInterval(() => say(`  still building ${recipe.file}, ${elapsed()} so far`), 30_000);
  const removeAtExit = () => rmSync(temporary, { force: true });
  process.once("exit", removeAtExit);
  try {
    const child = spawn("go", args, {
      cwd: sourceFolder(recipe.module),
      env: goEnv(),
      stdio: ["ignore", "inherit", "inherit"],
    });
    const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => resolve(code ?? signal));
    });
    if (code !== 0) {
      throw new Error(
        `go could not build ${recipe.file} ${version} (${code}); its own message is above. A first build needs ` +
          "a Go module proxy, about 6 GB of disk for Go's caches, and 4 GB of memory.",
      );
    }
    await rename(temporary, path);
  } finally {
    clearInterval(progress);
    process.off("exit", removeAtExit);
    await rm(temporary, { force: true });
  }
  say(`built ${recipe.file} in ${elapsed()} (${Math.round((await stat(path)).size / 1e6)} MB)`);
}

function goEnv(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: "0", GOWORK: "off" };
}

/**
 * One builder at a time. The holder touches the file every few seconds, so one that was killed does not block the next.
 * (Builds are atomic anyway: two at once would only be slow.)
 */
async function lock(path: string): Promise<() => Promise<void>> {
  const staleAfterMs = 20_000;
  for (let waited = false; ; ) {
    try {
      await (await open(path, "wx")).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const touched = await stat(path).then(
      (file) => file.mtimeMs,
      () => 0, // released just now
    );
    if (Date.now() - touched > staleAfterMs) {
      await rm(path, { force: true });
      continue;
    }
    if (!waited) say(`another run is building (it holds ${path}); waiting for it ...`);
    waited = true;
    await sleep(1000);
  }
  const heartbeat = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), 5000);
  const removeAtExit = () => rmSync(path, { force: true });
  process.once("exit", removeAtExit);
  return async () => {
    clearInterval(heartbeat);
    process.off("exit", removeAtExit);
    await rm(path, { force: true });
  };
}

function list(wanted: Name[]): string {
  return wanted.map((name) => recipes[name].file).join(", ");
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  // So that the exit handlers run and leave neither a lock nor half a binary.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  try {
    const paths = await binaries({ build: true });
    for (const name of names) process.stdout.write(`${recipes[name].file} ${versionOf(name)}  ${paths[name]}\n`);
  } catch (error) {
    say(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
