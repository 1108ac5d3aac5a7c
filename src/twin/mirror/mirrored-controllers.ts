import type { ControllerTarget } from "../../controlplane/controller.ts";
import { type ControllerSaid, controllers } from "../../controlplane/controllers/index.ts";
import { controllerProblems } from "../../controlplane/controllers/problems.ts";
import { known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import type { Problem } from "../../model/problem.ts";
import type { Limits } from "../../schema/limits.ts";
import type { InferenceSimulation } from "../../schema/resource.ts";
import { type Ledger, overridden, withSource } from "../ledger.ts";
import { type Manifest, type ManifestRef, type ObservedCluster } from "../manifest.ts";
import type { VariantReading } from "../reader.ts";
import { isManagedScaler, readManagedScaler, readWvaConfig, variantReaders } from "../readers/index.ts";
import type { WvaConfig } from "../readers/llm-d/wva-config.ts";
import type { ControllerScenario, WorkloadScenario } from "../scenario.ts";
import { roleOf } from "../workload-role.ts";
import { leavesOf } from "./traffic-leaves.ts";

const FIELD = "overrides.autoscaler.controller";

/**
 * Who decides about replicas beside the HPA: what the simulation says, else llm-d's WVA where an object says that it looks after
 * a workload, as its ConfigMaps configure it or with its defaults.
 */
export const mirrorControllers = (
  workloads: readonly WorkloadScenario[],
  { metadata, spec }: InferenceSimulation,
  cluster: ObservedCluster,
  { maxReplicas }: Limits,
  ledger: Ledger,
): readonly ControllerScenario[] => {
  const override = spec.overrides.autoscaler?.controller;
  const variants =
    override === undefined || override.name === "wva" ? variantsOf(workloads, metadata.namespace, cluster, ledger) : [];
  if (override === undefined && variants.length === 0) return [];
  const config = override === undefined ? configOf(variants, metadata.namespace, cluster, ledger) : {};
  if (config === undefined) return [];
  const values = Object.fromEntries(Object.entries(config).map(([name, { value }]) => [name, value]));
  const said: ControllerSaid = override ?? controllers.schema.parse({ name: "wva", ...values });
  const targets =
    said.name === "wva"
      ? variants.map((one) => variantTarget(one, ledger))
      : workloads.map((one) => ({ ...workloadTarget(one), maxReplicas }));
  if (targets.length === 0) return noVariants(ledger);
  const [first] = variants;
  const unsaid = {
    kind: "derived" as const,
    how: `${first === undefined ? "" : objectText(first.reading.ref)} is managed; no ConfigMap of the autoscaler says it here`,
  };
  for (const leaf of leavesOf("controller", FIELD, said)) {
    const from = config[leaf.path.slice("controller.".length)]?.from ?? unsaid;
    ledger.use(leaf.path, overridden(override && leaf.value, leaf.field) ?? known(leaf.value, from));
  }
  for (const { field, ...problem } of controllerProblems(said, targets)) {
    ledger.error({ ...problem, field: `spec.${FIELD}.${field}` });
  }
  return [{ said, targets: [...targets].sort((a, b) => (a.name < b.name ? -1 : 1)) }];
};

/** @returns undefined where the autoscaler would decide nothing by it, which the ledger says */
const configOf = (
  variants: readonly FoundVariant[],
  namespace: string,
  cluster: ObservedCluster,
  ledger: Ledger,
): WvaConfig | undefined => {
  const problems: Problem[] = [];
  const models = [...new Set(variants.map(({ reading, workload }) => reading.model?.value ?? workload.modelName))];
  const config = readWvaConfig(cluster, { namespace, models }, problems);
  ledger.problems.push(...problems);
  return problems.some(({ severity }) => severity === "error") ? undefined : config;
};

interface FoundVariant {
  readonly reading: VariantReading;
  readonly workload: WorkloadScenario;
  readonly kind: "annotated" | "crd";
}

/** One for a workload: a ScaledObject goes before an HPA (annotationSourcedVariants), and either before a VariantAutoscaling. */
const variantsOf = (
  workloads: readonly WorkloadScenario[],
  namespace: string,
  cluster: ObservedCluster,
  ledger: Ledger,
): readonly FoundVariant[] => {
  const annotated = ["ScaledObject", "HorizontalPodAutoscaler"].flatMap((kind) =>
    cluster.list(kind, namespace).filter(isManagedScaler),
  );
  const objects = variantReaders.flatMap((reader) =>
    cluster.list(reader.kind, namespace).map((manifest) => ({ manifest, reader })),
  );
  const found = [
    ...annotated.flatMap((manifest) => readFor(manifest, readManagedScaler, "annotated", workloads, ledger)),
    ...objects.flatMap(({ manifest, reader }) => readFor(manifest, reader.read, "crd", workloads, ledger)),
  ];
  return found.filter(({ workload }, index) => found.findIndex((one) => one.workload === workload) === index);
};

const readFor = (
  manifest: Manifest,
  read: (manifest: Manifest) => ReturnType<typeof readManagedScaler>,
  kind: FoundVariant["kind"],
  workloads: readonly WorkloadScenario[],
  ledger: Ledger,
): FoundVariant[] => {
  const target = (manifest.spec as { scaleTargetRef?: { kind?: unknown; name?: unknown } } | undefined)?.scaleTargetRef;
  const workload = workloads.find(({ kind, name }) => name === target?.name && kind === (target?.kind ?? "Deployment"));
  if (workload === undefined) return [];
  ledger.read(manifest);
  const result = read(manifest);
  ledger.problems.push(...(result.ok ? result.warnings : result.problems));
  return result.ok ? [{ reading: result.value, workload, kind }] : [];
};

const variantTarget = ({ reading, workload, kind }: FoundVariant, ledger: Ledger): ControllerTarget => {
  const { ref, model, cost, accelerator, minReplicas, maxReplicas } = reading;
  const path = `controller.variants[${ref.name}]`;
  const unsaid = { kind: "derived" as const, how: `as ${workload.kind} ${workload.name} has it` };
  const modelId = model ?? known(workload.modelName, unsaid);
  if (modelId.value !== workload.modelName) modelDiffers(ref, modelId, workload, ledger);
  const base = workloadTarget(workload);
  return {
    ...base,
    name: ref.name,
    kind,
    model: ledger.use(`${path}.model`, modelId),
    cost: ledger.use(`${path}.cost`, cost),
    accelerator: ledger.use(`${path}.accelerator`, accelerator ?? known(base.accelerator, unsaid)),
    ...(minReplicas === undefined ? {} : { minReplicas: ledger.use(`${path}.minReplicas`, minReplicas) }),
    ...(maxReplicas === undefined ? {} : { maxReplicas: ledger.use(`${path}.maxReplicas`, maxReplicas) }),
  };
};

const modelDiffers = (
  ref: ManifestRef,
  model: Parameters<typeof withSource>[0],
  { name, modelName }: WorkloadScenario,
  ledger: Ledger,
): void =>
  ledger.warn({
    reason: "ModelDiffers",
    object: objectText(ref),
    message: `looks for series of ${withSource(model)}, but ${name} serves ${modelName}: nothing will be found`,
    fix: "say the model as the workload serves it",
  });

/** Where costs are needed and none is said, GPUs are counted. */
const workloadTarget = (workload: WorkloadScenario): ControllerTarget => {
  const { namespace, name, modelName, gpusPerReplica, engine, hardware, parallelism, gpuMemoryUtilization } = workload;
  return {
    name,
    namespace,
    workload: name,
    kind: "workload",
    model: modelName,
    accelerator: hardware.id,
    cost: gpusPerReplica,
    gpusPerReplica,
    role: roleOf(workload.podLabels),
    engine: {
      maxNumSeqs: engine.maxNumSeqs,
      maxNumBatchedTokens: engine.maxNumBatchedTokens,
      maxModelLen: engine.maxModelLen,
      blockTokens: engine.blockSize,
      kvTokens: engine.numGpuBlocks * engine.blockSize * (engine.ranks ?? 1),
      tensorParallel: parallelism.tp,
      gpuMemoryUtilization,
    },
  };
};

const noVariants = (ledger: Ledger): readonly ControllerScenario[] => {
  ledger.error({
    reason: "NoVariants",
    field: `spec.${FIELD}.name`,
    message: "nothing tells the Workload Variant Autoscaler of the workloads",
    fix: 'annotate their HorizontalPodAutoscaler or ScaledObject with llm-d.ai/managed: "true"',
  });
  return [];
};
