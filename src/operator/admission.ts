import { objectText } from "../model/object-text.ts";
import { describeProblem, type Problem } from "../model/problem.ts";
import { limitProblems } from "../schema/limits.ts";
import { parseSimulation } from "../schema/parse.ts";
import { KIND } from "../schema/resource.ts";
import { type KubeObject, type Store, type StoredObject } from "../store/store.ts";
import { digestOf } from "../twin/digest.ts";
import type { Scenario } from "../twin/scenario.ts";
import type { SideBySidePool } from "../worker/side-by-side-pool.ts";
import { predictionOf } from "./prediction.ts";
import { type Read, type ReadParts, read } from "./read.ts";

export interface AdmissionVerdict {
  readonly allowed: boolean;
  readonly message?: string;
  readonly warnings: readonly string[];
}

export interface AdmitParts extends ReadParts {
  readonly pool: SideBySidePool;
}

/** Wall clock for all that is simulated for one answer. */
const BUDGET_SECONDS = 3;
/** Longer is not simulated, even if there is time. */
const MOST_SIMULATED_SECONDS = 3600;
const MOST_WARM_UP_SECONDS = 60;
/** Simulations that are told of, each with a thread of its own. */
const MOST_SIMULATIONS = 2;
const MOST_FINDINGS = 2;

/** Reasons for which a simulation can never be run by this installation, whatever else comes. */
const NEVER: ReadonlySet<string> = new Set(["UrlNotAllowed", "PathNotAllowed", "BadUrl"]);

/** Says of objects that are about to be applied what they would do. */
export class Admission {
  readonly #parts: AdmitParts;

  constructor(parts: AdmitParts) {
    this.#parts = parts;
  }

  /** @param signal aborts when there is no time left: what is known by then is said */
  async review(object: KubeObject, namespace: string, signal: AbortSignal): Promise<AdmissionVerdict> {
    if (!this.#parts.store.synced) return { allowed: true, warnings: [] };
    // A name that the API server is to make up isn't made up yet.
    const { name = `${String((object.metadata as { generateName?: unknown }).generateName)}new` } =
      object.metadata as Partial<KubeObject["metadata"]>;
    const placed = { ...object, metadata: { ...object.metadata, namespace, name } };
    return object.kind === KIND ? this.#validate(placed) : this.#predict(placed, namespace, signal);
  }

  async #validate(object: KubeObject): Promise<AdmissionVerdict> {
    const { namespace = "", name } = object.metadata;
    const parsed = parseSimulation(object, { object: objectText({ kind: KIND, namespace, name }) });
    if (!parsed.ok) return refused(parsed.problems);
    const beyond = limitProblems(parsed.value.spec, this.#parts.limits);
    if (beyond.length > 0) return refused(beyond);
    const found = await read({ object }, this.#parts);
    const problems = found.ok ? found.warnings : found.problems;
    if (!found.ok && problems.some(({ reason }) => NEVER.has(reason)))
      return refused(problems.filter(({ reason }) => NEVER.has(reason)));
    // What is missing now may come later: the object's own conditions will say.
    return { allowed: true, warnings: problems.slice(0, 10).map(describeProblem) };
  }

  async #predict(object: KubeObject, namespace: string, signal: AbortSignal): Promise<AdmissionVerdict> {
    const changed = { ...this.#parts, store: withObject(this.#parts.store, object) };
    const told: Promise<readonly string[]>[] = [];
    for (const stored of this.#parts.store.list(KIND, namespace)) {
      if (signal.aborted || told.length === MOST_SIMULATIONS) break;
      if (stored.object.metadata.deletionTimestamp !== undefined) continue;
      // Production's traffic is read once, so that both have the same.
      const lastTraffic = new Map();
      const before = await read(stored, { ...this.#parts, lastTraffic });
      const after = await read(stored, { ...changed, lastTraffic });
      const key = `${namespace}/${stored.object.metadata.name}`;
      if (!before.ok) continue;
      const [problem] = after.ok ? [] : after.problems;
      if (problem !== undefined)
        told.push(Promise.resolve([`${key} could not be simulated: ${describeProblem(problem)}`]));
      else if (after.ok && digestOf(before.value.scenario) !== digestOf(after.value.scenario))
        told.push(this.#compare(key, before.value, after.value, signal));
    }
    return { allowed: true, warnings: (await Promise.all(told)).flat() };
  }

  async #compare(key: string, before: Read, after: Read, signal: AbortSignal): Promise<readonly string[]> {
    const { maxTraceBytes } = this.#parts.limits;
    const scenarios = { before: shortened(before.scenario), after: shortened(after.scenario) };
    const task = { ...scenarios, maxTraceBytes, wallSeconds: BUDGET_SECONDS };
    const seen = await this.#parts.pool.run(task, signal).catch(() => undefined);
    if (seen === undefined || seen.simulatedSeconds < 2 * MOST_WARM_UP_SECONDS)
      return [`${key}: no prediction in time`];
    const { objectives } = after.simulation.spec;
    const known = new Set((seen.before.findings ?? []).map(({ name, object }) => `${name} ${object}`));
    const news = (seen.after.findings ?? []).filter(({ name, object }) => !known.has(`${name} ${object}`));
    return [
      `${key}, ${Math.round(seen.simulatedSeconds / 60)} min simulated: ${predictionOf(seen.before.kpis, seen.after.kpis, objectives)}`,
      ...news.slice(0, MOST_FINDINGS).map(({ message }) => `${key}: ${message}`),
    ];
  }
}

const refused = (problems: readonly Problem[]): AdmissionVerdict => ({
  allowed: false,
  message: problems.slice(0, 10).map(describeProblem).join("; "),
  warnings: [],
});

/** A Shadow has no end, and most horizons are longer than anybody at a prompt waits. */
const shortened = (scenario: Scenario): Scenario => ({
  ...scenario,
  horizonMicros: Math.min(MOST_SIMULATED_SECONDS * 1e6, scenario.horizonMicros ?? Number.POSITIVE_INFINITY),
  warmUpMicros: Math.min(MOST_WARM_UP_SECONDS * 1e6, scenario.warmUpMicros),
});

/** The store as it would be. */
const withObject = (store: Store, object: KubeObject): Store => {
  const isIt = ({ object: other }: StoredObject): boolean =>
    other.kind === object.kind &&
    other.metadata.name === object.metadata.name &&
    other.metadata.namespace === object.metadata.namespace;
  return {
    ...(store.folder === undefined ? {} : { folder: store.folder }),
    place: store.place,
    synced: store.synced,
    problems: store.problems,
    start: () => Promise.resolve(),
    get: (ref) => store.get(ref),
    list: (kind, namespace) => {
      const all = store.list(kind, namespace);
      if (kind !== object.kind || (namespace !== undefined && namespace !== object.metadata.namespace)) return all;
      const there = all.some(isIt);
      return there ? all.map((stored) => (isIt(stored) ? { object } : stored)) : [...all, { object }];
    },
    onChange: () => () => undefined,
    onProblems: () => () => undefined,
    writeStatus: () => Promise.resolve(),
    event: () => Promise.resolve(),
    configMapKey: (namespace, name, key) => store.configMapKey(namespace, name, key),
  };
};
