import { HPA_FLAG_DEFAULTS } from "../../controlplane/hpa/horizontal-pod-autoscaler.ts";
import type { HpaSpec } from "../../controlplane/hpa/spec.ts";
import type { ScaledObjectSpec } from "../../controlplane/keda/spec.ts";
import { durationSeconds } from "../../model/duration.ts";
import { objectText } from "../../model/object-text.ts";
import type { Problem } from "../../model/problem.ts";
import type { Limits } from "../../schema/limits.ts";
import { nearest } from "../../schema/nearest.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { seconds } from "../../sim/time.ts";
import { defaulted, derived, type Ledger, overridden, overriddenPeriod, ownField } from "../ledger.ts";
import { type Manifest, type ManifestRef, type ObservedCluster, refOf } from "../manifest.ts";
import { metricNames } from "../metric-names.ts";
import type { AutoscalerReading } from "../reader.ts";
import { autoscalerReaders, workloadReaders } from "../readers/index.ts";
import type { AutoscalerScenario } from "../scenario.ts";
import { type MirroredAdapter, unyieldedMetrics } from "./mirrored-adapter.ts";
import { recordedNames } from "./mirrored-rules.ts";
import { mirrorScaledObject, unusedTriggers } from "./mirrored-scaled-object.ts";

export interface AutoscalerParts {
  readonly cluster: ObservedCluster;
  readonly limits: Limits;
  /** undefined: metrics go by the names of their series. */
  readonly adapter: MirroredAdapter | undefined;
}

/**
 * Who scales the workloads: the autoscaler that the simulation names, or each that has one of them as its scaleTargetRef.
 * Two on one workload are an error, since the real ones would fight.
 */
export const mirrorAutoscalers = (
  workloads: readonly ManifestRef[],
  { metadata, spec }: InferenceSimulation,
  parts: AutoscalerParts,
  ledger: Ledger,
): readonly AutoscalerScenario[] => {
  const { cluster } = parts;
  const { namespace, name } = metadata;
  const named = spec.mirror.autoscaler?.name;
  const found =
    named === undefined
      ? byTarget(workloads, namespace, spec, cluster, ledger)
      : byName(named, workloads, namespace, spec, cluster, ledger);
  const readings = found.flatMap((manifest) => {
    ledger.read(manifest);
    const read = readerOf(manifest).read(manifest);
    ledger.problems.push(...(read.ok ? read.warnings : read.problems));
    return read.ok ? [read.value] : [];
  });
  refuseTwoOnOne(readings, ledger);
  unusedTriggers(
    readings.flatMap((reading) => ("keda" in reading ? [reading] : [])),
    spec,
    ledger,
  );
  if (found.length === 0 && !ledger.failed) {
    ledger.use("autoscalers", defaulted(null, "no autoscaler targets the workloads: their replicas stay as they are"));
  }
  return readings.flatMap((reading) => scenarioOf(reading, spec, `${namespace}/${name}`, parts, ledger) ?? []);
};

const readerOf = ({ kind }: Manifest): (typeof autoscalerReaders)[number] =>
  autoscalerReaders.find((reader) => reader.kind === kind) ?? autoscalerReaders[0];

/** A ScaledObject that names no kind means a Deployment. */
const targetOf = (manifest: Manifest): { kind?: unknown; name?: unknown; apiVersion?: unknown } => ({
  ...(manifest.kind === "ScaledObject" ? { kind: "Deployment" } : {}),
  ...((manifest.spec as Record<string, unknown> | undefined)?.scaleTargetRef as object | undefined),
});

/** Whether it is the HPA that KEDA keeps for a ScaledObject that is here, too. */
const isMadeByKeda = ({ metadata }: Manifest, namespace: string, cluster: ObservedCluster): boolean => {
  const { ownerReferences } = metadata as { readonly ownerReferences?: unknown };
  return (
    Array.isArray(ownerReferences) &&
    ownerReferences.some(
      (owner: { kind?: unknown; name?: unknown } | null) =>
        owner?.kind === "ScaledObject" && cluster.get("ScaledObject", namespace, String(owner.name)) !== undefined,
    )
  );
};

