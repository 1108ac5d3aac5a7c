import { durationOf } from "../model/duration.ts";
import { good, type Problem, type Result } from "../model/problem.ts";
import { SATURATION_DEFAULTS, type SaturationOptions } from "../report/saturation/saturation-fold.ts";
import type { SloTargets } from "../report/slo.ts";
import type { Limits } from "../schema/limits.ts";
import type { InferenceSimulation } from "../schema/resource.ts";
import type { SimulationSpec } from "../schema/simulation-spec.ts";
import { seconds } from "../sim/time.ts";
import { digestOf } from "./digest.ts";
import { defaulted, Ledger, type MirroredValue, overriddenPeriod, ownField } from "./ledger.ts";
import type { ManifestRef, ObservedCluster } from "./manifest.ts";
import { mirrorAutoscalers } from "./mirror/mirrored-autoscalers.ts";
import { mirrorControllers } from "./mirror/mirrored-controllers.ts";
import { mirrorGateway } from "./mirror/mirrored-gateway.ts";
import { mirrorTraffic } from "./mirror/mirrored-traffic.ts";
import { mirrorWorkload, readWorkload } from "./mirror/mirrored-workload.ts";
import type { FoundProfile, FoundTrace, MetricsScenario, Scenario } from "./scenario.ts";

export type { MirroredValue } from "./ledger.ts";
export type { Manifest, ManifestRef, ObservedCluster } from "./manifest.ts";
export { type PickerConfigWanted, pickerConfigWanted } from "./mirror/picker-config.ts";

export interface MirrorParts {
  readonly limits: Limits;
  /** What spec.workload.trace names; whoever holds the store has looked. */
  readonly trace?: FoundTrace;
  /** What spec.workload.profile names, unless it is a preset. */
  readonly profile?: FoundProfile;
  /** What spec.overrides.model.config holds: a Hugging Face config.json. */
  readonly modelConfig?: string;
  /** Text of the endpoint picker's configuration, where `pickerConfigWanted` asks for it. */
  readonly pickerConfig?: string;
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
  { limits, trace, profile, modelConfig, pickerConfig }: MirrorParts,
): Result<Mirrored> => {
  const ledger = new Ledger();
  const { spec, metadata } = simulation;
  const { namespace } = metadata;
  const head = mirrorRun(simulation, ledger);
  const readings = spec.mirror.workloads.flatMap(
    (said, index) => readWorkload(said, index, namespace, cluster, ledger) ?? [],
  );
  const workloads = readings.flatMap(
    (reading) => mirrorWorkload(reading, spec, { cluster, modelConfig }, ledger) ?? [],
  );
  for (const { name, replicas } of workloads) {
    if (replicas > limits.maxReplicas) ledger.error(tooManyReplicas(name, replicas, limits.maxReplicas));
  }
  const complete = readings.length === spec.mirror.workloads.length;
  const refs = readings.map(({ ref }) => ref);
  const scalers = complete ? mirrorAutoscalers(refs, simulation, cluster, limits, ledger) : [];
  const controllers =
    workloads.length === spec.mirror.workloads.length
      ? mirrorControllers(workloads, simulation, cluster, limits, ledger)
      : [];
  const gateway = mirrorGateway(simulation, { cluster, pickerConfig }, ledger);
  const metrics = mirrorMetrics(spec, ledger);
  const traffic = mirrorTraffic(simulation, { trace, profile }, limits, ledger);
  if (ledger.failed || traffic === undefined || gateway === undefined)
    return { ok: false, problems: errorsFirst(ledger.problems) };
  const scenario: Scenario = {
    ...head,
    workloads,
    gateway,
    metrics,
    autoscalers: scalers,
    ...(controllers.length === 0 ? {} : { controllers }),
    traffic,
    ...judgedBy(spec),
  };
  return good({ scenario, values: ledger.values, reads: ledger.reads }, ledger.problems);
};

const mirrorRun = ({ metadata, spec }: InferenceSimulation, ledger: Ledger) => {
  const { run, mode } = spec;
  const simulation = `${metadata.namespace}/${metadata.name}`;
  const said = <T extends string | number>(name: string, value: T): T =>
    ledger.use(`run.${name}`, ownField(value, simulation, `run.${name}`));
  const horizon = mode === "Shadow" ? undefined : durationOf(said("horizon", run.horizon));
  return {
    simulation,
    name: "baseline",
    seed: said("seed", run.seed),
    horizonMicros: horizon,
    warmUpMicros: durationOf(said("warmUp", run.warmUp)),
  };
};

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

const targetsOf = ({ sloClass, ttft, tpot, e2e }: SimulationSpec["slo"][number]): [string, SloTargets] => [
  sloClass,
  {
    ...(ttft === undefined ? {} : { ttft: durationOf(ttft) }),
    ...(tpot === undefined ? {} : { tpot: durationOf(tpot) }),
    ...(e2e === undefined ? {} : { e2e: durationOf(e2e) }),
  },
];

/** Look-back of Prometheus' instant queries: --query.lookback-delta, 5 min. */
const LOOK_BACK_SECONDS = 300;

const mirrorMetrics = ({ overrides }: SimulationSpec, ledger: Ledger): MetricsScenario => {
  const interval =
    overriddenPeriod(overrides.metrics?.scrapeInterval, "overrides.metrics.scrapeInterval", ledger) ??
    defaulted(30, "no monitor is mirrored: 30 s, as kube-prometheus-stack and llm-d's PodMonitor have it");
  const lookBack = defaulted(LOOK_BACK_SECONDS, "Prometheus 3: --query.lookback-delta is 5 min");
  return {
    scrapeIntervalMicros: seconds(ledger.use("metrics.scrapeIntervalSeconds", interval)),
    lookBackMicros: seconds(ledger.use("metrics.lookBackSeconds", lookBack)),
  };
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
