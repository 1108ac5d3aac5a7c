import type { WorkloadScenario } from "../../twin/scenario.ts";
import { withMatchers } from "../production-series.ts";
import { type PrometheusAccess, query } from "../prometheus-api.ts";

/** Starts are rare: those of so long are looked at. */
const LOOK_BACK_DAYS = 7;
const LOOK_BACK = `${LOOK_BACK_DAYS}d`;

export interface StartsWanted {
  readonly access: PrometheusAccess;
  /** Label matchers in braces, which kube-state-metrics' series have too. */
  readonly selector: string;
  readonly workload: Pick<WorkloadScenario, "kind" | "namespace" | "name">;
  /** Unix time up to which is looked. */
  readonly untilSeconds: number;
}

/**
 * How long the workload's pods took from the node to their first readiness, by kube-state-metrics (v2). Of a workload whose pods
 * have its template's hash in their names those of the newest pod's template alone. Groups of pods (LeaderWorkerSet) count by their leaders.
 *
 * @returns seconds, one per pod; none where there are no such series
 * @throws PrometheusError
 */
export const readStarts = async ({
  access,
  selector,
  workload,
  untilSeconds,
}: StartsWanted): Promise<readonly number[]> => {
  const matchers = withMatchers(`namespace="${workload.namespace}",pod=~"${podsOf(workload)}"`, selector);
  const byPod = async (fold: string, name: string): Promise<ReadonlyMap<string, number>> => {
    const series = await query(
      access,
      `${fold} by (pod) (${fold}_over_time(${name}${matchers}[${LOOK_BACK}]))`,
      untilSeconds,
    );
    return new Map(series.map(({ labels, points }) => [labels["pod"] ?? "", points[0]?.[1] ?? Number.NaN]));
  };
  const scheduled = await byPod("max", "kube_pod_status_scheduled_time");
  const ready = await byPod("min", "kube_pod_status_ready_time");
  const since = untilSeconds - LOOK_BACK_DAYS * 86_400;
  // Of one that was there before, the first readiness was not seen.
  const seen = [...scheduled].filter(([, at]) => at >= since).sort(([, a], [, b]) => b - a);
  const template = templateOf(workload, seen[0]?.[0]);
  return seen.flatMap(([pod, at]) => {
    const length = (ready.get(pod) ?? Number.NaN) - at;
    return length > 0 && templateOf(workload, pod) === template ? [length] : [];
  });
};

/** Names of pods that have the hash of their template in them. */
const isHashed = (kind: string): boolean => kind === "Deployment" || kind === "Rollout";

/** A regular expression of RE2: names of objects have no other special character than the point. */
const podsOf = ({ kind, name }: StartsWanted["workload"]): string =>
  `${name.replaceAll(".", "[.]")}-${isHashed(kind) ? "[a-z0-9]+-[a-z0-9]{5}" : "[0-9]+"}`;

const templateOf = ({ kind }: StartsWanted["workload"], pod: string | undefined): string =>
  isHashed(kind) ? (pod ?? "").slice(0, -"-abcde".length) : "";
