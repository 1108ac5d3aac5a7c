import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { usageError } from "../exit.ts";

/** A commit's files, laid out aside. */
export interface GitBase {
  /** The repository's root, links followed. */
  readonly root: string;
  /** Where the commit's files lie. */
  readonly folder: string;
  drop(): void;
}

/** Branches, tags, commits and what git derives from them (`origin/main`, `HEAD~2`, `v1^`); no options, no ranges, no searches. */
const REF = /^[A-Za-z0-9][A-Za-z0-9._/~^@-]{0,199}$/;
const MOST_BYTES = 2 ** 20;

/** @throws BadInput if there is no repository here, or no such commit in it */
export const gitBase = (ref: string): GitBase => {
  if (!REF.test(ref))
    throw usageError(
      `${ref} is neither a folder nor a commit's name`,
      "give a folder of rendered manifests, or a branch, tag or commit",
    );
  const root = git(["rev-parse", "--show-toplevel"], `--base ${ref} needs a git repository, and there is none here`);
  const commit = git(
    ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`],
    `there is no commit ${ref} in ${root}, and no such folder`,
    "fetch it first (in CI a shallow clone has one commit only), or give a folder of rendered manifests",
  );
  const aside = mkdtempSync(join(tmpdir(), "servetwin-base-"));
  const drop = (): void => rmSync(aside, { recursive: true, force: true });
  try {
    const folder = join(aside, "tree");
    mkdirSync(folder);
    const archive = join(aside, "tree.tar");
    git(["-C", root, "archive", "--format=tar", `--output=${archive}`, commit], `the files of ${ref} can't be read`);
    execFileSync("tar", ["-xf", archive, "-C", folder], { stdio: ["ignore", "ignore", "pipe"] });
    return { root: realpathSync(root), folder, drop };
  } catch (error) {
    drop();
    throw error;
  }
};

const git = (args: readonly string[], otherwise: string, fix?: string): string => {
  try {
    return execFileSync("git", args, {
      encoding: "utf8",
      maxBuffer: MOST_BYTES,
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  } catch (error) {
    const { code, stderr } = error as NodeJS.ErrnoException & { stderr?: string };
    if (code === "ENOENT")
      throw usageError("--base with a commit needs git, and there is none", "install git, or give a folder");
    const said = (stderr ?? "").trim().split("\n").at(-1) ?? "";
    throw usageError(said === "" ? otherwise : `${otherwise}: ${said}`, fix);
  }
};
