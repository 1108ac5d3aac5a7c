import type { SimTime } from "../../sim/time.ts";
import type { Node, PlacedPod } from "./node.ts";
import { suits } from "./node-fit.ts";

/** What the scheduler is told of pods that it may push out, and tells of those that it does. */
export interface Preempting {
  /** It is being deleted, and will free its GPUs. */
  leaving(pod: PlacedPod): boolean;
  /** The PodDisruptionBudget over it, and how many of its pods may go now; undefined: none. */
  budgetOf(pod: PlacedPod): { readonly name: string; readonly allowed: number } | undefined;
  /** `victims` are to be deleted, with all their grace, so that `pod` gets room; called before `schedule` comes back. */
  preempt(pod: PlacedPod, victims: readonly PlacedPod[]): void;
}

export interface Preemption {
  readonly node: Node;
  /** The most important first; those that are leaving already too. */
  readonly victims: readonly PlacedPod[];
}

/**
 * Which pods of lower priority have to go so that `pod` fits: on each node as few as can be, those of the lowest priority and
 * that came last first, those within their PodDisruptionBudget before others; then the node where it hurts least. A budget
 * is kept where it can be, and broken where it can't.
 *
 * @param room GPUs of a node that nobody has and that no other pod of at least its priority waits for
 * @returns undefined: nothing helps
 * Source: SelectVictimsOnNode (plugins/defaultpreemption) and pickOneNodeForPreemption (framework/preemption), kube-scheduler
 * v1.36. Left out: the random offset where it begins to look, which matters among equal nodes and in clusters of over 100.
 */
export const findVictims = (
  pod: PlacedPod,
  nodes: Iterable<Node>,
  room: (node: Node) => number,
  host: Pick<Preempting, "budgetOf">,
): Preemption | undefined => {
  let best: Candidate | undefined;
  for (const node of nodes) {
    if (node.phase !== "ready" || !suits(pod.placement, node.pool)) continue;
    const candidate = candidateOn(node, pod, room(node), host);
    if (candidate !== undefined && (best === undefined || hurtsLess(candidate, best))) best = candidate;
  }
  return best;
};

interface Candidate extends Preemption {
  /** Victims whose budget doesn't allow it. */
  readonly violations: number;
}

const candidateOn = (
  node: Node,
  { placement: { gpus, priority } }: PlacedPod,
  room: number,
  host: Pick<Preempting, "budgetOf">,
): Candidate | undefined => {
  // Pods of a node are in the order in which they came.
  const lower = node.pods
    .filter((one) => one.placement.priority < priority)
    .sort((a, b) => b.placement.priority - a.placement.priority);
  let free = room + gpusOf(lower);
  if (lower.length === 0 || free < gpus) return undefined;
  const violating = beyondBudget(lower, host);
  const goes = new Set<PlacedPod>();
  for (const one of [...lower.filter((low) => violating.has(low)), ...lower.filter((low) => !violating.has(low))]) {
    if (free - one.placement.gpus < gpus) goes.add(one);
    else free -= one.placement.gpus;
  }
  const victims = lower.filter((one) => goes.has(one));
  return { node, victims, violations: victims.filter((one) => violating.has(one)).length };
};

const gpusOf = (pods: readonly PlacedPod[]): number => pods.reduce((sum, { placement }) => sum + placement.gpus, 0);

/** Of pods that would all go, those that are one too many for their budget. */
const beyondBudget = (pods: readonly PlacedPod[], host: Pick<Preempting, "budgetOf">): ReadonlySet<PlacedPod> => {
  const left = new Map<string, number>();
  return new Set(
    pods.filter((pod) => {
      const budget = host.budgetOf(pod);
      if (budget === undefined) return false;
      const rest = (left.get(budget.name) ?? budget.allowed) - 1;
      left.set(budget.name, rest);
      return rest < 0;
    }),
  );
};

/** Fewest broken budgets; least important victim, least importance of all, fewest victims; came last; else the first. */
const hurtsLess = (a: Candidate, b: Candidate): boolean => {
  for (const weigh of [violationsOf, highestOf, sumOf, countOf, lateness]) {
    const difference = weigh(a) - weigh(b);
    if (difference !== 0) return difference < 0;
  }
  return false;
};

/** As the scheduler adds them up: so that each victim counts, also those of negative priority. */
const OFFSET = 2 ** 31;
const highestOf = ({ victims }: Candidate): number => victims[0]?.placement.priority ?? Number.NEGATIVE_INFINITY;
const sumOf = ({ victims }: Candidate): number =>
  victims.reduce((sum, { placement }) => sum + placement.priority + OFFSET, 0);
const violationsOf = ({ violations }: Candidate): number => violations;
const countOf = ({ victims }: Candidate): number => victims.length;
/** Of the most important victims, when the first came: the later the better. */
const lateness = ({ node, victims }: Candidate): number => {
  const most = victims.filter(({ placement }) => placement.priority === victims[0]?.placement.priority);
  const came = most.map(({ name }): SimTime | undefined => node.boundAt(name)).filter((at) => at !== undefined);
  return -Math.min(...came);
};
