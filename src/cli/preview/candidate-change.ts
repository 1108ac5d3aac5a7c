import { clusterOf, read } from "../../operator/read.ts";
import type { Candidate } from "../../schema/candidate.ts";
import { parseSimulation } from "../../schema/parse.ts";
import { KIND } from "../../schema/resource.ts";
import { objectStore } from "../../store/manifests.ts";
import type { KubeObject, StoredObject } from "../../store/store.ts";
import { changedBy } from "../../twin/candidate.ts";
import { BadInput, usageError } from "../exit.ts";
import { type ComparedParts, type Side, writtenSimulations } from "./compared-simulations.ts";
import { identityOf, nameOf } from "./objects.ts";
import type { PreviewCommandOptions } from "./options.ts";
import { saidOtherwise } from "./traffic.ts";

/**
 * The change that a candidate of an InferenceSimulation is: what is there on the one side, and with the candidate's patches on the
 * other. Candidates themselves are left out of both: they are other questions.
 *
 * @throws BadInput if there is none, or several have, or the patches do not apply
 */
export const candidateChange = async (
  candidate: string,
  options: PreviewCommandOptions,
  parts: ComparedParts,
): Promise<Pick<ComparedParts, "before" | "after">> => {
  const stored = saidOtherwise(withCandidate(candidate, options.simulation, parts), options);
  const { objects, beyond } = parts.before;
  const store = objectStore(objects, beyond);
  const { limits, allowedUrls, tokens } = parts;
  const parsed = parseSimulation(stored.object, placeOf(stored));
  if (!parsed.ok) throw new BadInput(parsed.problems);
  const simulation = parsed.value;
  // What the baseline reads, and not what other candidates do: patches may leave the name of their object out.
  const found = await read(alone(stored), { store, limits, allowedUrls, tokens, lastTraffic: new Map() });
  if (!found.ok) throw new BadInput(found.problems.filter(({ severity }) => severity === "error"));
  const index = candidateNames(stored.object).indexOf(candidate);
  const changed = changedBy(simulation.spec.candidates[index] as Candidate, index, {
    simulation,
    cluster: clusterOf(store, simulation.metadata.namespace),
    stored: stored.object,
    reads: found.value.reads,
  });
  if (!changed.ok) throw new BadInput(changed.problems.map((problem) => ({ ...placeOf(stored), ...problem })));
  const put = [...changed.value.objects, changed.value.stored] as readonly KubeObject[];
  // What the command line says of the simulation, it says of both sides.
  const there = withPut(objects, [stored.object]);
  const side = (all: readonly StoredObject[]): Side => ({ objects: all.map(alone), beyond });
  return { before: side(there), after: side(withPut(there, put)) };
};

const placeOf = ({ object, file, line }: StoredObject) => ({
  object: nameOf(object),
  ...(file === undefined ? {} : { file }),
  ...(line === undefined ? {} : { line }),
});

const withCandidate = (candidate: string, simulation: string | undefined, parts: ComparedParts): StoredObject => {
  const written = writtenSimulations(parts, simulation).map(({ said }) => said);
  const having = written.filter(({ object }) => candidateNames(object).includes(candidate));
  const [only] = having;
  if (only !== undefined && having.length === 1) return only;
  if (only !== undefined)
    throw usageError(
      `${having.length} InferenceSimulations have a candidate ${candidate}: ${having.map(({ object }) => nameOf(object)).join(", ")}`,
      "choose one with --simulation",
    );
  const there = written.map(({ object }) => `${nameOf(object)} (${candidateNames(object).join(", ") || "none"})`);
  throw usageError(
    `no InferenceSimulation${simulation === undefined ? "" : ` ${simulation}`} has a candidate ${candidate}`,
    there.length === 0 ? "give it with -f, or where the platform is" : `candidates there are: ${there.join("; ")}`,
  );
};

const candidateNames = ({ spec }: KubeObject): readonly string[] => {
  const { candidates } = (spec ?? {}) as { candidates?: unknown };
  return Array.isArray(candidates) ? candidates.map((one) => String((one as { name?: unknown } | null)?.name)) : [];
};

/** Patched objects keep the place in the files that they had. */
const withPut = (objects: readonly StoredObject[], put: readonly KubeObject[]): readonly StoredObject[] => {
  const patched = new Map(put.map((object) => [identityOf(object), object]));
  const there = new Set(objects.map(({ object }) => identityOf(object)));
  return [
    ...objects.map((one) => ({ ...one, object: patched.get(identityOf(one.object)) ?? one.object })),
    ...put.filter((object) => !there.has(identityOf(object))).map((object) => ({ object })),
  ];
};

const alone = (one: StoredObject): StoredObject => {
  if (one.object.kind !== KIND) return one;
  const { candidates: _, ...spec } = (one.object.spec ?? {}) as Record<string, unknown>;
  return { ...one, object: { ...one.object, spec } };
};
