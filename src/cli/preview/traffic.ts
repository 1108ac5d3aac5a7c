import { basename, dirname } from "node:path";
import { objectiveProblems } from "../../schema/parse.ts";
import { API_VERSION, KIND } from "../../schema/resource.ts";
import type { KubeObject, StoredObject } from "../../store/store.ts";
import type { ManifestRef } from "../../twin/manifest.ts";
import { BadInput, usageError } from "../exit.ts";

/** What the command line says of a simulation: its traffic, and what no manifest tells. */
export interface SimulationOptions {
  readonly trace?: string;
  readonly traceFormat: string;
  /** URL of the Prometheus that knows production's traffic, and how much of its past counts. */
  readonly prometheus?: string;
  readonly last: string;
  readonly rateScale?: number;
  readonly gpu?: string;
  readonly horizon?: string;
  readonly objective: readonly string[];
}

/** @returns `spec.workload`; undefined: nothing was said of traffic. @throws BadInput if it was said twice */
export const trafficOf = ({
  trace,
  traceFormat,
  prometheus,
  last,
  rateScale,
}: SimulationOptions): Record<string, unknown> | undefined => {
  if (trace !== undefined && prometheus !== undefined)
    throw usageError("--trace and --prometheus were both given", "choose one");
  const scaled = rateScale === undefined ? {} : { rateScale };
  if (trace !== undefined) return { trace: { format: traceFormat, path: basename(trace), ...scaled } };
  if (prometheus === undefined) return undefined;
  // A run that is longer than the window has it again.
  return { prometheus: { url: prometheus, window: last, repeat: "Repeated", ...scaled } };
};

/** The folder that a trace lies in; left out: no trace was said. */
export const traceFolder = ({ trace }: SimulationOptions): string | undefined =>
  trace === undefined ? undefined : dirname(trace);

/** Any traffic, to see what a simulation would read. */
export const PLACEHOLDER = {
  synthetic: {
    clients: [
      {
        name: "any",
        rate: 1,
        prompt: { distribution: "constant", tokens: 1 },
        output: { distribution: "constant", tokens: 1 },
      },
    ],
  },
};

const HORIZON = "6h";
const WARM_UP = "10m";

/** A simulation of workloads for which nobody has written one. @returns undefined without workloads */
export const bareSimulation = (
  workloads: readonly ManifestRef[],
  workload: Readonly<Record<string, unknown>>,
  options: SimulationOptions,
): StoredObject | undefined => {
  const [first] = workloads;
  if (first === undefined) return undefined;
  const { gpu, horizon = options.prometheus === undefined ? HORIZON : options.last } = options;
  return {
    object: {
      apiVersion: API_VERSION,
      kind: KIND,
      metadata: { name: first.name, namespace: first.namespace },
      spec: {
        mirror: { workloads: workloads.map(({ kind, name }) => ({ kind, name })) },
        workload,
        ...(gpu === undefined ? {} : { overrides: { hardware: { gpu } } }),
        objectives: options.objective.map(objectiveOf),
        run: { horizon, ...(isShort(horizon) ? {} : { warmUp: WARM_UP }) },
      },
    },
  };
};

/** A warm-up must be shorter than the run. */
const isShort = (horizon: string): boolean => /^[0-9.]+(us|ms|s)$/.test(horizon) || /^([0-9]|1[0-9])m$/.test(horizon);

/** A simulation as it was written, with what the command line says in place of what it says itself. */
export const saidOtherwise = (stored: StoredObject, options: SimulationOptions): StoredObject => {
  const spec = (stored.object.spec ?? {}) as Record<string, unknown>;
  const workload = trafficOf(options) ?? spec.workload;
  const overrides = (spec.overrides ?? {}) as Record<string, unknown>;
  const { gpu, horizon, objective } = options;
  const object: KubeObject = {
    ...stored.object,
    spec: {
      ...spec,
      workload,
      ...(gpu === undefined
        ? {}
        : { overrides: { ...overrides, hardware: { ...(overrides.hardware as object | undefined), gpu } } }),
      ...(objective.length === 0 ? {} : { objectives: objective.map(objectiveOf) }),
      ...(horizon === undefined ? {} : { run: { ...(spec.run as object | undefined), horizon } }),
    },
  };
  return { ...stored, object };
};

/** `ttft p99 <= 800ms`, `errorRatio <= 0.001`, `sloAttainment >= 0.99`, each for one class with `of CLASS` after the metric. */
const OBJECTIVE =
  /^(?<metric>[A-Za-z]+)(?:\s+p(?<percentile>\d+))?(?:\s+of\s+(?<sloClass>\S+))?\s*(?<sign><=|>=)\s*(?<bound>\S+)$/;

const objectiveOf = (text: string): Record<string, unknown> => {
  const { metric, percentile, sloClass, sign, bound } = OBJECTIVE.exec(text.trim())?.groups ?? {};
  if (metric === undefined)
    throw usageError(`${text} is no objective`, 'write one such as "ttft p99 <= 800ms" or "errorRatio <= 0.001"');
  const objective = {
    metric,
    ...(percentile === undefined ? {} : { percentile: Number(percentile) }),
    ...(sloClass === undefined ? {} : { sloClass }),
    [sign === "<=" ? "atMost" : "atLeast"]: bound,
  };
  // Told of the command line here, and not later of the file that it takes the place in.
  const problems = objectiveProblems(objective);
  if (problems.length > 0) throw new BadInput(problems.map((one) => ({ ...one, object: `--objective "${text}"` })));
  return objective;
};
