import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { load } from "js-yaml";
import { describeProblem } from "../../model/problem.ts";
import type { KubeObject, Store } from "../../store/store.ts";
import { type Discovery, discover, namesOf } from "../../twin/discovery.ts";
import { collect } from "../collect.ts";
import { BadInput, usageError } from "../exit.ts";
import { storeOfFiles } from "../inputs.ts";
import { type LimitOptions, limitsOf, withLimitOptions } from "../limit-options.ts";
import { type Prepared, prepare } from "../prepare.ts";
import { starterManifest } from "../starter-manifest.ts";

interface Options extends LimitOptions {
  readonly filename: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: string;
  readonly output: string;
  readonly force: boolean;
}

export const init = (program: Command): void => {
  const command = program
    .command("init")
    .description("find inference deployments in a folder or a cluster, and write a simulation of each, ready to run")
    .option("-f, --filename <path>", "manifests: a file, a folder or -; may be repeated", collect, [])
    .option("--kubeconfig <file>", "the cluster to look in")
    .option("--context <name>", "of the kubeconfig")
    .option("-n, --namespace <name>", "look in this namespace only")
    .option("-o, --output <dir>", "where to write, one file each; - for standard output", ".")
    .option("--force", "overwrite files that are there", false);
  withLimitOptions(command)
    .addHelpText(
      "after",
      `
Examples:
  servetwin init -f manifests -o simulations
  servetwin run -f manifests -f simulations
  servetwin init --kubeconfig ~/.kube/config -n inference -o -`,
    )
    .action(async (options: Options) => {
      const { store, close } = await openStore(options);
      try {
        await writeAll(await simulationsOf(store, options), options);
      } finally {
        close();
      }
    });
};

interface Opened {
  readonly store: Store;
  close(): void;
}

const openStore = async ({ filename, kubeconfig, context, namespace }: Options): Promise<Opened> => {
  const asked = Number(filename.length > 0) + Number(kubeconfig !== undefined || context !== undefined);
  if (asked !== 1) throw usageError("say where to look", "name manifests with -f, or a cluster with --kubeconfig");
  if (filename.length > 0) return { store: storeOfFiles(filename), close: () => undefined };
  const { openCluster } = await import("../cluster.ts");
  return openCluster({
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(context === undefined ? {} : { context }),
    ...(namespace === undefined ? {} : { namespaces: [namespace] }),
  });
};

interface Started {
  readonly file: string;
  readonly text: string;
}

/** Each is mirrored before it is written: what can't be simulated yet is told with what is missing. @throws BadInput if there is none */
const simulationsOf = async (store: Store, options: Options): Promise<readonly Started[]> => {
  const objects = {
    get: (kind: string, namespace: string, name: string) =>
      store.list(kind, namespace).find(({ object }) => object.metadata.name === name)?.object,
    list: (kind: string, namespace?: string) => store.list(kind, namespace).map(({ object }) => object),
  };
  const found = discover(objects, options.namespace);
  if (found.length === 0) {
    const where = options.namespace === undefined ? "" : ` in namespace ${options.namespace}`;
    throw usageError(
      `nothing that serves a model was found${where}`,
      "docs/mirrored-kinds.md lists what is looked for",
    );
  }
  const started: Started[] = [];
  for (const one of found) {
    const prepared = await mirrored(store, one, options);
    if (prepared instanceof BadInput) {
      process.stderr.write(`${namesOf(one.workloads)} can't be simulated as it is:\n`);
      for (const problem of prepared.problems) process.stderr.write(`  ${describeProblem(problem)}\n`);
      continue;
    }
    const { warnings } = prepared;
    if (warnings.length > 0) {
      const count = `${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"}`;
      process.stderr.write(`${one.namespace}/${one.name}: ${count}, see \`servetwin explain\`\n`);
    }
    started.push({ file: fileOf(one), text: starterManifest(one, prepared.scenario) });
  }
  if (started.length === 0)
    throw usageError("nothing was written: of what was found, nothing can be simulated as it is");
  return started;
};

/** Names of objects are names of files; what a folder calls its objects need not be. */
const fileOf = ({ namespace, name }: Discovery): string =>
  `${`${namespace}-${name}`.replaceAll(/[^A-Za-z0-9.-]/g, "-")}.yaml`;

const mirrored = async (store: Store, found: Discovery, options: Options): Promise<Prepared | BadInput> => {
  const object = load(starterManifest(found)) as KubeObject;
  try {
    return await prepare(store, { object }, limitsOf(options), []);
  } catch (error) {
    if (error instanceof BadInput) return error;
    throw error;
  }
};

const writeAll = async (all: readonly Started[], { output, force }: Options): Promise<void> => {
  if (output === "-") {
    process.stdout.write(all.map(({ text }) => text).join("---\n"));
    return;
  }
  const there = all.map(({ file }) => join(output, file)).filter((path) => existsSync(path));
  if (there.length > 0 && !force) {
    throw usageError(
      `${there.join(", ")} is there already, and nothing was written`,
      "choose another -o, or overwrite with --force",
    );
  }
  mkdirSync(output, { recursive: true });
  for (const { file, text } of all) {
    const path = join(output, file);
    writeFileSync(path, text);
    process.stdout.write(`${path}${there.includes(path) ? " (overwritten)" : ""}\n`);
  }
};