/** The group of a target counts, its version does not. */
const aims = (manifest: Manifest, { kind, name }: ManifestRef): boolean => {
  const target = targetOf(manifest);
  const group = workloadReaders.find((reader) => reader.kind === kind)?.group ?? "";
  const said = String(target.apiVersion ?? "apps/v1");
  return target.kind === kind && target.name === name && said.startsWith(`${group}/`);
};

const byTarget = (
  workloads: readonly ManifestRef[],
  namespace: string,
  spec: SimulationSpec,
  cluster: ObservedCluster,
  ledger: Ledger,
): readonly Manifest[] => {
  const all = autoscalerReaders
    .flatMap(({ kind }) => cluster.list(kind, namespace))
    .filter((manifest) => !isMadeByKeda(manifest, namespace, cluster));
  const aiming = all.filter((manifest) => workloads.some((workload) => aims(manifest, workload)));
  if (aiming.length > 0) return aiming;
  for (const manifest of all) targetMissing(manifest, namespace, cluster, ledger);
  // Whoever scales from outside may well scale the simulation itself, through its own /scale.
  if (spec.mirror.autoscaler?.driver === "Simulated" && !ledger.failed) {
    const { kind } = spec.mirror.autoscaler;
    ledger.error({
      reason: "AutoscalerNotFound",
      field: "spec.mirror.autoscaler",
      message: `no ${kind} in namespace ${namespace} has ${workloads.map(({ kind, name }) => `${kind} ${name}`).join(" or ")} as its scaleTargetRef`,
      fix: "create it, name it in spec.mirror.autoscaler.name, or leave spec.mirror.autoscaler out",
    });
  }
  return [];
};

const byName = (
  name: string,
  workloads: readonly ManifestRef[],
  namespace: string,
  spec: SimulationSpec,
  cluster: ObservedCluster,
  ledger: Ledger,
): readonly Manifest[] => {
  const kind = spec.mirror.autoscaler?.kind ?? "HorizontalPodAutoscaler";
  const manifest = cluster.get(kind, namespace, name);
  if (manifest === undefined) {
    const near = nearest(
      name,
      cluster.list(kind, namespace).map(({ metadata }) => metadata.name),
    );
    ledger.error({
      reason: "AutoscalerNotFound",
      field: "spec.mirror.autoscaler.name",
      message: `${kind} ${name} does not exist in namespace ${namespace}${near === undefined ? "" : `; did you mean ${near}?`}`,
      fix: "name one that exists, or leave the name out to have it found by its scaleTargetRef",
    });
    return [];
  }
  if (workloads.some((workload) => aims(manifest, workload))) return [manifest];
  if (!targetMissing(manifest, namespace, cluster, ledger)) {
    const target = targetOf(manifest);
    ledger.error({
      reason: "AutoscalerTarget",
      object: objectText(refOf(manifest)),
      field: "spec.scaleTargetRef",
      message: `scales ${String(target.kind)} ${String(target.name)}, which the simulation does not mirror`,
      fix: `add it to spec.mirror.workloads, or name an autoscaler of ${workloads.map((one) => one.name).join(", ")}`,
    });
  }
  return [];
};

/** @returns whether the target is of a kind that is looked for, and isn't there: told as an error */
const targetMissing = (manifest: Manifest, namespace: string, cluster: ObservedCluster, ledger: Ledger): boolean => {
  const { kind, name } = targetOf(manifest);
  if (!workloadReaders.some((reader) => reader.kind === kind) || typeof name !== "string") return false;
  if (cluster.get(String(kind), namespace, name) !== undefined) return false;
  const near = nearest(
    name,
    cluster.list(String(kind), namespace).map(({ metadata }) => metadata.name),
  );
  ledger.error({
    reason: "TargetNotFound",
    object: objectText(refOf(manifest)),
    field: "spec.scaleTargetRef.name",
    message: `targets nothing: ${String(kind)} ${name} does not exist in namespace ${namespace}${near === undefined ? "" : `; did you mean ${near}?`}`,
    fix: "correct the name, or delete the autoscaler",
  });
  return true;
};

