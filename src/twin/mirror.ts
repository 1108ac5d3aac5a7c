import { durationOf } from "../model/duration.ts";
import { good, type Problem, type Result } from "../model/problem.ts";
import { SATURATION_DEFAULTS, type SaturationOptions } from "../report/saturation/saturation-fold.ts";
import type { SloTargets } from "../report/slo.ts";
import type { Limits } from "../schema/limits.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import { asksForUsage } from "./control-loops.ts";
import { digestOf } from "./digest.ts";
import { Ledger, type MirroredValue, ownField } from "./ledger.ts";
import { type ManifestRef, type ObservedCluster, refOf } from "./manifest.ts";
import { tellReplicas } from "./mirror/contradictions.ts";
import { mirrorAdapter } from "./mirror/mirrored-adapter.ts";
import { mirrorAutoscalers } from "./mirror/mirrored-autoscalers.ts";
import { mirrorControllers } from "./mirror/mirrored-controllers.ts";
import { mirrorGateway } from "./mirror/mirrored-gateway.ts";
import { mirrorMetrics } from "./mirror/mirrored-metrics.ts";
import { mirrorNodes } from "./mirror/mirrored-nodes.ts";
import { mirrorPage } from "./mirror/mirrored-page.ts";
import { mirrorQuotas } from "./mirror/mirrored-quotas.ts";
import { refuseUnknownRollouts } from "./mirror/mirrored-rollouts.ts";
import { mirrorTraffic } from "./mirror/mirrored-traffic.ts";
import { mirrorWorkload, readWorkload } from "./mirror/mirrored-workload.ts";
import { refuseNoReplicas } from "./mirror/no-replicas.ts";
import type { WorkloadReading } from "./reader.ts";
import { renderingOf } from "./rendering.ts";
import type { FoundDocument, FoundPage, FoundTrace, FoundTraffic, KvStoreScenario, Scenario } from "./scenario.ts";

export type { MirroredValue } from "./ledger.ts";
export type { Manifest, ManifestRef, ObservedCluster } from "./manifest.ts";
export { type ConfigMapKey, configMapKeysWanted } from "./mirror/config-map-keys.ts";
export { selectorOf } from "./mirror/mirrored-observed.ts";
export { type PickerConfigWanted, pickerConfigWanted } from "./mirror/picker-config.ts";

export interface MirrorParts {
  readonly limits: Limits;
  /** What spec.workload.trace names; whoever holds the store has looked. */
  readonly trace?: FoundTrace;
  /** What spec.workload.profile names, unless it is a preset. */
  readonly profile?: FoundDocument;
  /** What spec.workload.prometheus asks for, of a Preview or a Replay. */
  readonly observed?: FoundTraffic;
  /** What spec.overrides.model.config holds: a Hugging Face config.json. */
  readonly modelConfig?: string;
  /** What spec.overrides.engine.metricsPage names: a replica's /metrics. */
  readonly metricsPage?: FoundPage;
  /** Text of the endpoint picker's configuration, where `pickerConfigWanted` asks for it. */
  readonly pickerConfig?: string;
  /** What spec.overrides.metrics.prometheusAdapter names. */
  readonly adapterConfig?: FoundDocument;
}

export interface Mirrored {
  /** The baseline: the mirrored objects as they are. */
  readonly scenario: Scenario;
  /** Every value of the scenario, in order of path as it was found. */
  readonly values: readonly MirroredValue[];
  /** Objects that were read; a change of any may change the scenario. */
  readonly reads: readonly ManifestRef[];
}

/**
 * From the simulation and the real objects as they are now to a scenario that depends on nothing else. Whatever can't be
 * had is a problem that names the field to set; all are told at once.
 */
export const mirror = (
  simulation: InferenceSimulation,
  cluster: ObservedCluster,
  parts: MirrorParts,
): Result<Mirrored> => {
  const rendering = renderingOf(simulation, cluster);
  if (rendering === undefined) return mirrorObjects(simulation, cluster, parts);
  const mirrored = mirrorObjects(rendering.simulation, rendering.cluster, parts);
  // Of several made of one object each may say the same of a field that nobody wrote.
  const told = (problems: readonly Problem[]): readonly Problem[] => [
    ...new Map(
      [...rendering.problems, ...problems.map(rendering.place)].map((one) => [JSON.stringify(one), one]),
    ).values(),
  ];
  const problems = told(mirrored.ok ? mirrored.warnings : mirrored.problems);
  if (!mirrored.ok || problems.some(({ severity }) => severity === "error"))
    return { ok: false, problems: errorsFirst(problems) };
  const { scenario, values, reads } = mirrored.value;
  const placed = values.map((value) => ({ ...value, from: rendering.source(value.from) }));
  const all = [...rendering.makers.map(refOf), ...reads];
  return good({ scenario, values: [...rendering.values, ...placed], reads: all }, problems);
};

