import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Problem, sayProblem } from "../model/problem.ts";
import { type ManifestFile, manifestStore } from "../store/manifests.ts";
import type { Store, StoredObject } from "../store/store.ts";
import { BadInput, usageError } from "./exit.ts";

const MANIFEST = /\.(ya?ml|json)$/;

/**
 * A store of the manifests named by `-f`: files, folders (their manifests), or `-` for standard input.
 * @param doubt told of what can be read, yet is hardly meant: a kind that is misspelt, a file that holds no manifest
 * @throws BadInput with every malformed file
 */
export const storeOfFiles = (paths: readonly string[], doubt: (warning: Problem) => void = print): Store => {
  const files = paths.flatMap(filesAt);
  const [first] = paths;
  const folder =
    first === undefined || first === "-" ? process.cwd() : statSync(first).isDirectory() ? first : dirname(first);
  const store = manifestStore(files, folder);
  const errors = store.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new BadInput(errors);
  for (const warning of store.problems) doubt(warning);
  return store;
};

const print = (warning: Problem): void => void process.stderr.write(`${sayProblem(warning)}\n`);

/** The texts of a file, of a folder's files, or of standard input. @throws BadInput */
export const filesAt = (path: string): ManifestFile[] => {
  if (path === "-") return [{ file: "standard input", text: readFileSync(0, "utf8") }];
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined)
    throw usageError(
      `there is no file or folder ${path}`,
      "name a manifest, a folder of manifests, or - for standard input",
    );
  if (!facts.isDirectory()) return [{ file: path, text: readFileSync(path, "utf8") }];
  return readdirSync(path)
    .filter((name) => MANIFEST.test(name))
    .sort()
    .map((name) => ({ file: join(path, name), text: readFileSync(join(path, name), "utf8") }));
};

/** The simulations to act on. @throws BadInput if there is none, or none of that name */
export const simulationsIn = (store: Store, name: string | undefined): readonly StoredObject[] => {
  const all = store.list("InferenceSimulation");
  const wanted =
    name === undefined ? all : all.filter(({ object }) => nameOf(object) === name || object.metadata.name === name);
  if (wanted.length > 0) return wanted;
  if (name === undefined)
    throw usageError(
      "there is no InferenceSimulation in what was given",
      "add one; `servetwin crds` and docs/crd.md say what it looks like",
    );
  throw usageError(
    `there is no InferenceSimulation ${name}`,
    `there is: ${all.map(({ object }) => nameOf(object)).join(", ") || "none"}`,
  );
};

const nameOf = (object: StoredObject["object"]): string =>
  `${object.metadata.namespace ?? "default"}/${object.metadata.name}`;