const refuseTwoOnOne = (readings: readonly AutoscalerReading[], ledger: Ledger): void => {
  const first = new Map<string, AutoscalerReading>();
  for (const reading of readings) {
    const target = `${reading.target.value.kind}/${reading.target.value.name}`;
    const other = first.get(target);
    if (other === undefined) first.set(target, reading);
    else {
      ledger.error({
        reason: "TwoAutoscalers",
        object: objectText(reading.ref),
        field: "spec.scaleTargetRef",
        message: `scales ${reading.target.value.kind} ${reading.target.value.name}, as ${objectText(other.ref)} does: the two would fight`,
        fix: "delete one, or name the one to simulate in spec.mirror.autoscaler.name",
      });
    }
  }
};

/** External metrics of a ScaledObject are KEDA's to answer; of its triggers of cpu and memory nobody here knows. */
const metricProblems = (
  hpa: HpaSpec,
  keda: ScaledObjectSpec | undefined,
  adapter: MirroredAdapter | undefined,
): readonly Problem[] => {
  if (keda === undefined) return adapter === undefined ? metricNames.problems(hpa) : unyieldedMetrics(hpa, adapter);
  const metrics = hpa.metrics.filter(({ type }) => type !== "External");
  return metricNames.problems({ ...hpa, metrics }).map((problem) => ({ ...problem, field: "spec.triggers" }));
};

const scenarioOf = (
  reading: AutoscalerReading,
  spec: SimulationSpec,
  simulation: string,
  { cluster, limits: { maxReplicas }, adapter }: AutoscalerParts,
  ledger: Ledger,
): AutoscalerScenario | undefined => {
  const { ref, target, values } = reading;
  const path = `autoscalers[${ref.name}]`;
  const object = objectText(ref);
  const { overrides, mirror } = spec;
  ledger.use(`${path}.target`, { value: target.value.name, from: target.from });
  for (const value of values) ledger.use(`${path}.${value.path}`, value.known);
  const mirrored =
    "keda" in reading ? mirrorScaledObject(reading, spec, recordedNames(cluster), ledger) : { hpa: reading.spec };
  if (mirrored === undefined) return undefined;
  const { hpa } = mirrored;
  const keda = "keda" in mirrored ? mirrored.keda : undefined;
  ledger.add(metricProblems(hpa, keda, adapter), { object });
  if (hpa.maxReplicas > maxReplicas) {
    const message = `${hpa.maxReplicas} replicas are more than ${maxReplicas}`;
    ledger.error({
      reason: "TooManyReplicas",
      object,
      field: keda === undefined ? "spec.maxReplicas" : "spec.maxReplicaCount",
      message,
      fix: `set at most ${maxReplicas}`,
    });
  }
  const flag = (name: string) => `Kubernetes v1.${hpa.kubernetesMinor}: --horizontal-pod-autoscaler-${name}`;
  const { syncPeriod, downscaleStabilization, tolerance } = overrides.autoscaler ?? {};
  const period =
    overriddenPeriod(syncPeriod, "overrides.autoscaler.syncPeriod", ledger) ??
    defaulted(HPA_FLAG_DEFAULTS.syncPeriodMicros / 1e6, flag("sync-period"));
  const window =
    overridden(
      downscaleStabilization === undefined ? undefined : durationSeconds(downscaleStabilization),
      "overrides.autoscaler.downscaleStabilization",
    ) ?? defaulted(HPA_FLAG_DEFAULTS.downscaleStabilizationSeconds, flag("downscale-stabilization"));
  const driver =
    mirror.autoscaler === undefined
      ? derived("Simulated" as const, "mirror.autoscaler is left out")
      : ownField(mirror.autoscaler.driver, simulation, "mirror.autoscaler.driver");
  return {
    namespace: ref.namespace,
    name: keda?.hpaName ?? ref.name,
    workload: target.value.name,
    spec: hpa,
    ...(keda === undefined ? {} : { keda }),
    syncPeriodMicros: seconds(ledger.use(`${path}.syncPeriodSeconds`, period)),
    downscaleStabilizationSeconds: ledger.use(`${path}.downscaleStabilizationSeconds`, window),
    tolerance: ledger.use(
      `${path}.tolerance`,
      overridden(tolerance, "overrides.autoscaler.tolerance") ??
        defaulted(HPA_FLAG_DEFAULTS.tolerance, flag("tolerance")),
    ),
    driver: ledger.use(`${path}.driver`, driver),
  };
};
