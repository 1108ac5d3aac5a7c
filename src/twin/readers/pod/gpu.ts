import { type Known, known } from "../../../model/known.ts";
import type { Problem } from "../../../model/problem.ts";
import type { Field } from "../../field.ts";
import type { ObservedCluster } from "../../manifest.ts";
import { readDeviceClaims } from "./device-claims.ts";

/** GPUs of one pod: how many, and what its manifest says about their type, the surest first. */
export interface GpuReading {
  /** undefined: no GPU is asked for in `resources.limits`, and none that is known by `resources.claims`. */
  readonly count: Known<number> | undefined;
  /** The extended resource that `count` is of; undefined: none is asked for. */
  readonly resource: string | undefined;
  /** All hints of the first place that has any: they must agree. */
  readonly types: readonly Known<string>[];
  /** What labels and annotations of workload and pod say beside, where a surer place has spoken. */
  readonly alsoSaid: readonly Known<string>[];
  /** Whether devices are claimed by dynamic resource allocation. */
  readonly claimed: boolean;
  /** Labels that a node must have. */
  readonly nodeSelector: Readonly<Record<string, string>>;
}

/** Extended resources that count whole GPUs. */
export const GPU_RESOURCES = ["nvidia.com/gpu", "amd.com/gpu"];

/** Extended resources of accelerators that are not modelled, and what they are. */
const OTHER_ACCELERATORS: readonly (readonly [string, string])[] = [
  ["habana.ai/gaudi", "a Gaudi accelerator"],
  ["gpu.intel.com/i915", "an Intel GPU"],
  ["gpu.intel.com/xe", "an Intel GPU"],
  ["google.com/tpu", "a TPU"],
  ["aws.amazon.com/neuron", "a Neuron accelerator"],
  ["aws.amazon.com/neuroncore", "a core of a Neuron accelerator"],
  ["huawei.com/Ascend910", "an Ascend NPU"],
];

/** Extended resources that give a pod a part of a GPU (HAMi). */
const PARTS = ["nvidia.com/gpumem", "nvidia.com/gpumem-percentage", "nvidia.com/gpucores"];

/** Labels of nodes whose every value is a GPU type, the surest first. */
export const GPU_NAME_LABELS = [
  "nvidia.com/gpu.product",
  "amd.com/gpu.product-name",
  "beta.amd.com/gpu.product-name",
  "amd.com/gpu.device-id",
  "beta.amd.com/gpu.device-id",
  "cloud.google.com/gke-accelerator",
  "karpenter.k8s.aws/instance-gpu-name",
  "gpu.nvidia.com/class",
];

/** Labels of nodes that tell the type, the surest first; those at the end also tell of makers (`nvidia`) and of machines without GPUs. */
export const GPU_LABELS = [
  ...GPU_NAME_LABELS,
  "kubernetes.azure.com/accelerator",
  "accelerator",
  "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/instance-type",
];

/** Labels and annotations of workloads and pods that tell it. */
const WORKLOAD_LABELS = ["inference.optimization/acceleratorName", "llm-d.ai/accelerator"];

/** Machines of the clouds by their GPU, as their makers' pages list them (November 2026). */
const INSTANCES: readonly (readonly [RegExp, string])[] = [
  [/^p6-b200\./, "B200-SXM"],
  [/^p6e-gb200\./, "GB200"],
  [/^p5en?\./, "H200-SXM"],
  [/^p5\./, "H100-SXM"],
  [/^p4de\./, "A100-SXM-80GB"],
  [/^p4d\./, "A100-SXM-40GB"],
  [/^g6e\./, "L40S"],
  [/^gr?6\./, "L4"],
  [/^g2-standard-/, "L4"],
  [/^a4-highgpu-/, "B200-SXM"],
  [/^a3-ultragpu-/, "H200-SXM"],
  [/^a3-(high|mega|edge)gpu-/, "H100-SXM"],
  [/^a2-ultragpu-/, "A100-SXM-80GB"],
  [/^a2-(high|mega)gpu-/, "A100-SXM-40GB"],
  [/^Standard_ND\d+isr_H200_v5$/, "H200-SXM"],
  [/^Standard_ND\d+isr_H100_v5$/, "H100-SXM"],
  [/^Standard_ND\d+amsr_A100_v4$/, "A100-SXM-80GB"],
  [/^Standard_ND\d+asr_v4$/, "A100-SXM-40GB"],
  [/^Standard_NC\d+ads_A100_v4$/, "A100-PCIe-80GB"],
];

