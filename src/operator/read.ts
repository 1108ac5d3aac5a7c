import { objectText } from "../model/object-text.ts";
import { good, type Problem, type Result } from "../model/problem.ts";
import { type Limits, limitProblems } from "../schema/limits.ts";
import { parseSimulation } from "../schema/parse.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import { type Store, type StoredObject } from "../store/store.ts";
import { changedBy } from "../twin/candidate.ts";
import type { ObservedCluster } from "../twin/manifest.ts";
import {
  configMapKeysWanted,
  type ManifestRef,
  type Mirrored,
  type MirroredValue,
  mirror,
  pickerConfigWanted,
} from "../twin/mirror.ts";
import type { FoundTraffic, Scenario } from "../twin/scenario.ts";
import { findAdapterConfig } from "./adapter-config.ts";
import { withFitted, withFittedSources } from "./calibration/fitted-spec.ts";
import { withConfigMaps } from "./config-maps.ts";
import { findPickerConfig } from "./endpoint-picker-config.ts";
import { findMetricsPage } from "./metrics-page.ts";
import { findModelConfig } from "./model-config.ts";
import { ANY_NAMESPACE, isPermitted } from "./permitted.ts";
import { findTraffic, type UrlToken } from "./production-traffic.ts";
import { findProfile } from "./profile-source.ts";
import { findTrace } from "./trace-source.ts";

export interface ReadParts {
  readonly store: Store;
  readonly limits: Limits;
  readonly allowedUrls: readonly string[];
  /** Of replicas, by URL, as they were last; written here. Left out: nothing is remembered. */
  readonly lastPages?: Map<string, string>;
  /** Namespaces that may be read besides the simulation's own; `*`: all. Left out: all. */
  readonly mirrorNamespaces?: readonly string[];
  /** Files with tokens for the Prometheus of production. Left out: none. */
  readonly tokens?: readonly UrlToken[];
  /** Of production, as it was last read; written here. Left out: nothing is remembered. */
  readonly lastTraffic?: Map<string, FoundTraffic>;
}

export interface Read {
  readonly simulation: InferenceSimulation;
  /** The baseline: the mirrored objects as they are. */
  readonly scenario: Scenario;
  /** Of the baseline. */
  readonly values: readonly MirroredValue[];
  /** In the order of spec.candidates. */
  readonly candidates: readonly ReadCandidate[];
  /** Objects that baseline or candidates were mirrored from; a change of any may change a scenario. */
  readonly reads: readonly ManifestRef[];
}

/** A changed scenario, and what its values are where they differ from the baseline's. */
export interface ReadCandidate {
  readonly scenario: Scenario;
  readonly values: readonly MirroredValue[];
  readonly reads: readonly ManifestRef[];
}

/**
 * From a stored InferenceSimulation to a scenario, with the store's other objects; nothing is run. What its status says to be
 * fitted to production, where it asks for that, is as if it were said.
 */
export const read = async (stored: StoredObject, parts: ReadParts): Promise<Result<Read>> => {
  const { metadata } = stored.object;
  const where = {
    object: objectText({
      kind: "InferenceSimulation",
      namespace: metadata.namespace ?? "default",
      name: metadata.name,
    }),
    ...(stored.file === undefined ? {} : { file: stored.file }),
    ...(stored.line === undefined ? {} : { line: stored.line }),
  };
  const object = withFitted(stored.object);
  const parsed = parseSimulation(object, where);
  if (!parsed.ok) return parsed;
  const cluster = clusterOf(parts.store, parsed.value.metadata.namespace, parts.mirrorNamespaces);
  // Candidates have the baseline's traffic, and it is read once.
  const shared = { lastTraffic: new Map(), ...parts };
  const mirrored = await mirrorOf(parsed.value, cluster, shared);
  if (!mirrored.ok) return { ok: false, problems: errorsFirst(placed(mirrored.problems, where)) };
  const { scenario, values } = mirrored.value;
  const baseline = { simulation: parsed.value, cluster, stored: object, reads: mirrored.value.reads };
  const candidates = await candidatesOf(baseline, values, shared);
  if (!candidates.ok) return { ok: false, problems: errorsFirst(placed(candidates.problems, where)) };
  const told = new Set(mirrored.warnings.map(({ message }) => message));
  const news = candidates.warnings.filter(({ message }) => !told.has(message.replace(/^in candidate \S+: /, "")));
  const reads = [...baseline.reads, ...candidates.value.flatMap((candidate) => candidate.reads)];
  return {
    ok: true,
    value: {
      simulation: parsed.value,
      scenario,
      values: withFittedSources(values, stored.object),
      candidates: candidates.value,
      reads,
    },
    warnings: placed([...parsed.warnings, ...mirrored.warnings, ...news], where),
  };
};

