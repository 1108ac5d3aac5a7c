import { findGpu, type GpuFound, gpuIds } from "../../model/catalogue/index.ts";
import type { Hardware } from "../../model/hardware.ts";
import { describeSource, type Known, known } from "../../model/known.ts";
import type { Parallelism } from "../../model/model-shape.ts";
import { objectText } from "../../model/object-text.ts";
import type { SimulationSpec } from "../../schema/simulation-spec.ts";
import { type Ledger, overridden, placeOf } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { WorkloadReading } from "../reader.ts";
import { GPU_RESOURCES } from "../readers/pod/gpu.ts";
import { type GpuNode, gpuNodesOf, type UnknownGpu, warnOfUnknownGpus } from "./gpu-nodes.ts";

const FIX = `set spec.overrides.hardware.gpu to one of ${gpuIds.join(", ")}, or to a name of your own with its bf16Tflops, memoryGiB and memoryBandwidthTBs`;

export interface MirroredHardware {
  readonly hardware: Hardware;
  /** Memory of one GPU by its node's label; undefined: no node tells. */
  readonly visibleMiB: Known<number> | undefined;
}

/** The type of the workload's GPUs: as overridden, as its manifest says, or the only one among the nodes it may land on. */
export const mirrorHardware = (
  reading: WorkloadReading,
  { hardware }: SimulationSpec["overrides"],
  cluster: ObservedCluster,
  ledger: Ledger,
  path: string,
): MirroredHardware | undefined => {
  const nodes = gpuNodesOf(cluster, reading.gpu.nodeSelector);
  const said = overridden(hardware?.gpu, "overrides.hardware.gpu");
  const own = hardware === undefined ? undefined : ownGpu(hardware, ledger, path);
  if (own !== undefined)
    return own.hardware === undefined ? undefined : { hardware: own.hardware, visibleMiB: undefined };
  const hints = said === undefined ? reading.gpu.types : [said];
  const found = hints.length > 0 ? agreed(hints, reading, ledger) : onlyType(nodes, reading, ledger);
  if (found === undefined) return undefined;
  ledger.use(`${path}.gpu`, known(found.hardware.id, found.from));
  const same = nodes.filter(({ type }) => type?.gpu.hardware.id === found.hardware.id);
  if (said === undefined) {
    warnOfOtherType(found, reading, ledger);
    // Where the workload itself tells the type, nodes of none that is known are others' business.
    const heard = hints.length > 0 ? same : nodes;
    const unknown = [...unknownIn(reading.gpu.alsoSaid), ...heard.flatMap((node) => node.unknown ?? [])];
    warnOfUnknownGpus(unknown, found, objectText(reading.ref), ledger);
  }
  for (const { manifest } of same) ledger.read(manifest);
  return { hardware: found.hardware, visibleMiB: leastMemory(same) };
};

const unknownIn = (labels: readonly Known<string>[]): readonly UnknownGpu[] =>
  labels.flatMap((label) => {
    const gpu = findGpu(label.value);
    return gpu.found ? [] : [{ label, gpu }];
  });

/** A label that names another type than the nodes' has perhaps been forgotten. */
const warnOfOtherType = ({ hardware, from }: Found, { gpu, ref }: WorkloadReading, ledger: Ledger): void => {
  for (const { value, from: place } of gpu.alsoSaid) {
    const other = findGpu(value);
    if (!other.found || other.hardware.id === hardware.id) continue;
    const message = `says ${other.hardware.id}, but ${describeSource(from)} says ${hardware.id}, which is simulated`;
    const fix = "correct the one that is wrong, or set spec.overrides.hardware.gpu";
    ledger.warn({ reason: "Contradiction", ...placeOf(place, objectText(ref)), message, fix });
  }
};

type GpuSaid = NonNullable<SimulationSpec["overrides"]["hardware"]>;

/** Figures that spec.overrides.hardware gives: over those of a known type, or, with the first three, a type of one's own. */
const FIGURES = ["bf16Tflops", "memoryGiB", "memoryBandwidthTBs", "fp8Tflops", "gpuLinkGBs", "hostLinkGBs"] as const;

