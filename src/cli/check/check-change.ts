import { existsSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { describeProblem } from "../../model/problem.ts";
import type { StoredObject } from "../../store/store.ts";
import { commandPool } from "../command-pool.ts";
import { BadInput, EXIT, type ExitCode, usageError } from "../exit.ts";
import type { Answer } from "../format.ts";
import { type LimitOptions, limitsOf } from "../limit-options.ts";
import {
  type ComparedParts,
  type ComparedSimulation,
  type LeftOut,
  look,
  writtenSimulations,
} from "../preview/compared-simulations.ts";
import { locator } from "../preview/locate.ts";
import { changedObjects, identityOf, nameOf } from "../preview/objects.ts";
import { type Rendered, rendered } from "../preview/rendered.ts";
import { runPreviews } from "../preview/run-previews.ts";
import { exitOfPreviews } from "../preview/verdict.ts";
import type { UrlOptions } from "../url-options.ts";
import { type GitBase, gitBase } from "./git-base.ts";

/** What `servetwin check` is told. */
export interface CheckOptions extends LimitOptions, UrlOptions {
  readonly filename: readonly string[];
  readonly base: string;
  readonly simulation?: string;
  readonly budget: number;
  readonly timeout?: number;
  readonly threads: number;
}

/** What a pull request does to every platform that it concerns, and the exit code. @throws BadInput, TimedOut */
export const checkChange = async (
  options: CheckOptions,
): Promise<{ readonly answer: Answer; readonly exitCode: ExitCode }> => {
  const git = existsSync(options.base) ? undefined : gitBase(options.base);
  const pool = commandPool(options.threads);
  try {
    const head = merged(options.filename.map((path) => rendered(path, git?.root)));
    const base = git === undefined ? merged([rendered(options.base)]) : merged(basesOf(options.filename, git));
    for (const warning of head.warnings) process.stderr.write(`warning: ${describeProblem(warning)}\n`);
    // Traces are those of the head: both sides answer one question.
    const beyond = head.folder === undefined ? {} : { folder: head.folder };
    const parts: ComparedParts = {
      before: { objects: base.objects, beyond },
      after: { objects: head.objects, beyond },
      limits: limitsOf(options),
      allowedUrls: options.allowUrl,
      tokens: options.prometheusTokenFile,
    };
    const { compared, leftOut } = await everySimulation(parts, options);
    for (const { name, change } of compared) {
      const { prometheus } = change.simulation.spec.workload;
      if (prometheus === undefined || prometheus.until !== undefined) continue;
      process.stderr.write(
        `warning: ${name}: the traffic is production's until now: set workload.prometheus.until, so that the same commit gives the same result\n`,
      );
    }
    const previews = await runPreviews(compared, {
      pool,
      budget: options.budget,
      threads: options.threads,
      maxTraceBytes: parts.limits.maxTraceBytes,
      ...(options.timeout === undefined ? {} : { timeoutSeconds: options.timeout }),
    });
    const objects = changedObjects(base.objects, head.objects).flatMap(({ before, after }) =>
      [after ?? before].flatMap((one) => (one === undefined ? [] : [nameOf(one.object)])),
    );
    const answer = { objects, previews, leftOut, locate: locator(head.objects, head.texts) };
    return { answer, exitCode: previews.length === 0 ? EXIT.met : exitOfPreviews(previews) };
  } finally {
    git?.drop();
    await pool.close();
  }
};

/** Several sets of manifests as one. @throws BadInput if they say an object twice */
const merged = (all: readonly Rendered[]): Rendered => {
  const objects = all.flatMap((one) => one.objects);
  const first = new Map<string, StoredObject>();
  for (const one of objects) {
    const other = first.get(identityOf(one.object));
    if (other !== undefined) {
      const places = `${other.file}:${other.line} and ${one.file}:${one.line}`;
      throw usageError(
        `${nameOf(one.object)} is said twice, in ${places}`,
        "remove one, or check one overlay at a time",
      );
    }
    first.set(identityOf(one.object), one);
  }
  const [folder] = all.flatMap((one) => one.folder ?? []);
  return {
    objects,
    warnings: all.flatMap(({ warnings }) => warnings),
    texts: new Map(all.flatMap(({ texts }) => [...texts])),
    ...(folder === undefined ? {} : { folder }),
  };
};

/** The same paths as they were; those that were not there had no objects. */
const basesOf = (paths: readonly string[], git: GitBase): readonly Rendered[] =>
  paths.flatMap((path) => {
    if (path === "-")
      throw usageError("-f - has no base in git", "give the rendered base as a file or a folder with --base");
    const inside = relative(git.root, realpathSync(resolve(path)));
    if (isAbsolute(inside) || inside.startsWith(".."))
      throw usageError(`${path} lies outside the repository ${git.root}`, "give --base as a folder");
    const there = join(git.folder, inside);
    return existsSync(there) ? [renderedBase(there, git)] : [];
  });

/** What is wrong with it is wrong with the base: better told so. */
const renderedBase = (path: string, git: GitBase): Rendered => {
  try {
    return rendered(path, git.folder);
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    throw new BadInput(error.problems.map((problem) => ({ ...problem, message: `of the base: ${problem.message}` })));
  }
};

const everySimulation = async (
  parts: ComparedParts,
  { simulation }: CheckOptions,
): Promise<{ readonly compared: readonly ComparedSimulation[]; readonly leftOut: readonly LeftOut[] }> => {
  const written = writtenSimulations(parts, simulation);
  if (written.length === 0) {
    throw usageError(
      simulation === undefined
        ? "there is no InferenceSimulation in what -f gives"
        : `there is no InferenceSimulation ${simulation}`,
      "keep one beside the manifests: it says what traffic there is, and what has to be met (docs/check.md)",
    );
  }
  const looked = [];
  for (const { said, before } of written) looked.push(await look(said, before, parts));
  const broken = looked.flatMap((one) => (one.kind === "broken" ? one.problems : []));
  if (broken.length > 0) throw new BadInput(broken);
  return {
    compared: looked.flatMap((one) => (one.kind === "changed" ? [one.compared] : [])),
    leftOut: looked.flatMap((one) => ("left" in one ? [one.left] : [])),
  };
};