/** Every candidate's scenario; what is wrong with any of them is told with its name. */
const candidatesOf = async (
  baseline: Parameters<typeof changedBy>[2],
  values: readonly MirroredValue[],
  parts: ReadParts,
): Promise<Result<readonly ReadCandidate[]>> => {
  const [read, problems, warnings]: [ReadCandidate[], Problem[], Problem[]] = [[], [], []];
  const own = new Set(values.map(textOf));
  for (const [index, candidate] of baseline.simulation.spec.candidates.entries()) {
    const changed = changedBy(candidate, index, baseline);
    const mirrored = changed.ok ? await mirrorOf(changed.value.simulation, changed.value.cluster, parts) : changed;
    if (!mirrored.ok) {
      problems.push(...(changed.ok ? named(candidate.name, mirrored.problems) : mirrored.problems));
      continue;
    }
    warnings.push(...named(candidate.name, mirrored.warnings));
    read.push({
      scenario: { ...mirrored.value.scenario, name: candidate.name },
      values: mirrored.value.values.filter((value) => !own.has(textOf(value))),
      reads: mirrored.value.reads,
    });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: read, warnings };
};

/** What has to be mended comes before what is merely doubted: conditions take their reason from the first. */
const errorsFirst = (problems: readonly Problem[]): readonly Problem[] => [
  ...problems.filter(({ severity }) => severity === "error"),
  ...problems.filter(({ severity }) => severity !== "error"),
];

const textOf = ({ path, value }: MirroredValue): string => `${path}=${String(value)}`;

const named = (candidate: string, problems: readonly Problem[]): readonly Problem[] =>
  problems.map((problem) => ({ ...problem, message: `in candidate ${candidate}: ${problem.message}` }));

/** What a simulation may see: its own namespace, what has none, and what the installer permits. */
export const clusterOf = (
  store: Store,
  own: string,
  permitted: readonly string[] = [ANY_NAMESPACE],
): ObservedCluster => {
  const may = (namespace = ""): boolean => namespace === "" || namespace === own || isPermitted(namespace, permitted);
  return {
    get: (kind, namespace, name) =>
      may(namespace)
        ? store.list(kind, namespace).find(({ object }) => object.metadata.name === name)?.object
        : undefined,
    list: (kind, namespace) =>
      (namespace !== undefined || permitted.includes(ANY_NAMESPACE)
        ? may(namespace)
          ? store.list(kind, namespace)
          : []
        : store.list(kind).filter(({ object }) => may(object.metadata.namespace))
      ).map(({ object }) => object),
  };
};

const mirrorOf = async (
  simulation: InferenceSimulation,
  real: ObservedCluster,
  {
    store,
    limits,
    allowedUrls,
    tokens = [],
    lastPages = new Map(),
    lastTraffic = new Map(),
    mirrorNamespaces,
  }: ReadParts,
): Promise<Result<Mirrored>> => {
  const beyond = limitProblems(simulation.spec, limits);
  if (beyond.length > 0) return { ok: false as const, problems: beyond };
  const wantedKeys = configMapKeysWanted(simulation, real).filter(
    ({ namespace }) =>
      namespace === simulation.metadata.namespace || isPermitted(namespace, mirrorNamespaces ?? [ANY_NAMESPACE]),
  );
  const cluster = await withConfigMaps(real, wantedKeys, store);
  const said = simulation.spec.workload.trace;
  const bounds = { allowedUrls, maxTraceBytes: limits.maxTraceBytes };
  const found = said === undefined ? undefined : await findTrace(said, simulation.metadata.namespace, store, bounds);
  if (found !== undefined && !found.ok) return found;
  const observed = await findTraffic(simulation, { allowedUrls, tokens, lastTraffic, now: () => new Date() });
  if (!observed.ok) return observed;
  const file = simulation.spec.workload.profile;
  const profile = file === undefined ? undefined : await findProfile(file, simulation.metadata.namespace, store);
  if (profile !== undefined && !profile.ok) return profile;
  const wanted = simulation.spec.overrides.model?.config;
  const config = wanted === undefined ? undefined : await findModelConfig(wanted, simulation.metadata.namespace, store);
  if (config !== undefined && !config.ok) return config;
  const replica = simulation.spec.overrides.engine?.metricsPage;
  const page =
    replica === undefined
      ? undefined
      : await findMetricsPage(replica, simulation.metadata.namespace, store, { allowedUrls, lastPages });
  if (page !== undefined && !page.ok) return page;
  const picked = pickerConfigWanted(simulation, cluster);
  const pickerConfig = picked === undefined ? undefined : await findPickerConfig(picked, cluster, store);
  if (pickerConfig !== undefined && !pickerConfig.ok) return pickerConfig;
  const rules = simulation.spec.overrides.metrics?.prometheusAdapter;
  const adapter =
    rules === undefined ? undefined : await findAdapterConfig(rules, simulation.metadata.namespace, store);
  if (adapter !== undefined && !adapter.ok) return adapter;
  const mirrored = mirror(simulation, cluster, {
    limits,
    ...(found === undefined ? {} : { trace: found.value }),
    ...(profile?.value === undefined ? {} : { profile: profile.value }),
    ...(observed.value === undefined ? {} : { observed: observed.value }),
    ...(config === undefined ? {} : { modelConfig: config.value }),
    ...(page === undefined ? {} : { metricsPage: page.value }),
    ...(pickerConfig === undefined ? {} : { pickerConfig: pickerConfig.value }),
    ...(adapter === undefined ? {} : { adapterConfig: adapter.value }),
  });
  return mirrored.ok ? good(mirrored.value, [...(page?.warnings ?? []), ...mirrored.warnings]) : mirrored;
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