/** @returns undefined: no figures are given; without `hardware`: too few, which the ledger says */
const ownGpu = (said: GpuSaid, ledger: Ledger, path: string): { readonly hardware?: Hardware } | undefined => {
  const given = FIGURES.filter((name) => said[name] !== undefined);
  if (given.length === 0) return undefined;
  const match = findGpu(said.gpu);
  const base = match.found && match.rule !== "pattern" ? match.hardware : undefined;
  const missing = base === undefined ? FIGURES.slice(0, 3).filter((name) => said[name] === undefined) : [];
  if (missing.length > 0) {
    const message = `GPU type ${said.gpu} isn't known, and ${missing.join(", ")} is not given`;
    const fix = `set spec.overrides.hardware.${missing[0]}`;
    ledger.error({ reason: "UnknownGpu", field: "spec.overrides.hardware.gpu", message, fix });
    return {};
  }
  ledger.use(`${path}.gpu`, known(base?.id ?? said.gpu, { kind: "override", field: "spec.overrides.hardware.gpu" }));
  const figures: Partial<Record<(typeof FIGURES)[number], number>> = {};
  for (const name of given) {
    const value = overridden(said[name], `overrides.hardware.${name}`);
    if (value !== undefined) figures[name] = ledger.use(`${path}.hardware.${name}`, value);
  }
  const { visibleMiB, ...rest } = base ?? { ...UNKNOWN_GPU, id: said.gpu };
  // What the driver reports goes with the memory that is given.
  const kept = visibleMiB === undefined || said.memoryGiB !== undefined ? {} : { visibleMiB };
  return { hardware: { ...rest, ...kept, ...figures, source: "spec.overrides.hardware" } };
};

const UNKNOWN_GPU: Omit<Hardware, "id"> = {
  aliases: [],
  vendor: "nvidia",
  bf16Tflops: 0,
  memoryBandwidthTBs: 0,
  memoryGiB: 0,
  mfu: { prefill: 0.45, decode: 0.3, assumed: true },
  source: "spec.overrides.hardware",
};

interface Found {
  readonly hardware: Hardware;
  readonly from: Known<unknown>["from"];
}

const agreed = (hints: readonly Known<string>[], reading: WorkloadReading, ledger: Ledger): Found | undefined => {
  const object = objectText(reading.ref);
  const found: GpuFound[] = [];
  for (const { value, from } of hints) {
    const one = findGpu(value);
    if (!one.found) {
      const fix =
        one.candidates.length > 0 && one.candidates.length < gpuIds.length
          ? `set spec.overrides.hardware.gpu to one of ${one.candidates.join(", ")}`
          : FIX;
      ledger.error({ reason: "UnknownGpu", ...placeOf(from, object), message: one.message, fix });
      return undefined;
    }
    found.push(one);
  }
  const [first] = found as [GpuFound];
  const [{ value, from }] = hints as [Known<string>];
  const ids = [...new Set(found.map(({ hardware }) => hardware.id))];
  if (ids.length > 1) {
    const message = `the pods may land on ${ids.join(" or ")}; one simulated workload has one GPU type`;
    ledger.error({
      reason: "AmbiguousGpu",
      ...placeOf(from, object),
      message,
      fix: `set spec.overrides.hardware.gpu to one of ${ids.join(", ")}`,
    });
    return undefined;
  }
  return taken({ value, from }, first, reading, ledger);
};

/** The type, and a warning where it is a guess or has less to give than is simulated. */
const taken = ({ value, from }: Known<string>, gpu: GpuFound, { ref }: WorkloadReading, ledger: Ledger): Found => {
  const place = placeOf(from, objectText(ref));
  if (gpu.rule === "pattern") {
    const message = `${value} isn't a name that is known; by its letters it is taken for ${gpu.hardware.id}`;
    ledger.warn({ reason: "GuessedGpu", ...place, message, fix: "set spec.overrides.hardware.gpu" });
  }
  if (gpu.shared) {
    const message = `${value}: the GPU is time-sliced among pods, which is not modelled; each pod is simulated as if alone`;
    ledger.warn({ reason: "NotModelled", ...place, message });
  }
  return { hardware: gpu.hardware, from };
};

