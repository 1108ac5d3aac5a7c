import type { Micros, SimTime } from "../../sim/time.ts";
import type { MetricsApi, MetricValue } from "../autoscaler.ts";
import type { ControlLoop, ControlStep, ControlView } from "../control-loop.ts";
import { scrapePhase } from "../metrics/scrape-schedule.ts";
import type { ContainerUsage } from "./engine-usage.ts";

export type { ContainerUsage } from "./engine-usage.ts";

/** Usage of a pod's one container now; undefined: the kubelet knows nothing of it. */
export type ReadUsage = (pod: string) => ContainerUsage | undefined;

/** --metric-resolution of the project's own manifests. */
export const METRIC_RESOLUTION = 15_000_000 as Micros;
/** A younger container's CPU time says too little: freshContainerMinMetricsResolution. */
const FRESH_MICROS = 10_000_000;

interface Point extends ContainerUsage {
  readonly startedAt: SimTime;
  readonly at: SimTime;
}

interface Points {
  readonly last: Point;
  readonly previous: Point | undefined;
}

/**
 * metrics-server: reads the usage of all running pods once per resolution, and answers metrics.k8s.io from the last two
 * readings: CPU is what was used between them, memory the last. A pod is missing until it has two; the start of a container
 * counts as one if it lies between 10 s and one resolution before the first. Kubelets are read without delay, though
 * cAdvisor's own figures may be some seconds old.
 * Source: kubernetes-sigs/metrics-server v0.9.0, pkg/storage/pod.go and pkg/server.
 */
export class MetricsServer implements ControlLoop {
  readonly name = "metrics-server";
  /** It reads kubelets, not Prometheus. */
  readonly queries: readonly string[] = [];
  readonly firstAfter: Micros;
  readonly #workloads: readonly string[];
  readonly #read: ReadUsage;
  readonly #resolution: Micros;
  #points: ReadonlyMap<string, Points> = new Map();

  /** @param workloads whose pods it reads */
  constructor(workloads: readonly string[], read: ReadUsage, resolution: Micros = METRIC_RESOLUTION) {
    this.#workloads = workloads;
    this.#read = read;
    this.#resolution = resolution;
    this.firstAfter = scrapePhase(this.name, resolution);
  }

  /** Reads all pods. Scales nothing. */
  run({ now, scale }: Pick<ControlView, "now" | "scale">): ControlStep {
    const points = new Map<string, Points>();
    for (const { name, phase, startedAt } of this.#workloads.flatMap((workload) => scale(workload).pods)) {
      const usage = phase === "Running" && startedAt !== undefined ? this.#read(name) : undefined;
      if (usage === undefined || startedAt === undefined) continue;
      const last = { ...usage, startedAt, at: now };
      points.set(name, { last, previous: this.#before(name, last) });
    }
    this.#points = points;
    return { scales: [], againAfter: this.#resolution };
  }

  /** What `MetricsApi.resource` answers. @param pods that the scale target's selector matches */
  resourceOf(pods: readonly string[]): NonNullable<MetricsApi["resource"]> {
    return (resource, container) =>
      new Map(
        pods.flatMap((pod): [string, MetricValue][] => {
          const points = this.#points.get(pod);
          const value = points && usageBetween(points, resource, container);
          return value === undefined ? [] : [[pod, value]];
        }),
      );
  }

  #before(pod: string, last: Point): Point | undefined {
    const age = last.at - last.startedAt;
    if (age >= FRESH_MICROS && age < this.#resolution) return { ...last, at: last.startedAt, cpuMicros: 0 };
    const before = this.#points.get(pod)?.last;
    // One from before a restart doesn't count.
    return before !== undefined && last.startedAt < before.at ? before : undefined;
  }
}

const usageBetween = (
  { last, previous }: Points,
  resource: string,
  container: string | undefined,
): MetricValue | undefined => {
  if (previous === undefined || last.cpuMicros < previous.cpuMicros) return undefined;
  if (container !== undefined && container !== last.container) return undefined;
  const valueMilli = { cpu: coresMilli(last, previous), memory: BigInt(Math.trunc(last.memoryBytes)) * 1000n }[
    resource
  ];
  if (valueMilli === undefined) return undefined;
  return { valueMilli, at: last.at, windowSeconds: (last.at - previous.at) / 1e6 };
};

/** Whole billionths of a core, which the HPA reads in thousandths rounded up. */
const coresMilli = (last: Point, previous: Point): bigint => {
  const nano = Math.trunc(((last.cpuMicros - previous.cpuMicros) / (last.at - previous.at)) * 1e9);
  return BigInt(Math.ceil(nano / 1e6));
};
