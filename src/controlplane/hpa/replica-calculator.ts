import type { SimTime } from "../../sim/time.ts";
import type { PodView } from "../autoscaler.ts";
import { ceilDivide, int32, int64 } from "./int.ts";
import { failed, found, type Outcome } from "./outcome.ts";
import { groupPods, type PodGroups, type Readiness, type Samples } from "./pod-groups.ts";
import { podRequests } from "./pod-requests.ts";
import { isTolerated, type Tolerance } from "./tolerance.ts";

/*
 * How many replicas one metric asks for: the functions of pkg/controller/podautoscaler/replica_calculator.go, Kubernetes
 * v1.36. Quantities are in thousandths, whole divisions cut off, ratios are doubles as Go's float64, replicas stop at 2^31 - 1.
 */

/** The scale target as one evaluation finds it. */
export interface PodsContext {
  readonly currentReplicas: number;
  readonly pods: readonly PodView[];
  readonly tolerance: Tolerance;
  readonly readiness: Readiness;
  readonly now: SimTime;
}

export interface UtilizationProposal {
  readonly replicas: number;
  /** Percent of the requests, whole. */
  readonly utilization: number;
  /** Mean usage per pod. */
  readonly averageMilli: bigint;
}

export interface Proposal {
  readonly replicas: number;
  /** What the status shows: the mean, the total or the total per replica, as the target's type is. */
  readonly usageMilli: bigint;
}

/** Resource and ContainerResource with `averageUtilization`. `podLevel`: gate PodLevelResources. */
export const utilizationReplicas = (
  context: PodsContext,
  input: {
    readonly resource: string;
    readonly container: string | undefined;
    readonly samples: Samples | undefined;
    readonly targetPercent: number;
    readonly podLevel: boolean;
  },
): Outcome<UtilizationProposal> => {
  const { resource, targetPercent } = input;
  const counted = countedSamples(context, input.samples, resource, `unable to get metrics for resource ${resource}`);
  if (!counted.ok) return counted;
  const requests = podRequests(context.pods, resource, input.container, input.podLevel);
  if (!requests.ok) return requests;
  const { groups, usage } = counted.value;
  const request = (pod: string): bigint => requests.value.get(pod) ?? 0n;
  const first = utilizationOf(usage, requests.value);
  if (first === undefined) return failed("no metrics returned matched known pods");
  const assumed = BigInt(Math.max(100, targetPercent));
  const replicas = replicasFor(context, groups, usage, {
    ratio: first.utilization / targetPercent,
    again: (enlarged) => (utilizationOf(enlarged, requests.value) ?? first).utilization / targetPercent,
    missingBelow: (pod) => (request(pod) * assumed) / 100n,
  });
  return found({ replicas, ...first });
};

/** Pods metrics, and Resource and ContainerResource with `averageValue`. `what`: how the failure begins without samples. */
export const averageReplicas = (
  context: PodsContext,
  input: {
    readonly resource: string;
    readonly samples: Samples | undefined;
    readonly targetMilli: bigint;
    readonly what: string;
  },
): Outcome<Proposal> => {
  const counted = countedSamples(context, input.samples, input.resource, input.what);
  if (!counted.ok) return counted;
  const { groups, usage } = counted.value;
  const ratioOf = (average: bigint): number => Number(average) / Number(input.targetMilli);
  const average = mean(usage);
  const replicas = replicasFor(context, groups, usage, {
    ratio: ratioOf(average),
    again: (enlarged) => ratioOf(mean(enlarged)),
    missingBelow: () => input.targetMilli,
  });
  return found({ replicas, usageMilli: int64(average) });
};

/** Object and External with `value`: scales the pods that are ready, not the replicas there are. */
export const valueReplicas = (
  context: Pick<PodsContext, "currentReplicas" | "pods" | "tolerance">,
  valueMilli: bigint,
  targetMilli: bigint,
): Outcome<Proposal> => {
  const ratio = Number(valueMilli) / Number(targetMilli);
  const usageMilli = int64(valueMilli);
  if (context.currentReplicas === 0) return found({ replicas: int32(Math.ceil(ratio)), usageMilli });
  if (isTolerated(ratio, context.tolerance)) return found({ replicas: context.currentReplicas, usageMilli });
  if (context.pods.length === 0) return failed(`unable to calculate ready pods: ${NO_PODS}`);
  const ready = context.pods.filter((pod) => pod.phase === "Running" && pod.ready === true).length;
  return found({ replicas: int32(Math.ceil(ratio * ready)), usageMilli });
};