/** @returns undefined: the ledger says why */
const onlyType = (nodes: readonly GpuNode[], reading: WorkloadReading, ledger: Ledger): Found | undefined => {
  const types = nodes.flatMap(({ type }) => type ?? []);
  const ids = [...new Set(types.map(({ gpu }) => gpu.hardware.id))];
  const [first] = types;
  if (ids.length === 1 && first !== undefined) return taken(first.label, first.gpu, reading, ledger);
  const unknown = nodes.flatMap((node) => node.unknown ?? []).at(0);
  const told = unknown === undefined ? "" : `; ${describeSource(unknown.label.from)}: ${unknown.gpu.message}`;
  const looked = `looked at nodeSelector, required node affinity, labels and nodes${told}`;
  const message =
    ids.length === 0
      ? `nothing tells the GPU type: ${looked}`
      : `nothing tells the GPU type: nodes with ${ids.join(" and ")} would take the pods; ${looked}`;
  const field = `${reading.podPath}.nodeSelector`;
  return ledger.error({ reason: "UnknownGpu", object: objectText(reading.ref), field, message, fix: FIX });
};

const leastMemory = (nodes: readonly GpuNode[]): Known<number> | undefined =>
  nodes
    .flatMap(({ memoryMiB }) => memoryMiB ?? [])
    .reduce<Known<number> | undefined>((a, b) => (a === undefined || b.value < a.value ? b : a), undefined);

/**
 * GPUs of one replica. vLLM fails at start where its ranks outnumber the GPUs, and leaves the rest idle where they don't.
 */
export const mirrorGpuCount = (
  reading: WorkloadReading,
  { tp, pp, dp }: Parallelism,
  ledger: Ledger,
  path: string,
): number | undefined => {
  const object = objectText(reading.ref);
  const needed = tp * pp * dp;
  const { count, claimed } = reading.gpu;
  if (count === undefined || count.value === 0) {
    const field = `${reading.podPath}.containers`;
    const message = `the engine asks for no GPU: looked for ${GPU_RESOURCES.join(", ")} in resources.limits, and for GPUs in resources.claims`;
    if (!claimed || count !== undefined)
      return ledger.error({ reason: "NoGpu", object, field, message, fix: "set it on the engine's container" });
    const why = "devices are claimed (dynamic resource allocation), of a number that nothing tells: one per rank";
    return ledger.use(`${path}.gpusPerReplica`, { value: needed, from: { kind: "derived", how: why } });
  }
  const asked = `tensor ${tp} x pipeline ${pp} x data ${dp}`;
  const place = reading.arguments.number("tensor-parallel-size") ?? count;
  if (needed > count.value) {
    ledger.error({
      reason: "TooFewGpus",
      ...placeOf(place.from, object),
      message: `${asked} parallel needs ${needed} GPUs, but ${reading.group === undefined ? "the container" : "a group"} has ${count.value}`,
      fix: `set --tensor-parallel-size to at most ${Math.max(1, Math.floor(count.value / (pp * dp)))}, or ${claimed ? "claim" : "ask for"} ${needed} GPUs${claimed ? "" : " in resources.limits"}`,
    });
    return undefined;
  }
  if (needed < count.value) {
    const message = `${asked} parallel uses ${needed} of the ${count.value} GPUs that each ${reading.group === undefined ? "pod" : "group"} holds`;
    ledger.warn({
      reason: "UnusedGpus",
      ...placeOf(count.from, object),
      message,
      fix: `set --tensor-parallel-size=${count.value}, or ask for ${needed}`,
    });
  }
  return ledger.use(`${path}.gpusPerReplica`, count);
};
