import { good, type Problem, type Result } from "../../model/problem.ts";
import { increaseOf } from "../../report/objectives.ts";
import { type InferenceSimulation, KIND } from "../../schema/resource.ts";
import type { Sweep, SweepParameter } from "../../schema/sweep.ts";
import type { KubeObject, Store, StoredObject } from "../../store/store.ts";
import type { ManifestRef } from "../../twin/manifest.ts";
import { valueAt } from "../../twin/sweep/patches.ts";
import { axesOf, sizeOf } from "../../twin/sweep/space.ts";
import type { Read } from "../read.ts";

/** A parameter and the one object that it is a field of. */
export interface Found {
  readonly parameter: SweepParameter;
  readonly object: KubeObject;
  /** `Kind/namespace/name`. */
  readonly name: string;
}

export interface Asked {
  readonly simulation: InferenceSimulation;
  readonly sweep: Sweep;
  /** Values per parameter. */
  readonly lengths: readonly number[];
  /** What the simulation was mirrored from. */
  readonly reads: readonly ManifestRef[];
  readonly store: Pick<Store, "list">;
}

/** The objects meant; or all that is wrong with the parameters and the budget. */
export const foundIn = (
  stored: StoredObject,
  { simulation, sweep, lengths, reads, store }: Asked,
): Result<readonly Found[]> => {
  const { namespace, name } = simulation.metadata;
  const problems: Problem[] = [];
  const say = (reason: string, field: string, message: string, fix: string): void => {
    problems.push({ severity: "error", object: `${KIND}/${namespace}/${name}`, field, reason, message, fix });
  };
  if (simulation.spec.objectives.length === 0) {
    const fix = "say what has to be met, such as { metric: ttft, percentile: 99, atMost: 1s }";
    say(
      "NoObjectives",
      "spec.objectives",
      "a sweep looks for the cheapest that meets the objectives, and none is said",
      fix,
    );
  }
  for (const [i, objective] of simulation.spec.objectives.entries()) {
    if (increaseOf(objective) === undefined) continue;
    const message = `a sweep holds nothing against today's platform, and ${objective.atMost} is relative to it`;
    say("RelativeObjective", `spec.objectives[${i}].atMost`, message, "say the bound itself, such as 800ms or 48");
  }
  const size = sizeOf(lengths);
  if (sweep.search === "Grid" && size > sweep.candidates) {
    const message = `the grid has ${size.toLocaleString("en-US")} combinations, and candidates allows ${sweep.candidates}`;
    const fix = "choose larger steps or fewer parameters, or search: Bayesian, which tries only as many as allowed";
    say("TooManyCombinations", "spec.sweep.parameters", message, fix);
  }
  const found = sweep.parameters.flatMap((parameter, i): Found[] => {
    const field = `spec.sweep.parameters[${i}]`;
    const { kind, name: wanted } = parameter.target;
    if (kind === KIND) {
      if (parameter.path.startsWith("/spec/overrides/"))
        return [{ parameter, object: stored.object, name: `${KIND}/${namespace}/${name}` }];
      const message = "of the simulation only what it overrides can vary";
      say("NotComparable", `${field}.path`, message, "choose a path below /spec/overrides/");
      return [];
    }
    const names = reads.filter((ref) => ref.kind === kind && ref.namespace === namespace).map((ref) => ref.name);
    const meant = names.filter((one) => wanted === undefined || one === wanted);
    const object = store.list(kind, namespace).find((one) => one.object.metadata.name === meant[0])?.object;
    if (meant.length !== 1 || object === undefined) {
      const message =
        meant.length > 1
          ? `the simulation mirrors ${meant.length} of kind ${kind}`
          : `the simulation mirrors no ${kind}${wanted === undefined ? "" : ` ${wanted}`}`;
      const fix =
        names.length > 0
          ? `set name to one of ${names.join(", ")}`
          : `it mirrors ${[...new Set(reads.map((ref) => `${ref.kind} ${ref.name}`))].join(", ")}`;
      say(meant.length > 1 ? "Ambiguous" : "NotMirrored", `${field}.target`, message, fix);
      return [];
    }
    const full = `${kind}/${namespace}/${meant[0]}`;
    if (valueAt(object, parameter.path) === undefined) {
      const message = `${full} has nothing at ${parameter.path}`;
      say(
        "NoSuchField",
        `${field}.path`,
        message,
        `${thereIn(object, parameter.path)}; or set the field in the manifest first`,
      );
      return [];
    }
    return [{ parameter, object, name: full }];
  });
  return problems.length > 0 ? { ok: false, problems } : good(found);
};

/** All that is wrong with the simulation's sweep, if it has one. */
export const sweepProblems = (
  stored: StoredObject,
  { simulation, reads }: Read,
  store: Pick<Store, "list">,
): readonly Problem[] => {
  const { sweep } = simulation.spec;
  if (sweep === undefined) return [];
  const lengths = axesOf(sweep.parameters).map((axis) => axis.length);
  const found = foundIn(stored, { simulation, sweep, lengths, reads, store });
  return found.ok ? [] : found.problems;
};

/** What could have been meant: the fields of the last part of the path that is there. */
const thereIn = (object: KubeObject, path: string): string => {
  let at = path;
  let held: unknown;
  do {
    at = at.slice(0, at.lastIndexOf("/"));
    held = valueAt(object, at);
  } while (at !== "" && (typeof held !== "object" || held === null));
  return `at ${at === "" ? "/" : at} there is ${Object.keys((at === "" ? object : held) as object).join(", ")}`;
};
