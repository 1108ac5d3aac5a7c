import type { Micros, SimTime } from "../../sim/time.ts";
import type { MetricValue, PodView } from "../autoscaler.ts";

/** How long the controller distrusts the CPU usage of a pod that has just started. */
export interface Readiness {
  readonly cpuInitialization: Micros;
  readonly initialReadinessDelay: Micros;
}

export type Samples = ReadonlyMap<string, MetricValue>;

export interface PodGroups {
  readonly readyCount: number;
  /** Names: counted as using nothing when scaling up, left out else. */
  readonly unready: ReadonlySet<string>;
  /** Names of pods without a sample. */
  readonly missing: ReadonlySet<string>;
  /** Names of pods that are ending or have ended. */
  readonly ignored: ReadonlySet<string>;
}

/**
 * Sorts the pods of a scale target by what their samples are worth.
 *
 * @param resource `cpu` alone has rules of its own; pass "" for a metric that is no resource: unready pods that report
 * it count as ready
 * Source: groupPods in pkg/controller/podautoscaler/replica_calculator.go, Kubernetes v1.36.
 */
export const groupPods = (
  pods: readonly PodView[],
  samples: Samples,
  resource: string,
  readiness: Readiness,
  now: SimTime,
): PodGroups => {
  const groups = { readyCount: 0, unready: new Set<string>(), missing: new Set<string>(), ignored: new Set<string>() };
  for (const pod of pods) {
    const sample = samples.get(pod.name);
    if (pod.deleting || pod.phase === "Failed" || pod.phase === "Succeeded") groups.ignored.add(pod.name);
    else if (pod.phase === "Pending") groups.unready.add(pod.name);
    else if (sample === undefined) groups.missing.add(pod.name);
    else if (resource === "cpu" && !isCpuTrusted(pod, sample, readiness, now)) groups.unready.add(pod.name);
    else groups.readyCount += 1;
  }
  return groups;
};

const isCpuTrusted = (pod: PodView, sample: MetricValue, readiness: Readiness, now: SimTime): boolean => {
  if (pod.ready === null || pod.startedAt === undefined) return false;
  // Go's zero time, long before any start.
  const readyChangedAt = pod.readyChangedAt ?? Number.NEGATIVE_INFINITY;
  if (pod.startedAt + readiness.cpuInitialization > now) {
    return pod.ready && sample.at >= readyChangedAt + sample.windowSeconds * 1e6;
  }
  const neverWasReady = pod.startedAt + readiness.initialReadinessDelay > readyChangedAt;
  return pod.ready || !neverWasReady;
};
