import type { Problem, Result } from "../model/problem.ts";
import { type Limits, limitProblems } from "../schema/limits.ts";
import { parseSimulation } from "../schema/parse.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import { refText, type Store, type StoredObject } from "../store/store.ts";
import { type MirroredValue, mirror } from "../twin/mirror.ts";
import type { Scenario } from "../twin/scenario.ts";
import { findModelConfig } from "./model-config.ts";
import { findTrace } from "./trace-source.ts";

export interface ReadParts {
  readonly store: Store;
  readonly limits: Limits;
  readonly allowedUrls: readonly string[];
}

export interface Read {
  readonly simulation: InferenceSimulation;
  readonly scenario: Scenario;
  readonly values: readonly MirroredValue[];
}

/** From a stored InferenceSimulation to a scenario, with the store's other objects; nothing is run. */
export const read = async (stored: StoredObject, parts: ReadParts): Promise<Result<Read>> => {
  const { metadata } = stored.object;
  const where = {
    object: refText({ kind: "InferenceSimulation", namespace: metadata.namespace ?? "default", name: metadata.name }),
    ...(stored.file === undefined ? {} : { file: stored.file }),
    ...(stored.line === undefined ? {} : { line: stored.line }),
  };
  const parsed = parseSimulation(stored.object, where);
  if (!parsed.ok) return parsed;
  const mirrored = await mirrorOf(parsed.value, parts);
  if (!mirrored.ok) return { ok: false, problems: placed(mirrored.problems, where) };
  return {
    ok: true,
    value: { simulation: parsed.value, scenario: mirrored.value.scenario, values: mirrored.value.values },
    warnings: placed([...parsed.warnings, ...mirrored.warnings], where),
  };
};

const mirrorOf = async (simulation: InferenceSimulation, { store, limits, allowedUrls }: ReadParts) => {
  const beyond = limitProblems(simulation.spec, limits);
  if (beyond.length > 0) return { ok: false as const, problems: beyond };
  const said = simulation.spec.workload.trace;
  const rules = { allowedUrls, maxTraceBytes: limits.maxTraceBytes };
  const found = said === undefined ? undefined : await findTrace(said, simulation.metadata.namespace, store, rules);
  if (found !== undefined && !found.ok) return found;
  const wanted = simulation.spec.overrides.model?.config;
  const config = wanted === undefined ? undefined : await findModelConfig(wanted, simulation.metadata.namespace, store);
  if (config !== undefined && !config.ok) return config;
  const cluster = {
    get: (kind: string, namespace: string, name: string) =>
      store.list(kind, namespace).find(({ object }) => object.metadata.name === name)?.object,
    list: (kind: string, namespace?: string) => store.list(kind, namespace).map(({ object }) => object),
  };
  return mirror(simulation, cluster, {
    limits,
    ...(found === undefined ? {} : { trace: found.value }),
    ...(config === undefined ? {} : { modelConfig: config.value }),
  });
};

/** A problem that names no object of its own is about the simulation, but perhaps in a file that it names. */
const placed = (
  problems: readonly Problem[],
  { object, ...place }: Pick<Problem, "file" | "line"> & { readonly object: string },
): readonly Problem[] =>
  problems.map((problem) => {
    if (problem.object !== undefined) return problem;
    return { object, ...(problem.file === undefined ? place : {}), ...problem };
  });
