import { latencyProblems } from "../../latency/latency-problems.ts";
import { latencyModels } from "../../latency/models/index.ts";
import { objectText } from "../../model/object-text.ts";
import { nearest } from "../../schema/nearest.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { defaulted, type Ledger, overridden, placeOf } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { WorkloadReading } from "../reader.ts";
import { workloadReaders } from "../readers/index.ts";
import { podTemplateOf } from "../readers/pod/pod-template-of.ts";
import type { WorkloadScenario } from "../scenario.ts";
import { mirrorCorrections } from "./mirrored-corrections.ts";
import { mirrorEngine } from "./mirrored-engine.ts";
import { mirrorGroup, shareOfPod } from "./mirrored-group.ts";
import { mirrorGpuCount, mirrorHardware } from "./mirrored-hardware.ts";
import { mirrorModel } from "./mirrored-model.ts";
import type { WorkloadOnNodes } from "./mirrored-nodes.ts";
import { type CachePage, warnOfOtherModel } from "./mirrored-page.ts";
import { mirrorParallelism } from "./mirrored-parallelism.ts";
import { mirrorRollouts } from "./mirrored-rollouts.ts";
import { mirrorStart, mirrorStop } from "./mirrored-start.ts";

type MirrorSpec = SimulationSpec["mirror"]["workloads"][number];

/** Finds and reads one workload. @param index of it in spec.mirror.workloads */
export const readWorkload = (
  said: MirrorSpec,
  index: number,
  namespace: string,
  cluster: ObservedCluster,
  ledger: Ledger,
): WorkloadReading | undefined => {
  const reader = workloadReaders.find(({ kind }) => kind === said.kind);
  const manifest = cluster.get(said.kind, namespace, said.name);
  if (reader === undefined || manifest === undefined) {
    const names = cluster.list(said.kind, namespace).map(({ metadata }) => metadata.name);
    const near = nearest(said.name, names);
    const others = names.length === 0 ? `there is no ${said.kind} in it` : `there are ${names.slice(0, 5).join(", ")}`;
    return ledger.error({
      reason: "WorkloadNotFound",
      field: `spec.mirror.workloads[${index}].name`,
      message: `${said.kind} ${said.name} does not exist in namespace ${namespace}; ${near === undefined ? others : `did you mean ${near}?`}`,
      fix: `name a ${said.kind} of namespace ${namespace}`,
    });
  }
  ledger.read(manifest);
  ledger.read(podTemplateOf(manifest, cluster).holder);
  const read = reader.read(manifest, cluster);
  ledger.problems.push(...(read.ok ? read.warnings : read.problems));
  return read.ok ? read.value : undefined;
};

/** Beside the workload's own object. */
interface WorkloadParts {
  /** `namespace/name`. */
  readonly simulation: string;
  readonly cluster: ObservedCluster;
  /** Text of a Hugging Face config.json. */
  readonly modelConfig: string | undefined;
  readonly page: CachePage | undefined;
}

/** Everything that one workload's replicas are simulated by; undefined if something can't be had, which the ledger says. */
export const mirrorWorkload = (
  reading: WorkloadReading,
  spec: SimulationSpec,
  { simulation, cluster, modelConfig, page }: WorkloadParts,
  ledger: Ledger,
): WorkloadOnNodes | undefined => {
  const { overrides } = spec;
  const path = `workloads[${reading.ref.name}]`;
  const object = objectText(reading.ref);
  const override = overrides.engine ?? {};
  const replicas = ledger.use(
    `${path}.replicas`,
    overridden(overrides.replicas, "overrides.replicas") ?? reading.replicas,
  );
  const shape = mirrorModel({ reading, override: overrides.model ?? {}, config: modelConfig }, ledger, path);
  const gpu = mirrorHardware(reading, overrides, cluster, ledger, path);
  const parallelism = mirrorParallelism(reading, ledger, path);
  const gpusPerReplica = parallelism === undefined ? undefined : mirrorGpuCount(reading, parallelism, ledger, path);
  if (shape === undefined || gpu === undefined || parallelism === undefined || gpusPerReplica === undefined)
    return undefined;
  const mode = ledger.use(
    `${path}.engine.mode`,
    overridden(override.mode, "overrides.engine.mode") ?? defaulted("vllm" as const, "as a cluster would do"),
  );
  const name = ledger.use(
    `${path}.latencyModel`,
    overridden(override.latencyModel, "overrides.engine.latencyModel") ??
      (mode === "blis"
        ? defaulted("trained-physics" as const, "the reference simulator's own")
        : defaulted("physical" as const, "physical bounds, fitted to measured vLLM servers")),
  );
  const own = mirrorCorrections(override.latencyCorrections, name, ledger, path);
  const unfit = latencyProblems({ shape, hardware: gpu.hardware, parallelism, mode }, name).filter(
    ({ reason }) => reason !== "Extrapolated" || own?.deviation === undefined,
  );
  const tp = reading.arguments.number("tensor-parallel-size");
  ledger.add(unfit, tp === undefined ? { object } : placeOf(tp.from, object));
  if (unfit.some(({ severity }) => severity === "error")) return undefined;
  const served =
    reading.arguments.firstText("served-model-name") ??
    reading.arguments.text("model") ??
    defaulted(shape.id, "the model's id");
  if (page !== undefined) warnOfOtherModel(page, served, ledger);
  const engine = mirrorEngine({ reading, override, page, shape, ...gpu, parallelism, mode }, ledger, path);
  if (engine === undefined) return undefined;
  const group = mirrorGroup(reading, { parallelism, moe: shape.moe !== undefined }, ledger, path);
  const rollouts = mirrorRollouts(reading, spec, simulation, ledger);
  const weightBytes = engine.weightBytes * shareOfPod(reading, parallelism);
  // Where nodes are simulated, the image is pulled by them; what is left of the phase is the pod's sandbox.
  const { imagePull: _, ...onNode } = overrides.start ?? {};
  const start = overrides.nodes === undefined ? overrides.start : onNode;
  const scenario: WorkloadScenario = {
    ...reading.ref,
    container: ledger.use(`${path}.container`, reading.container),
    podLabels: reading.labels,
    modelName: ledger.use(`${path}.servedName`, served),
    replicas,
    gpusPerReplica,
    engine: engine.config,
    kvBytesPerToken: engine.kvBytesPerToken,
    ...(engine.tier === undefined ? {} : { kvTier: engine.tier.tier }),
    eager: engine.eager,
    gpuMemoryUtilization: engine.gpuMemoryUtilization,
    latency: latencyModels.schema.parse({ name, ...own }),
    shape,
    hardware: gpu.hardware,
    parallelism,
    start: mirrorStart(reading, start, weightBytes, ledger, path),
    stop: mirrorStop(reading, ledger, path),
    minReadySeconds: ledger.useSeconds(`${path}.minReadySeconds`, reading.life.minReadySeconds, object),
    ...(reading.ordinals === undefined ? {} : { ordinals: ledger.use(`${path}.ordinals`, reading.ordinals) }),
    ...(group === undefined ? {} : { group }),
    ...(rollouts === undefined ? {} : { rollouts }),
  };
  return { reading, scenario, weightBytes, ...(engine.tier === undefined ? {} : { kvStore: engine.tier.store }) };
};
