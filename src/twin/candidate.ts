import { applyPatch, type Operation } from "rfc6902";
import { isMapping, mappingOf } from "../model/mapping.ts";
import { bad, good, type Problem, type Result } from "../model/problem.ts";
import type { Candidate, CandidatePatch } from "../schema/candidate.ts";
import { parseSimulation } from "../schema/parse.ts";
import { type InferenceSimulation, KIND } from "../schema/resource.ts";
import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";
import { Overlay } from "./overlay.ts";

/** What a candidate is mirrored from, in place of the baseline's. */
export interface Changed {
  readonly simulation: InferenceSimulation;
  readonly cluster: ObservedCluster;
}

/** What a candidate makes of the baseline. */
export interface Patched extends Changed {
  /** The simulation as it would be stored, its overrides patched. */
  readonly stored: Manifest;
  /** The objects that are patched, in place of the mirrored ones or beside them. */
  readonly objects: readonly Manifest[];
}

export interface Baseline extends Changed {
  /** The simulation as it was stored: what patches of it apply to. */
  readonly stored: Manifest;
  /** What the baseline's mirror read; a patch that names no object means one of these. */
  readonly reads: readonly ManifestRef[];
}

/**
 * The mirrored objects with the patches of `spec.candidates[index]`. Nothing of the baseline is changed. All that is wrong
 * with the patches is told at once, each at its field.
 */
export const changedBy = (candidate: Candidate, index: number, baseline: Baseline): Result<Patched> => {
  const overlay = new Overlay(baseline.cluster);
  const problems: Problem[] = [];
  let stored = baseline.stored;
  candidate.patches.forEach((patch, i) => {
    const field = `spec.candidates[${index}].patches[${i}]`;
    const done =
      patch.target.kind === KIND ? patchOwn(stored, patch, field) : patchOne(overlay, patch, field, baseline);
    if (!done.ok) problems.push(...done.problems);
    else if (patch.target.kind === KIND) stored = done.value;
    else overlay.put(done.value);
  });
  if (problems.length > 0) return { ok: false, problems };
  const simulation =
    stored === baseline.stored ? good(baseline.simulation) : ownOverrides(stored, baseline.simulation, index);
  if (!simulation.ok) return simulation;
  return good({ simulation: simulation.value, cluster: overlay, stored, objects: overlay.own });
};

const patchOwn = (stored: Manifest, patch: CandidatePatch, field: string): Result<Manifest> => {
  const { name } = patch.target;
  if (name !== undefined && name !== stored.metadata.name) {
    const message = `a candidate changes its own simulation only, ${stored.metadata.name}`;
    return problem("NotMirrored", `${field}.target.name`, message, "leave name out");
  }
  return patched(stored, patch, field);
};

const patchOne = (
  cluster: ObservedCluster,
  patch: CandidatePatch,
  field: string,
  { simulation, reads }: Baseline,
): Result<Manifest> => {
  const { kind } = patch.target;
  const { namespace } = simulation.metadata;
  const found = namedBy(patch, field, reads, namespace);
  if (!found.ok) return found;
  const name = found.value;
  const existing = name === undefined ? undefined : cluster.get(kind, namespace, name);
  if (existing !== undefined) return patched(existing, patch, field);
  if (patch.replace !== undefined) return replacement(patch.replace, { kind, namespace, name }, field);
  return problem(
    "NotFound",
    `${field}.target`,
    `there is no ${kind} ${namespace}/${name}`,
    "name one that is mirrored",
  );
};

/** @returns the name of the object meant; undefined: `replace` brings a new one */
const namedBy = (
  { target: { kind, name }, replace }: CandidatePatch,
  field: string,
  reads: readonly ManifestRef[],
  namespace: string,
): Result<string | undefined> => {
  if (name !== undefined) return good(name);
  const names = reads.filter((ref) => ref.kind === kind && ref.namespace === namespace).map((ref) => ref.name);
  if (names.length === 1 || (names.length === 0 && replace !== undefined)) return good(names[0]);
  return names.length === 0
    ? problem(
        "NotMirrored",
        `${field}.target`,
        `the simulation mirrors no ${kind}`,
        "name an object, or bring one with replace",
      )
    : problem(
        "Ambiguous",
        `${field}.target`,
        `the simulation mirrors ${names.length} of kind ${kind}`,
        `set name to one of ${names.join(", ")}`,
      );
};