/** @returns a name that the catalogue looks up: of the machine's GPU for an instance type, else the label's value */
export const gpuNameOf = (label: string, value: string): string =>
  label.endsWith("instance-type") ? (INSTANCES.find(([pattern]) => pattern.test(value))?.[1] ?? value) : value;

export interface PodOnGpus {
  /** The pod's spec. */
  readonly pod: Field;
  readonly container: Field;
  /** Of the workload and of its pods' template. */
  readonly metadata: readonly Field[];
  /** Where templates of claims are. */
  readonly cluster: Pick<ObservedCluster, "get">;
  readonly namespace: string;
}

export const readGpu = ({ pod, container, metadata, ...where }: PodOnGpus, problems: Problem[]): GpuReading => {
  const limits = container.at("resources", "limits");
  const resource = GPU_RESOURCES.find((one) => limits.at(one).present);
  const claims = resource === undefined ? readDeviceClaims(pod, container, where, problems) : undefined;
  const onNodes = typesOf(pod);
  return {
    count: countOf(limits, problems) ?? claims?.count,
    resource,
    ...saidOf(onNodes.length > 0 ? onNodes : (claims?.types ?? []), labelledTypes(metadata)),
    claimed: claims !== undefined,
    nodeSelector: Object.fromEntries(
      pod
        .at("nodeSelector")
        .entries()
        .flatMap(([name, field]) => (typeof field.raw === "string" ? [[name, field.raw]] : [])),
    ),
  };
};

/** Whether a container is one that asks for GPUs or other devices. */
export const asksForDevices = (container: Field): boolean =>
  GPU_RESOURCES.some((resource) => container.at("resources", "limits", resource).present) ||
  container.at("resources", "claims").items().length > 0;

const countOf = (limits: Field, problems: Problem[]): Known<number> | undefined => {
  for (const resource of GPU_RESOURCES) {
    const limit = limits.at(resource);
    if (!limit.present) continue;
    warnOfParts(limits, problems);
    const count = Number(limit.raw);
    if (Number.isSafeInteger(count) && count >= 0) return known(count, limit.from);
    const message = `must be a whole number of GPUs, not ${JSON.stringify(limit.raw)}`;
    problems.push({ severity: "error", reason: "Malformed", object: limit.object, field: limit.path, message });
    return undefined;
  }
  for (const [name, limit] of limits.entries()) {
    const what = name.startsWith("nvidia.com/mig-")
      ? "a MIG slice of a GPU"
      : OTHER_ACCELERATORS.find(([resource]) => resource === name)?.[1];
    if (what === undefined) continue;
    const message = `${name} is ${what}, which is not modelled`;
    const fix = `mirror a workload on whole GPUs (${GPU_RESOURCES.join(", ")})`;
    problems.push({ severity: "error", reason: "NotModelled", ...limit.place, message, fix });
    return undefined;
  }
  return undefined;
};

const warnOfParts = (limits: Field, problems: Problem[]): void => {
  for (const name of PARTS) {
    const limit = limits.at(name);
    if (!limit.present) continue;
    const message = `${name} gives the pod a part of a GPU, which is not modelled; it is simulated with the whole GPU`;
    problems.push({ severity: "warning", reason: "NotModelled", ...limit.place, message });
  }
};

const saidOf = (
  asked: readonly Known<string>[],
  labelled: readonly Known<string>[],
): Pick<GpuReading, "types" | "alsoSaid"> =>
  asked.length > 0
    ? { types: asked, alsoSaid: labelled }
    : { types: labelled.slice(0, 1), alsoSaid: labelled.slice(1) };

/** By what nodes must have for the pods to land on them. */
const typesOf = (pod: Field): readonly Known<string>[] => {
  for (const label of GPU_LABELS) {
    const selected = pod.at("nodeSelector", label);
    const values = selected.present ? [selected] : requiredValues(pod, label);
    const texts = values.flatMap((value) => value.text() ?? []);
    if (texts.length > 0) return texts.map(({ value, from }) => known(gpuNameOf(label, value), from));
  }
  return [];
};

const labelledTypes = (metadata: readonly Field[]): readonly Known<string>[] =>
  metadata
    .flatMap((one) => [one.at("labels"), one.at("annotations")])
    .flatMap((place) => WORKLOAD_LABELS.flatMap((label) => place.at(label).text() ?? []));

/** Values of `In` under required node affinity; a pod may land on a node of any of them. */
const requiredValues = (pod: Field, label: string): readonly Field[] =>
  pod
    .at("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    .items()
    .flatMap((term) => term.at("matchExpressions").items())
    .filter((expression) => expression.at("key").raw === label && expression.at("operator").raw === "In")
    .flatMap((expression) => expression.at("values").items());
