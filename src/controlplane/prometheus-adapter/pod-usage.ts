import type { SimTime } from "../../sim/time.ts";
import type { MetricValue } from "../autoscaler.ts";
import type { MonitoringServer, QueryElement } from "../monitoring-server.ts";
import type { AdapterRules, UsageRule } from "./adapter-rules.ts";
import { milliOf } from "./metric-values.ts";
import { objectsQuery } from "./metrics-query.ts";
import { PODS } from "./resource-kinds.ts";

type Usage = NonNullable<AdapterRules["usage"]>;
/** Container → value in thousandths. */
type ContainerUsage = Map<string, bigint>;

export interface UsageQuestion {
  readonly resource: string;
  /** undefined: of all containers together. */
  readonly container: string | undefined;
  readonly namespace: string;
  /** Those that are running. */
  readonly pods: readonly string[];
}

/**
 * metrics.k8s.io as the adapter answers it, and as the HPA's client adds up containers: a pod without a sample of both CPU and
 * memory is missing, a container that has only one of them uses nothing of the other. NaN and negative values are 0.
 *
 * @returns undefined where a query fails
 * Source: resourceProvider of prometheus-adapter v0.12.0, pkg/resourceprovider; getPodMetrics and getContainerMetrics of
 * Kubernetes v1.36, pkg/controller/podautoscaler/metrics.
 */
export const podUsage = (
  { cpu, memory, windowSeconds }: Usage,
  { resource, container, namespace, pods }: UsageQuestion,
  monitoring: MonitoringServer,
  now: SimTime,
): ReadonlyMap<string, MetricValue> | undefined => {
  const values = new Map<string, MetricValue>();
  if (pods.length === 0) return values;
  const cpuUsage = usageBy(cpu, namespace, pods, monitoring, now);
  const memoryUsage = usageBy(memory, namespace, pods, monitoring, now);
  if (cpuUsage === undefined || memoryUsage === undefined) return undefined;
  for (const pod of pods) {
    const [ofCpu, ofMemory] = [cpuUsage.get(pod), memoryUsage.get(pod)];
    if (ofCpu === undefined || ofMemory === undefined) continue;
    const valueMilli = usageOf({ cpu: ofCpu, memory: ofMemory }, resource, container);
    if (valueMilli !== undefined) values.set(pod, { valueMilli, at: now, windowSeconds });
  }
  return values;
};

const usageOf = (
  usage: Readonly<Record<"cpu" | "memory", ContainerUsage>>,
  resource: string,
  container: string | undefined,
): bigint | undefined => {
  if (resource !== "cpu" && resource !== "memory") return undefined;
  const ofResource = usage[resource];
  if (container === undefined) return [...ofResource.values()].reduce((sum, value) => sum + value, 0n);
  const there = usage.cpu.has(container) || usage.memory.has(container);
  return there ? (ofResource.get(container) ?? 0n) : undefined;
};

const usageBy = (
  { template, labels, containerLabel }: UsageRule,
  namespace: string,
  names: readonly string[],
  monitoring: MonitoringServer,
  now: SimTime,
): ReadonlyMap<string, ContainerUsage> | undefined => {
  const objects = { resource: PODS, names, namespace, groupBy: [containerLabel] };
  const query = objectsQuery(template, labels, "", {}, objects);
  const answer = query === undefined ? undefined : monitoring.query(query, now);
  if (!answer?.ok || answer.type !== "vector") return undefined;
  const label = labels.labelFor(PODS) ?? "";
  const byPod = new Map<string, ContainerUsage>();
  for (const element of answer.elements) {
    const pod = element.labels[label] ?? "";
    const containers = byPod.get(pod) ?? new Map<string, bigint>();
    containers.set(element.labels[containerLabel] ?? "", usedMilli(element));
    byPod.set(pod, containers);
  }
  return byPod;
};

const usedMilli = ({ value }: QueryElement): bigint => milliOf(Number.isNaN(value) || value < 0 ? 0 : value);