const patched = (manifest: Manifest, patch: CandidatePatch, field: string): Result<Manifest> => {
  const ref = refOf(manifest);
  if (patch.replace !== undefined) return replacement(patch.replace, ref, field);
  const changed =
    patch.merge === undefined
      ? operated(manifest, patch.json6902 as readonly Operation[], field)
      : good(merged(manifest, patch.merge) as Manifest);
  return changed.ok
    ? sameObject(changed.value, ref, `${field}.${patch.merge === undefined ? "json6902" : "merge"}`)
    : changed;
};

const operated = (manifest: Manifest, operations: readonly Operation[], field: string): Result<Manifest> => {
  const copy = structuredClone(manifest);
  for (const [i, operation] of operations.entries()) {
    const [error] = applyPatch(copy, [structuredClone(operation)]);
    if (error === null || error === undefined) continue;
    const message = `${operation.op} ${operation.path} can't be done: ${WHY[error.name] ?? error.message}`;
    return problem("PatchFailed", `${field}.json6902[${i}]`, message);
  }
  return good(copy);
};

const WHY: Readonly<Record<string, string>> = {
  MissingError: "there is nothing at this path",
  TestError: "the value there is another",
};

/** Source: RFC 7386 ("JSON Merge Patch"), section 2. */
const merged = (target: unknown, patch: unknown): unknown => {
  if (!isMapping(patch)) return patch;
  const result: Record<string, unknown> = isMapping(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else Object.defineProperty(result, key, { value: merged(result[key], value), ...PLAIN });
  }
  return result;
};

/** Even a key that is named `__proto__` is a key like any other. */
const PLAIN = { writable: true, enumerable: true, configurable: true };

/** A manifest brought whole; its namespace is the simulation's unless it says so itself. */
const replacement = (
  said: Readonly<Record<string, unknown>>,
  ref: { readonly kind: string; readonly namespace: string; readonly name: string | undefined },
  field: string,
): Result<Manifest> => {
  const metadata = mappingOf(said.metadata);
  const manifest = { ...said, metadata: { namespace: ref.namespace, ...metadata } } as unknown as Manifest;
  const name = ref.name ?? metadata.name;
  if (typeof name !== "string" || name === "")
    return problem("Required", `${field}.replace.metadata.name`, "is required", "set it to the object's name");
  return sameObject(manifest, { ...ref, name }, `${field}.replace`);
};

/** A patch changes what an object says, not which object it is. */
const sameObject = (manifest: Manifest, ref: ManifestRef, field: string): Result<Manifest> => {
  const metadata: Readonly<Record<string, unknown>> = mappingOf(manifest.metadata);
  const is = { kind: manifest.kind, namespace: metadata.namespace ?? "default", name: metadata.name };
  for (const part of ["kind", "namespace", "name"] as const) {
    if (is[part] === ref[part]) continue;
    const at = part === "kind" ? "kind" : `metadata.${part}`;
    return problem(
      "OtherObject",
      `${field}.${at}`,
      `is ${String(is[part])}, not ${ref[part]}`,
      `set it to ${ref[part]}`,
    );
  }
  return good(manifest);
};

/** Of the simulation itself a candidate changes what it overrides; all else would compare two different questions. */
const ownOverrides = (stored: Manifest, baseline: InferenceSimulation, index: number): Result<InferenceSimulation> => {
  const parsed = parseSimulation(stored, {});
  const field = `spec.candidates[${index}]`;
  if (!parsed.ok) {
    return {
      ok: false,
      problems: parsed.problems.map(({ field: at, ...rest }) => ({
        ...rest,
        field,
        message: `${at ?? "spec"}: ${rest.message}`,
      })),
    };
  }
  const rest = ({ spec: { overrides: _, ...spec } }: InferenceSimulation): string => JSON.stringify(spec);
  if (rest(parsed.value) === rest(baseline)) return good(parsed.value, parsed.warnings);
  return problem(
    "NotComparable",
    field,
    "changes more of the simulation than spec.overrides",
    "keep traffic, run and objectives as they are",
  );
};

const problem = (reason: string, field: string, message: string, fix?: string): Result<never> =>
  bad({ severity: "error", reason, field, message, ...(fix === undefined ? {} : { fix }) });