/** Object and External with `averageValue`: the total shared by status.replicas, ready or not. */
export const averageOfTotalReplicas = (
  statusReplicas: number,
  tolerance: Tolerance,
  valueMilli: bigint,
  targetMilli: bigint,
): Proposal => {
  const [value, target] = [Number(valueMilli), Number(targetMilli)];
  const ratio = value / (target * statusReplicas);
  const replicas = isTolerated(ratio, tolerance) ? statusReplicas : int32(Math.ceil(value / target));
  return { replicas, usageMilli: usagePerReplica(valueMilli, statusReplicas) };
};

/** @returns the sum of an external metric's series; it stops at 64 bits */
export const sumOfSeries = (valuesMilli: readonly bigint[]): bigint =>
  valuesMilli.reduce((sum, value) => int64(sum + value), 0n);

/** @returns the total per replica, rounded up; 0 if there is none */
export const usagePerReplica = (valueMilli: bigint, statusReplicas: number): bigint =>
  statusReplicas === 0 ? 0n : int64(ceilDivide(valueMilli, BigInt(statusReplicas)));

const NO_PODS = "no pods returned by selector while calculating replica count";

type Usage = ReadonlyMap<string, bigint>;

/** The samples that count: of all pods, known or not, but those that are ignored or unready. */
const countedSamples = (
  context: PodsContext,
  samples: Samples | undefined,
  resource: string,
  what: string,
): Outcome<{ readonly groups: PodGroups; readonly usage: Usage }> => {
  if (samples === undefined || samples.size === 0) return failed(`${what}: no metrics returned`);
  if (context.pods.length === 0) return failed(NO_PODS);
  const groups = groupPods(context.pods, samples, resource, context.readiness, context.now);
  const usage = new Map<string, bigint>();
  for (const [pod, sample] of samples) {
    if (!groups.ignored.has(pod) && !groups.unready.has(pod)) usage.set(pod, sample.valueMilli);
  }
  if (usage.size === 0) return failed("did not receive metrics for targeted pods (pods might be unready)");
  return found({ groups, usage });
};

/** What pods without a trusted sample do to the proposal, which is alike for utilisation and averages. */
const replicasFor = (
  { currentReplicas, tolerance }: PodsContext,
  groups: PodGroups,
  usage: Usage,
  how: {
    readonly ratio: number;
    readonly again: (enlarged: Usage) => number;
    /** @returns what a missing pod is taken to use when the others are below the target */
    readonly missingBelow: (pod: string) => bigint;
  },
): number => {
  const { ratio } = how;
  const upWithUnready = groups.unready.size > 0 && ratio > 1;
  if (!upWithUnready && groups.missing.size === 0) {
    return isTolerated(ratio, tolerance) ? currentReplicas : int32(Math.ceil(ratio * groups.readyCount));
  }
  const enlarged = new Map(usage);
  // Exactly at the target, missing pods stay out.
  if (ratio < 1) for (const pod of groups.missing) enlarged.set(pod, how.missingBelow(pod));
  if (ratio > 1) for (const pod of groups.missing) enlarged.set(pod, 0n);
  if (upWithUnready) for (const pod of groups.unready) enlarged.set(pod, 0n);
  const again = how.again(enlarged);
  const turned = (ratio < 1 && again > 1) || (ratio > 1 && again < 1);
  if (isTolerated(again, tolerance) || turned) return currentReplicas;
  const replicas = int32(Math.ceil(again * enlarged.size));
  const against = (again < 1 && replicas > currentReplicas) || (again > 1 && replicas < currentReplicas);
  return against ? currentReplicas : replicas;
};

const mean = (usage: Usage): bigint => total(usage.values()) / BigInt(usage.size);

const total = (values: Iterable<bigint>): bigint => {
  let sum = 0n;
  for (const value of values) sum += value;
  return sum;
};

/** Over pods that have both a sample and a request; undefined if they request nothing. */
const utilizationOf = (
  usage: Usage,
  requests: ReadonlyMap<string, bigint>,
): Omit<UtilizationProposal, "replicas"> | undefined => {
  const known = [...usage].filter(([pod]) => requests.has(pod));
  const used = total(known.map(([, value]) => value));
  const requested = total(known.map(([pod]) => requests.get(pod) as bigint));
  if (requested === 0n) return undefined;
  return {
    utilization: int32(Number((used * 100n) / requested)),
    averageMilli: int64(used / BigInt(known.length)),
  };
};
