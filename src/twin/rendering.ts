import { describeSource, known, type Source } from "../model/known.ts";
import { objectText } from "../model/object-text.ts";
import type { Problem } from "../model/problem.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { MadeObject } from "./composite.ts";
import type { MirroredValue } from "./ledger.ts";
import { type Manifest, type ObservedCluster, refOf } from "./manifest.ts";
import { Overlay } from "./overlay.ts";
import { compositeReaders } from "./readers/index.ts";

/** A simulation that names workloads themselves, where the one given names objects whose controllers make them. */
export interface Rendering {
  readonly simulation: InferenceSimulation;
  /** With what the controllers make, where it isn't there already. */
  readonly cluster: ObservedCluster;
  /** Objects whose controllers make others. */
  readonly makers: readonly Manifest[];
  /** Who makes which workload. */
  readonly values: readonly MirroredValue[];
  readonly problems: readonly Problem[];
  /** Says of a field of an object that is only made here where its value is really from. */
  source(from: Source): Source;
  place(problem: Problem): Problem;
}

/**
 * Replaces each composite of spec.mirror.workloads by the workloads that its controller makes. Objects that are there are
 * facts and count; others are rendered. A candidate that changes the composite has all of them rendered.
 *
 * @returns undefined where the simulation names none
 */
export const renderingOf = (simulation: InferenceSimulation, cluster: ObservedCluster): Rendering | undefined => {
  const { namespace } = simulation.metadata;
  const { mirror } = simulation.spec;
  if (!mirror.workloads.some(({ kind }) => readerOf(kind) !== undefined)) return undefined;
  const renderer = new Renderer(cluster);
  const workloads = mirror.workloads.flatMap((said) => renderer.workloadsOf(said, namespace));
  const spec = { ...simulation.spec, mirror: { ...mirror, workloads } };
  const { overlay, makers, problems, values } = renderer;
  const origins = new Origins(renderer.made);
  return {
    simulation: { ...simulation, spec },
    cluster: overlay,
    makers,
    values,
    problems,
    source: (from) => origins.source(from),
    place: (problem) => origins.place(problem),
  };
};

const readerOf = (kind: string) => compositeReaders.find((reader) => reader.kind === kind);

type Workload = InferenceSimulation["spec"]["mirror"]["workloads"][number];

interface Made extends MadeObject {
  readonly maker: Manifest;
  readonly controller: string;
}

class Renderer {
  readonly overlay: Overlay;
  readonly makers: Manifest[] = [];
  readonly made: Made[] = [];
  readonly values: MirroredValue[] = [];
  readonly problems: Problem[] = [];
  readonly #below: ObservedCluster;

  constructor(below: ObservedCluster) {
    this.#below = below;
    this.overlay = new Overlay(below);
  }

  /** @returns what it was where it is no composite, or one that isn't there */
  workloadsOf(said: Workload, namespace: string): readonly Workload[] {
    const reader = readerOf(said.kind);
    const maker = reader === undefined ? undefined : this.#below.get(said.kind, namespace, said.name);
    if (reader === undefined || maker === undefined) return [said];
    const { workloads, others, problems } = reader.render(maker, this.#below);
    const isChanged = this.#below instanceof Overlay && this.#below.holds(refOf(maker));
    this.makers.push(maker);
    for (const object of [...workloads, ...others])
      this.#put({ ...object, maker, controller: reader.controller }, isChanged);
    // What is there was made all the same: what would be wrong with a rendering is wrong with none.
    const isRendered = workloads.some(({ manifest }) => this.#isRendered(manifest));
    this.problems.push(...problems.filter(({ severity }) => isRendered || severity !== "error"));
    for (const { manifest } of workloads) {
      const how = `made by ${reader.controller}'s controller${this.#isRendered(manifest) ? ", rendered here" : ""}`;
      const path = `workloads[${manifest.metadata.name}].madeFrom`;
      this.values.push({ path, ...known(objectText(refOf(maker)), { kind: "derived", how }) });
    }
    return workloads.map(({ manifest }) => ({ kind: manifest.kind as Workload["kind"], name: manifest.metadata.name }));
  }

  #put(object: Made, isChanged: boolean): void {
    const { kind, namespace, name } = refOf(object.manifest);
    if (!isChanged && this.#below.get(kind, namespace, name) !== undefined) return;
    this.overlay.put(object.manifest);
    this.made.push(object);
  }

  #isRendered(manifest: Manifest): boolean {
    return this.overlay.holds(refOf(manifest));
  }
}

/** From fields of rendered objects back to those of the objects that people wrote. */
class Origins {
  readonly #made: ReadonlyMap<string, Made>;

  constructor(made: readonly Made[]) {
    this.#made = new Map(made.map((object) => [objectText(refOf(object.manifest)), object]));
  }

  source(from: Source): Source {
    if (from.kind === "derived") return { ...from, how: this.#named(from.how) };
    if (from.kind !== "field") return from;
    const made = this.#made.get(from.object);
    if (made === undefined) return from;
    const field = fieldIn(made, from.field);
    if (field !== undefined) return { kind: "field", object: objectText(refOf(made.maker)), field };
    return { kind: "default", why: `${made.controller}: ${made.template}` };
  }

  place(problem: Problem): Problem {
    const message = this.#named(problem.message);
    const made = problem.object === undefined ? undefined : this.#made.get(problem.object);
    if (made === undefined) return { ...problem, message };
    const { field: _, ...rest } = problem;
    const field = problem.field === undefined ? undefined : fieldIn(made, problem.field);
    return { ...rest, message, object: objectText(refOf(made.maker)), ...(field === undefined ? {} : { field }) };
  }

  /** Texts that name a rendered object's field name the real one. */
  #named(text: string): string {
    return text.replaceAll(
      /\b([A-Z]\w+\/[a-z0-9-]+\/[a-z0-9.-]+) (spec[^\s,)]*)/g,
      (whole, object: string, field: string) =>
        this.#made.has(object) ? describeSource(this.source({ kind: "field", object, field })) : whole,
    );
  }
}

/** @returns the field of the maker that a field of the made object is taken from; undefined: of none */
const fieldIn = ({ origins, maker }: Made, field: string): string | undefined => {
  const [best] = origins
    .filter(({ made }) => field === made || (field.startsWith(made) && /^[.[]/.test(field.slice(made.length))))
    .toSorted((a, b) => b.made.length - a.made.length);
  if (best === undefined) return undefined;
  const found = best.from + field.slice(best.made.length);
  return exists(maker, found) ? found : undefined;
};

/** Steps of a path as `Field` writes them: `.name`, `["name"]`, `[0]`. */
const exists = (object: unknown, path: string): boolean => {
  let at: unknown = object;
  for (const [, name, quoted, index] of path.matchAll(/([A-Za-z_]\w*)|\["([^"]*)"\]|\[(\d+)\]/g)) {
    if (typeof at !== "object" || at === null) return false;
    at = (at as Record<string, unknown>)[name ?? quoted ?? index ?? ""];
  }
  return at !== undefined && at !== null;
};
