import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { Problem } from "../../model/problem.ts";
import { type ManifestFile, readManifests } from "../../store/manifests.ts";
import type { StoredObject } from "../../store/store.ts";
import { BadInput, usageError } from "../exit.ts";

/** Objects that manifests say, with the file and the line of each. */
export interface Rendered {
  readonly objects: readonly StoredObject[];
  readonly warnings: readonly Problem[];
  /** Texts of the files, by name; not of what a tool or somebody else has rendered, whose lines are nobody's. */
  readonly texts: ReadonlyMap<string, string>;
  /** Of them, the folder that traces lie below. Left out: they came from standard input. */
  readonly folder?: string;
}

const MANIFEST = /\.(ya?ml|json)$/;
const MOST_FILES = 5000;
/** Of what a tool prints. */
const MOST_BYTES = 64 * 2 ** 20;
const TOOL_SECONDS = 120;

/**
 * What a file, a folder with those below it, or `-` says. A folder with a kustomization or a chart is rendered by kustomize
 * (or kubectl) or helm, if there is one; nothing goes through a shell.
 * @param root what file names are told relative to; left out: as they were given
 * @throws BadInput with all that is wrong with the manifests
 */
export const rendered = (path: string, root?: string): Rendered => {
  const files = filesOf(path).map(({ file, text }) => ({
    file: root === undefined || path === "-" ? file : relative(root, realpathSync(file)),
    text,
  }));
  const read = files.map(({ file, text }) => readManifests(text, file));
  const problems = read.flatMap((one) => one.problems);
  const errors = problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new BadInput(errors);
  const folder = path === "-" ? undefined : isFolder(path) ? path : join(path, "..");
  return {
    objects: read.flatMap(({ objects }) => objects),
    warnings: problems,
    texts: new Map(files.flatMap(({ file, text }) => (MANIFEST.test(file) ? [[file, text] as const] : []))),
    ...(folder === undefined ? {} : { folder }),
  };
};

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

const filesOf = (path: string): readonly ManifestFile[] => {
  if (path === "-") return [{ file: "standard input", text: readFileSync(0, "utf8") }];
  if (!existsSync(path)) {
    throw usageError(
      `there is no file or folder ${path}`,
      "name a manifest, a folder of manifests, or - for standard input",
    );
  }
  if (!isFolder(path)) return [{ file: path, text: readFileSync(path, "utf8") }];
  if (KUSTOMIZATIONS.some((name) => existsSync(join(path, name)))) return [{ file: path, text: kustomized(path) }];
  if (existsSync(join(path, "Chart.yaml")))
    return [{ file: path, text: run("helm", ["template", "release", path], path) }];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter(
      (name) => MANIFEST.test(name) && !name.split("/").some((part) => part.startsWith(".") || part === "node_modules"),
    )
    .sort();
  if (names.length > MOST_FILES) {
    throw usageError(`${path} holds ${names.length} manifests, more than ${MOST_FILES}`, "name a folder further down");
  }
  return names.map((name) => ({ file: join(path, name), text: readFileSync(join(path, name), "utf8") }));
};

const KUSTOMIZATIONS = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const kustomized = (folder: string): string => {
  try {
    return run("kustomize", ["build", folder], folder);
  } catch (error) {
    if (!(error instanceof ToolMissing)) throw error;
    return run("kubectl", ["kustomize", folder], folder);
  }
};

class ToolMissing extends BadInput {}

const run = (tool: string, args: readonly string[], folder: string): string => {
  try {
    return execFileSync(tool, args, {
      encoding: "utf8",
      maxBuffer: MOST_BYTES,
      timeout: TOOL_SECONDS * 1000,
      stdio: ["ignore", "pipe", "pipe"],
    });
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT") {
      const fix = `install ${tool}, or render it yourself and give the output with -f -`;
      throw new ToolMissing([problem("ToolMissing", folder, `needs ${tool} to be rendered, and there is none`, fix)]);
    }
    const said = (stderr ?? message).trim().split("\n").slice(-3).join(" ");
    throw new BadInput([
      problem(
        "NotRendered",
        folder,
        `${tool} can't render it: ${said}`,
        `mend it until \`${tool} ${args.join(" ")}\` succeeds`,
      ),
    ]);
  }
};

const problem = (reason: string, file: string, message: string, fix: string): Problem => ({
  severity: "error",
  reason,
  file,
  message,
  fix,
});