const mirrorObjects = (
  simulation: InferenceSimulation,
  cluster: ObservedCluster,
  { limits, trace, profile, observed, modelConfig, metricsPage, pickerConfig, adapterConfig }: MirrorParts,
): Result<Mirrored> => {
  const ledger = new Ledger();
  const { spec, metadata } = simulation;
  const { namespace } = metadata;
  const head = mirrorRun(simulation, ledger);
  const readings = spec.mirror.workloads.flatMap(
    (said, index) => readWorkload(said, index, namespace, cluster, ledger) ?? [],
  );
  const page = mirrorPage(metricsPage, spec.overrides.engine, ledger);
  const parts = { simulation: head.simulation, cluster, modelConfig, page };
  const mirrored = readings.flatMap((reading) => mirrorWorkload(reading, spec, parts, ledger) ?? []);
  const workloads = mirrored.map(({ scenario }) => scenario);
  for (const { name, replicas } of workloads) {
    if (replicas > limits.maxReplicas) ledger.error(tooManyReplicas(name, replicas, limits.maxReplicas));
  }
  refuseOneName(simulation, ledger);
  refuseUnknownRollouts(spec, ledger);
  const complete = readings.length === spec.mirror.workloads.length;
  const refs = readings.map(({ ref }) => ref);
  const adapter = mirrorAdapter(spec, adapterConfig, ledger);
  const scalers = complete ? mirrorAutoscalers(refs, simulation, { cluster, limits, adapter }, ledger) : [];
  tellReplicas(spec.overrides, scalers, ledger);
  const controllers =
    workloads.length === spec.mirror.workloads.length
      ? mirrorControllers(workloads, simulation, cluster, limits, ledger)
      : [];
  if (!ledger.failed) refuseNoReplicas(spec, { readings, workloads, scalers, controllers }, ledger);
  const nodes = mirrorNodes(spec, mirrored, cluster, ledger);
  const quotas = mirrorQuotas(mirrored, namespace, cluster, ledger);
  const gateway = mirrorGateway(simulation, { readings, workloads, cluster, pickerConfig }, ledger);
  const metrics = {
    ...mirrorMetrics(simulation, readings, gateway, cluster, ledger),
    ...(adapter === undefined ? {} : { adapter: adapter.scenario }),
  };
  const traffic = mirrorTraffic(
    simulation,
    { trace, profile, observed },
    workloads.map(({ modelName }) => modelName),
    limits,
    ledger,
  );
  if (ledger.failed || traffic === undefined || gateway === undefined)
    return { ok: false, problems: errorsFirst(ledger.problems) };
  const scenario: Scenario = {
    ...head,
    workloads: withRequests(workloads, readings, scalers),
    gateway,
    metrics,
    autoscalers: scalers,
    ...(controllers.length === 0 ? {} : { controllers }),
    traffic,
    ...(spec.mode === "Replay" && observed !== undefined ? { startUnixSeconds: observed.fromSeconds } : {}),
    ...(spec.run.bands ? {} : { bands: false as const }),
    ...brokenBy(simulation, ledger),
    ...judgedBy(spec),
    ...(nodes === undefined ? {} : { nodes }),
    ...(quotas.length === 0 ? {} : { quotas }),
    ...storesOf(mirrored.flatMap(({ kvStore }) => kvStore ?? [])),
  };
  return good({ scenario, values: ledger.values, reads: ledger.reads }, ledger.problems);
};

/** Workloads that name one store share it; the first says what it is. Left out where there is none. */
const storesOf = (stores: readonly KvStoreScenario[]): Pick<Scenario, "kvStores"> => {
  const first = stores.filter(({ name }, i) => stores.findIndex((other) => other.name === name) === i);
  return first.length === 0 ? {} : { kvStores: first };
};

