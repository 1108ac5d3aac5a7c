import type { PodPlacement } from "../../controlplane/nodes/index.ts";
import { type Known, known } from "../../model/known.ts";
import { objectText } from "../../model/object-text.ts";
import { defaulted, type Ledger, placeOf } from "../ledger.ts";
import { type ObservedCluster } from "../manifest.ts";
import type { PriorityClassReading, WorkloadReading } from "../reader.ts";
import { priorityClassReaders } from "../readers/index.ts";
import type { PlacementReading } from "../readers/pod/placement.ts";
import { readWith } from "./mirrored-router.ts";

/** What the priority admission plugin writes into a pod, and who named it. */
export interface PodPriority {
  readonly priority: Known<number>;
  /** Left out: pods of lower priority make room. */
  readonly preemptionPolicy?: Known<string>;
}

/**
 * A pod's priority: of the PriorityClass that it names, of the global default, else 0.
 * Source: plugin/pkg/admission/priority, Kubernetes v1.36.
 */
export const mirrorPodPriority = (
  { priority, priorityClass: named, preemptionPolicy }: PlacementReading,
  { ref }: WorkloadReading,
  cluster: ObservedCluster,
  ledger: Ledger,
): PodPriority => {
  const own = preemptionPolicy === undefined ? {} : { preemptionPolicy };
  const classes = cluster.list(priorityClassReaders[0].kind).flatMap((manifest) => {
    if (named !== undefined && manifest.metadata.name !== named.value) return [];
    if (named === undefined && manifest.globalDefault !== true) return [];
    const reading = readWith(priorityClassReaders[0], manifest, ledger);
    return reading === undefined ? [] : [reading];
  });
  // Of several global defaults the least counts.
  const [found] = classes.sort((a, b) => a.value.value - b.value.value);
  if (found !== undefined) {
    if (priority !== undefined && priority.value !== found.value.value)
      tellOther(priority, found, objectText(ref), ledger);
    return {
      priority: found.value,
      ...(found.preemptionPolicy && { preemptionPolicy: found.preemptionPolicy }),
      ...own,
    };
  }
  const system = named === undefined ? undefined : SYSTEM[named.value];
  if (named !== undefined && system !== undefined) return { priority: known(system, named.from), ...own };
  if (named !== undefined && priority === undefined) {
    ledger.warn({
      reason: "NoPriorityClass",
      ...placeOf(named.from, objectText(ref)),
      message: `no PriorityClass ${named.value} is here: the API server would refuse the pods; they are simulated with priority 0`,
      fix: `create PriorityClass ${named.value}, or let its manifest be read with the others`,
    });
  }
  return {
    priority: priority ?? defaulted(0, named === undefined ? "the pods name no priority" : "no such class"),
    ...own,
  };
};

/** Classes that every cluster has. Source: pkg/apis/scheduling/types.go. */
const SYSTEM: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

const tellOther = (said: Known<number>, { ref, value }: PriorityClassReading, object: string, ledger: Ledger): void => {
  ledger.warn({
    reason: "Contradiction",
    ...placeOf(said.from, object),
    message: `is ${said.value}, but PriorityClass ${ref.name} says ${value.value}, which is simulated: the API server would refuse the pods`,
    fix: "leave priority out",
  });
};

/** As a placement has it. */
export const preemptsOf = ({ preemptionPolicy }: PodPriority): Pick<PodPlacement, "preempts"> =>
  preemptionPolicy?.value === "Never" ? { preempts: false } : {};
