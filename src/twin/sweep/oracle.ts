import { boundOf, type Objective } from "../../report/objectives.ts";
import type { Report, Timeline } from "../../report/report.ts";
import type { Scenario } from "../scenario.ts";
import { measuredOf } from "./score.ts";

// An autoscaler that knows all and whose pods are there at once: no lag, nothing held in reserve. The least that the traffic takes
// (llm-d-autoscaling#1499): at each step of time as many replicas as the arrivals then need, each loaded with what one alone holds
// within the objectives.

/** What it would take. */
export interface Oracle {
  /** Requests per second that one replica of the baseline holds within the objectives. */
  readonly replicaPerSecond: number;
  /** From the end of the warm-up to the horizon, as a run's. */
  readonly gpuHours: number;
  readonly mostReplicas: number;
  /** Length of its steps of time: the run's timeline's. */
  readonly stepSeconds: number;
}

/** Long enough for tails of a few thousand requests, short enough for a dozen runs. */
const ALONE_SECONDS = 1200;
const ALONE_WARM_UP_SECONDS = 300;

/** Why there is none for a scenario; undefined: there is one. */
export const oracleObstacle = (
  { workloads, traffic }: Pick<Scenario, "workloads" | "traffic">,
  objectives: readonly Objective[],
): string | undefined => {
  if (workloads.length !== 1) return "several workloads share the traffic";
  if (traffic.kind === "synthetic" && traffic.synthetic.clients.some(({ workers }) => workers !== undefined))
    return "workers send as fast as they are answered, so the traffic has no rate of its own";
  if (loadBounds(objectives).length === 0)
    return "no objective bounds what load does (a latency, sloAttainment or errorRatio)";
  return undefined;
};

/** One replica alone, under the same requests at one rate. */
export const aloneAt = (scenario: Scenario, perSecond: number): Scenario => {
  const { faults: _, nodes: __, quotas: ___, ...rest } = scenario;
  const workloads = scenario.workloads.map(({ rollouts: ____, ...workload }) => ({ ...workload, replicas: 1 }));
  return {
    ...rest,
    workloads,
    autoscalers: [],
    steadyPerSecond: perSecond,
    horizonMicros: ALONE_SECONDS * 1e6,
    warmUpMicros: ALONE_WARM_UP_SECONDS * 1e6,
  };
};

/** Whether a run of one replica alone was within the objectives, without a queue that grows for ever. */
const holds = ({ kpis, saturation }: Pick<Report, "kpis" | "saturation">, objectives: readonly Objective[]): boolean =>
  saturation.level !== "OVERLOADED" && measuredOf(loadBounds(objectives), kpis).violation === 0;

/** Arrivals that chance leaves out in a row but once in e^20 times. */
const SILENT_REQUESTS = 20;

/** What a run of one replica alone says of the rate that it was given; `unknown` where the traffic ended before it could tell. */
export const saysOf = (
  report: Report,
  perSecond: number,
  objectives: readonly Objective[],
): "held" | "too much" | "unknown" => {
  const { timeline, horizonSeconds, warmUpSeconds } = report;
  const last = arrivalsOf(timeline).findLastIndex((arrivals) => arrivals > 0);
  const endSeconds = last < 0 ? 0 : (timeline.atSeconds[last] ?? 0) + timeline.bucketSeconds;
  const ended = (horizonSeconds - endSeconds) * perSecond > SILENT_REQUESTS;
  if (holds(report, objectives)) return ended ? "unknown" : "held";
  return ended && endSeconds <= warmUpSeconds ? "unknown" : "too much";
};

/** @param replicaPerSecond requests that one replica holds */
export const leastOf = (
  { timeline, warmUpSeconds, horizonSeconds }: Pick<Report, "timeline" | "warmUpSeconds" | "horizonSeconds">,
  replicaPerSecond: number,
  gpusPerReplica: number,
): Oracle => {
  const { atSeconds, bucketSeconds: stepSeconds } = timeline;
  let [replicaSeconds, mostReplicas] = [0, 0];
  arrivalsOf(timeline).forEach((perSecond, i) => {
    const from = Math.max(atSeconds[i] ?? 0, warmUpSeconds);
    const to = Math.min((atSeconds[i] ?? 0) + stepSeconds, horizonSeconds);
    if (to <= from) return;
    const replicas = Math.ceil(perSecond / replicaPerSecond);
    replicaSeconds += replicas * (to - from);
    mostReplicas = Math.max(mostReplicas, replicas);
  });
  return { replicaPerSecond, gpuHours: (replicaSeconds * gpusPerReplica) / 3600, mostReplicas, stepSeconds };
};

/** Requests per second that came to a replica alone, those that follow from others too. */
export const carriedPerSecond = ({ timeline, warmUpSeconds }: Pick<Report, "timeline" | "warmUpSeconds">): number => {
  const after = arrivalsOf(timeline).filter((_, i) => (timeline.atSeconds[i] ?? 0) >= warmUpSeconds);
  return after.reduce((sum, perSecond) => sum + perSecond, 0) / Math.max(1, after.length);
};

const arrivalsOf = ({ columns }: Timeline): readonly number[] => columns.arrivalsPerSecond;

const loadBounds = (objectives: readonly Objective[]): readonly Objective[] =>
  objectives.filter((objective) => objective.metric !== "gpuHours" && boundOf(objective) !== undefined);