/** Requests play a part where an autoscaler goes by CPU or memory; left out elsewhere, such scenarios keep their digests. */
const withRequests = (
  workloads: Scenario["workloads"],
  readings: readonly WorkloadReading[],
  scalers: Scenario["autoscalers"],
): Scenario["workloads"] =>
  workloads.map((workload) => {
    const asked = scalers.some((scaler) => scaler.workload === workload.name && scaler.spec.metrics.some(asksForUsage));
    const requests = readings.find(({ ref }) => ref.name === workload.name)?.requests;
    return asked && requests !== undefined ? { ...workload, requests } : workload;
  });

const mirrorRun = ({ metadata, spec }: InferenceSimulation, ledger: Ledger) => {
  const { run, mode } = spec;
  const simulation = `${metadata.namespace}/${metadata.name}`;
  const said = <T extends string | number>(name: string, value: T): T =>
    ledger.use(`run.${name}`, ownField(value, simulation, `run.${name}`));
  const horizon = mode === "Shadow" ? undefined : durationOf(replayed(spec) ?? said("horizon", run.horizon));
  return {
    simulation,
    name: "baseline",
    seed: said("seed", run.seed),
    horizonMicros: horizon,
    warmUpMicros: durationOf(said("warmUp", run.warmUp)),
  };
};

/** A replay is as long as its window. */
const replayed = ({ mode, workload }: SimulationSpec): string | undefined =>
  mode === "Replay" ? workload.prometheus?.window : undefined;

/** What the run is held against. Left out where it is as if nothing was said, so that such scenarios keep their digests. */
const judgedBy = ({ slo, saturation }: SimulationSpec): Pick<Scenario, "slo" | "saturation"> => {
  const options: SaturationOptions = {
    detector: saturation.detector,
    e2eMicros: durationOf(saturation.e2eThreshold),
    windowMicros: durationOf(saturation.window),
  };
  const usual = digestOf(options) === digestOf(SATURATION_DEFAULTS);
  return {
    ...(slo.length === 0 ? {} : { slo: Object.fromEntries(slo.map(targetsOf)) }),
    ...(usual ? {} : { saturation: options }),
  };
};

/** Left out where nothing is broken, so that such scenarios keep their digests. */
const brokenBy = ({ metadata, spec }: InferenceSimulation, ledger: Ledger): Pick<Scenario, "faults"> => {
  const { faults } = spec;
  const simulation = `${metadata.namespace}/${metadata.name}`;
  faults.forEach(({ fault, at }, i) => {
    ledger.use(`faults[${i}].fault`, ownField(fault, simulation, `faults[${i}].fault`));
    if (spec.mode === "Shadow" || durationOf(at) < durationOf(replayed(spec) ?? spec.run.horizon)) return;
    const message = `${fault} begins at ${at}, when the run has ended`;
    ledger.warn({ reason: "FaultTooLate", field: `spec.faults[${i}].at`, message, fix: "begin before run.horizon" });
  });
  return faults.length === 0 ? {} : { faults };
};

const targetsOf = ({ sloClass, ttft, tpot, e2e }: SimulationSpec["slo"][number]): [string, SloTargets] => [
  sloClass,
  {
    ...(ttft === undefined ? {} : { ttft: durationOf(ttft) }),
    ...(tpot === undefined ? {} : { tpot: durationOf(tpot) }),
    ...(e2e === undefined ? {} : { e2e: durationOf(e2e) }),
  },
];

/** Pods of workloads with one name would have one name themselves, or look so. */
const refuseOneName = ({ spec }: InferenceSimulation, ledger: Ledger): void => {
  const kinds = new Map<string, string>();
  spec.mirror.workloads.forEach(({ kind, name }, index) => {
    const other = kinds.get(name);
    kinds.set(name, kind);
    if (other === undefined) return;
    ledger.error({
      reason: "OneName",
      field: `spec.mirror.workloads[${index}].name`,
      message: `${kind} ${name} and ${other} ${name} have one name, by which replicas are told apart`,
      fix: "mirror them in two simulations, or rename one",
    });
  });
};

const tooManyReplicas = (name: string, replicas: number, most: number): Omit<Problem, "severity"> => ({
  reason: "TooManyReplicas",
  field: "spec.overrides.replicas",
  message: `${name} has ${replicas} replicas, more than ${most}`,
  fix: `set at most ${most}`,
});

const errorsFirst = (problems: readonly Problem[]): readonly Problem[] => [
  ...problems.filter(({ severity }) => severity === "error"),
  ...problems.filter(({ severity }) => severity !== "error"),
];
