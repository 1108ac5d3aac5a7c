import type { NodeRequirement, Taint, Toleration } from "../../../controlplane/nodes/index.ts";
import type { Known, Source } from "../../../model/known.ts";
import type { Field } from "../../field.ts";

/** What a pod says of the nodes that it may run on, beside its nodeSelector. */
export interface PlacementReading {
  /** Terms of required node affinity. */
  readonly affinity: readonly (readonly NodeRequirement[])[];
  readonly tolerations: readonly Toleration[];
  readonly priority: Known<number> | undefined;
  /** Name of its PriorityClass. */
  readonly priorityClass: Known<string> | undefined;
  readonly preemptionPolicy: Known<string> | undefined;
  readonly image: Known<string> | undefined;
  /** false: an annotation keeps autoscalers of nodes from moving it. */
  readonly evictable: Known<boolean> | undefined;
  /** Fields that say how pods are spread or kept together, which is not modelled. */
  readonly amongPods: readonly Source[];
}

/** @param pod the pod's spec; @param metadata of its template */
export const readPlacement = (pod: Field, container: Field, metadata: Field): PlacementReading => ({
  affinity: pod
    .at("affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
    .items()
    .map((term) => term.at("matchExpressions").items().flatMap(readRequirement)),
  tolerations: pod.at("tolerations").items().map(readToleration),
  priority: pod.at("priority").integer(),
  priorityClass: pod.at("priorityClassName").text(),
  preemptionPolicy: pod.at("preemptionPolicy").text(),
  image: container.at("image").text(),
  evictable: pinned(metadata),
  amongPods: [
    pod.at("topologySpreadConstraints"),
    pod.at("affinity", "podAffinity"),
    pod.at("affinity", "podAntiAffinity"),
  ].flatMap((field) => (field.present ? [field.from] : [])),
});

const OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] as const;
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

/** Of node affinity and of Karpenter's NodePools. One without a key or operator, which no API server takes, reads as absent. */
export const readRequirement = (field: Field): readonly NodeRequirement[] => {
  const key = field.at("key").text();
  const operator = OPERATORS.find((one) => one === field.at("operator").raw);
  if (key === undefined || operator === undefined) return [];
  const values = field.at("values").items();
  return [{ key: key.value, operator, values: values.flatMap((value) => value.text()?.value ?? []) }];
};

const effectOf = (field: Field): Taint["effect"] | undefined => EFFECTS.find((one) => one === field.at("effect").raw);

const readToleration = (field: Field): Toleration => {
  const [key, value, effect] = [field.at("key").text(), field.at("value").text(), effectOf(field)];
  return {
    ...(key === undefined ? {} : { key: key.value }),
    ...(field.at("operator").raw === "Exists" ? { operator: "Exists" } : {}),
    ...(value === undefined ? {} : { value: value.value }),
    ...(effect === undefined ? {} : { effect }),
  };
};

/** A list of taints. */
export const readTaints = (field: Field): readonly Taint[] =>
  field.items().flatMap((taint): Taint[] => {
    const [key, value, effect] = [taint.at("key").text(), taint.at("value").text(), effectOf(taint)];
    if (key === undefined || effect === undefined) return [];
    return [{ key: key.value, effect, ...(value === undefined ? {} : { value: value.value }) }];
  });

/** Source: cluster-autoscaler's FAQ (safe-to-evict), Karpenter v1 (do-not-disrupt). */
const pinned = (metadata: Field): Known<boolean> | undefined => {
  const safe = metadata.at("annotations", "cluster-autoscaler.kubernetes.io/safe-to-evict");
  if (safe.raw === "false") return { value: false, from: safe.from };
  const keep = metadata.at("annotations", "karpenter.sh/do-not-disrupt");
  return keep.raw === "true" ? { value: false, from: keep.from } : undefined;
};
