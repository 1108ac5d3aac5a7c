import { realpath, stat } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { Store } from "../store/store.ts";

export interface FolderFile {
  /** Resolved, links followed. */
  readonly path: string;
  readonly bytes: number;
  /** Tells this version from the next. */
  readonly digest: string;
}

/** What a spec names, for messages. */
export interface Wanted {
  readonly field: string;
  /** "the trace" */
  readonly what: string;
  /** Reason where it isn't there. */
  readonly missing: string;
  /** What else may be set. */
  readonly instead: string;
}

/** A file that a spec names: in folder mode only, and never outside the folder. */
export const fileInFolder = async (path: string, store: Store, wanted: Wanted): Promise<Result<FolderFile>> => {
  const { field, what, missing, instead } = wanted;
  const problem = (reason: string, message: string, fix: string): Result<never> => {
    const found: Problem = { severity: "error", field, reason, message, fix };
    return bad(found);
  };
  if (store.folder === undefined) return problem("PathNotAllowed", "files are read in folder mode only", instead);
  const root = await realpath(store.folder).catch(() => undefined);
  const file = root === undefined ? undefined : await realpath(resolve(root, path)).catch(() => undefined);
  if (root === undefined || file === undefined) {
    return problem(missing, `there is no file ${path} in ${store.folder}`, "name a file below the folder");
  }
  const inside = relative(root, file);
  if (isAbsolute(path) || inside.startsWith("..")) {
    return problem("PathNotAllowed", `${path} lies outside the folder`, `put ${what} below the folder`);
  }
  const facts = await stat(file);
  if (!facts.isFile()) return problem(missing, `${path} is not a file`, "name a file below the folder");
  return good({ path: file, bytes: facts.size, digest: `${facts.size}-${Math.round(facts.mtimeMs)}` });
};
