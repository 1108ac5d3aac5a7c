import type { Problem } from "../model/problem.ts";
import type { Limits } from "../schema/limits.ts";
import { API_VERSION, KIND } from "../schema/resource.ts";
import { type ManifestFile, manifestStore } from "../store/manifests.ts";
import type { KubeObject, Store, StoredObject } from "../store/store.ts";
import { workloadReaders } from "../twin/readers/index.ts";
import type { WorkloadScenario } from "../twin/scenario.ts";
import type { Server } from "../validation/server.ts";
import { BadInput, usageError } from "./exit.ts";
import { simulationsIn } from "./inputs.ts";
import { prepare } from "./prepare.ts";

/** The deployment that was measured, as the twin mirrors it. */
export interface Deployed {
  readonly name: string;
  readonly server: Server;
  readonly warnings: readonly Problem[];
}

export interface DeployedOptions {
  /** Of the InferenceSimulations, which one's overrides count. */
  readonly simulation: string | undefined;
  readonly workload: string | undefined;
  readonly gpu: string | undefined;
  readonly replicas: number | undefined;
}

/** Mirrors a workload as `run` does; without an InferenceSimulation as one that overrides nothing. @throws BadInput */
export const deployedIn = async (
  files: readonly ManifestFile[],
  options: DeployedOptions,
  limits: Limits,
  folder: string,
): Promise<Deployed> => {
  const store = manifestStore(files, folder);
  const errors = store.problems.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new BadInput(errors);
  const simulated = store.list(KIND).length > 0;
  const stored = simulated
    ? onlySimulation(store, options.simulation)
    : { object: bareSimulation(store, options.workload) };
  const { scenario, warnings } = await prepare(store, measuredInstead(stored, options), limits, []);
  const workload = onlyWorkload(scenario.workloads, options.workload);
  return { name: `${workload.kind}/${workload.namespace}/${workload.name}`, server: serverOf(workload), warnings };
};

const onlySimulation = (store: Store, name: string | undefined): StoredObject => {
  const found = simulationsIn(store, name);
  const [first] = found as [StoredObject];
  if (found.length === 1) return first;
  const names = found.map(({ object }) => object.metadata.name).join(", ");
  const overrides = new Set(found.map(({ object }) => JSON.stringify([mirrorOf(object), overridesOf(object)])));
  if (overrides.size === 1) return first;
  const message = `the InferenceSimulations ${names} differ in what they mirror or override`;
  throw usageError(message, "say with --simulation whose overrides count");
};

const specOf = (object: KubeObject): Record<string, unknown> => (object.spec ?? {}) as Record<string, unknown>;
const mirrorOf = (object: KubeObject): unknown => specOf(object).mirror;
const overridesOf = (object: KubeObject): Record<string, unknown> =>
  (specOf(object).overrides ?? {}) as Record<string, unknown>;

const bareSimulation = (store: Store, name: string | undefined): KubeObject => {
  const all = workloadReaders.flatMap(({ kind }) => store.list(kind));
  const wanted = name === undefined ? all : all.filter(({ object }) => object.metadata.name === name);
  const [first] = wanted;
  const kinds = workloadReaders.map(({ kind }) => kind).join(" or ");
  if (first === undefined) {
    const what = name === undefined ? `no ${kinds} is given` : `there is no ${kinds} ${name} in what is given`;
    throw usageError(`${what}: nothing says what was measured`, "give its manifest with -f or --deployment");
  }
  if (wanted.length > 1) {
    const names = wanted.map(({ object }) => object.metadata.name).join(", ");
    throw usageError(`there are several workloads: ${names}`, "say with --workload which one was measured");
  }
  const { kind, metadata } = first.object;
  return {
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: "fit-model", namespace: metadata.namespace ?? "default" },
    spec: { mirror: { workloads: [{ kind, name: metadata.name }] } },
  };
};

/** Any traffic: the runs bring their own. What was fitted before doesn't count. */
const TRAFFIC = {
  synthetic: {
    clients: [
      {
        name: "measured",
        rate: 1,
        prompt: { distribution: "constant", tokens: 1 },
        output: { distribution: "constant", tokens: 1 },
      },
    ],
  },
};

const measuredInstead = (stored: StoredObject, { gpu, replicas }: DeployedOptions): StoredObject => {
  const { object } = stored;
  const { engine, ...overrides } = overridesOf(object);
  const { latencyCorrections: _, ...settings } = (engine ?? {}) as Record<string, unknown>;
  const spec = {
    mirror: mirrorOf(object),
    workload: TRAFFIC,
    overrides: {
      ...overrides,
      engine: settings,
      ...(gpu === undefined ? {} : { hardware: { gpu } }),
      ...(replicas === undefined ? {} : { replicas }),
    },
  };
  return { ...stored, object: { ...object, spec } };
};

const onlyWorkload = (all: readonly WorkloadScenario[], name: string | undefined): WorkloadScenario => {
  const wanted = name === undefined ? all : all.filter((one) => one.name === name);
  const [first] = wanted;
  const names = all.map((one) => one.name).join(", ");
  if (first === undefined) throw usageError(`no workload ${name} is mirrored`, `there is: ${names}`);
  if (wanted.length > 1)
    throw usageError(`several workloads are mirrored: ${names}`, "say with --workload which one was measured");
  if (first.latency.name !== "physical" || first.engine.mode !== "vllm") {
    const message = `the model that is refined is physical, in mode vllm; ${first.name} is simulated by ${first.latency.name}, in mode ${first.engine.mode}`;
    throw usageError(message, "leave overrides.engine.latencyModel and mode out");
  }
  if (first.replicas === 0)
    throw usageError(`${first.name} has no replicas`, "say with --replicas how many were measured");
  return first;
};

/** Replicas behind one address, as the runs met them; drafts are accepted by a fixed draw. */
const serverOf = (workload: WorkloadScenario): Server => {
  const { shape, hardware, parallelism, engine, eager = false, replicas } = workload;
  const { mode, asyncScheduling, speculation } = engine;
  return {
    context: { shape, hardware, parallelism, mode, eager, asyncScheduling },
    config: speculation === undefined ? engine : { ...engine, speculation: { ...speculation, seed: 1 } },
    engines: replicas,
  };
};
