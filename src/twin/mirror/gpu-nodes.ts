import { findGpu, type GpuFound, type GpuMissing, nearestGpus } from "../../model/catalogue/index.ts";
import type { Hardware } from "../../model/hardware.ts";
import { describeSource, type Known, known } from "../../model/known.ts";
import { Field } from "../field.ts";
import { type Ledger, placeOf } from "../ledger.ts";
import type { Manifest, ObservedCluster } from "../manifest.ts";
import { GPU_LABELS, GPU_NAME_LABELS, gpuNameOf } from "../readers/pod/gpu.ts";

/** A node that takes the pods, and what its labels tell of its GPUs. */
export interface GpuNode {
  readonly manifest: Manifest;
  /** By the surest label whose value is known; undefined: by none. */
  readonly type: { readonly label: Known<string>; readonly gpu: GpuFound } | undefined;
  /** The surest label that names a GPU, where its value isn't known. */
  readonly unknown: UnknownGpu | undefined;
  /** Of one GPU, by its label. */
  readonly memoryMiB: Known<number> | undefined;
}

export interface UnknownGpu {
  readonly label: Known<string>;
  readonly gpu: GpuMissing;
}

/** Schedulable nodes with labels that name GPUs. @param nodeSelector of the pods */
export const gpuNodesOf = (
  cluster: ObservedCluster,
  nodeSelector: Readonly<Record<string, string>>,
): readonly GpuNode[] =>
  cluster.list("Node").flatMap((manifest) => {
    const root = Field.root(manifest, []);
    const labels = manifest.metadata.labels ?? {};
    if (root.at("spec", "unschedulable").raw === true) return [];
    if (Object.entries(nodeSelector).some(([name, value]) => labels[name] !== value)) return [];
    const node = { manifest, ...typeOf(root, labels), memoryMiB: memoryOf(root) };
    return node.type === undefined && node.unknown === undefined ? [] : [node];
  });

const typeOf = (root: Field, labels: Readonly<Record<string, string>>): Pick<GpuNode, "type" | "unknown"> => {
  let unknown: UnknownGpu | undefined;
  for (const name of GPU_LABELS) {
    const value = labels[name];
    if (value === undefined) continue;
    const label = known(gpuNameOf(name, value), root.at("metadata", "labels", name).from);
    const gpu = findGpu(label.value);
    if (gpu.found) return { type: { label, gpu }, unknown };
    if (GPU_NAME_LABELS.includes(name)) unknown ??= { label, gpu };
  }
  return { type: undefined, unknown };
};

const memoryOf = (root: Field): Known<number> | undefined => {
  const memory = root.at("metadata", "labels", "nvidia.com/gpu.memory");
  const mib = Number(memory.raw);
  return memory.present && Number.isSafeInteger(mib) && mib > 0 ? known(mib, memory.from) : undefined;
};

/**
 * Warns of labels with a GPU type that isn't known, once for each such type: another one is simulated.
 * @param simulated and where it is from
 * @param object `Kind/namespace/name`, that has labels without a place of their own
 */
export const warnOfUnknownGpus = (
  unknown: readonly UnknownGpu[],
  simulated: { readonly hardware: Hardware; readonly from: Known<unknown>["from"] },
  object: string,
  ledger: Ledger,
): void => {
  const { id } = simulated.hardware;
  const byName = new Map<string, UnknownGpu[]>();
  for (const one of unknown) {
    // What may be any of several types is the one that is known from elsewhere.
    if (one.gpu.why === "ambiguous" && one.gpu.candidates.includes(id)) continue;
    const { value } = one.label;
    byName.set(value, [...(byName.get(value) ?? []), one]);
  }
  for (const [first, ...more] of byName.values()) {
    const { label, gpu } = first as UnknownGpu;
    const others = more.length === 0 ? "" : ` (${more.length} more say the same)`;
    const message = `${gpu.message}${others}; ${id} is simulated, as ${describeSource(simulated.from)} says`;
    ledger.warn({ reason: "UnknownGpu", ...placeOf(label.from, object), message, fix: fixOf(label.value, gpu) });
  }
};

const fixOf = (value: string, { why, candidates }: GpuMissing): string => {
  if (why === "mig") return "mirror a workload on whole GPUs, or set spec.overrides.hardware.gpu";
  const near = why === "ambiguous" ? candidates : nearestGpus(value, 3);
  return `set spec.overrides.hardware.gpu to what the pods run on: one of ${near.join(", ")}, or a name of your own with its bf16Tflops, memoryGiB and memoryBandwidthTBs`;
};
