import type { MetricFamily, MetricSample } from "../../model/metric-family.ts";
import { type SimTime, toSeconds } from "../../sim/time.ts";
import { total } from "../histogram-quantile.ts";
import type { GatewayMetric, MetricRow } from "../metric.ts";
import type { ReplicaView, WorldView } from "../world-view.ts";
import { eppMetrics } from "./epp.ts";
import { eppDeprecatedMetrics } from "./epp-deprecated.ts";
import { kubeDeploymentMetrics } from "./kube-deployment.ts";
import { kubeHorizontalPodAutoscalerMetrics } from "./kube-horizontalpodautoscaler.ts";
import { vllmMetrics } from "./vllm.ts";

// Every simulated metric is a row here, under production's name: simulated scrapes and the exporter read the same rows.

export const replicaMetrics = vllmMetrics;
export const gatewayMetrics: readonly GatewayMetric[] = [...eppMetrics, ...eppDeprecatedMetrics];
export const workloadMetrics = kubeDeploymentMetrics;
export const autoscalerMetrics = kubeHorizontalPodAutoscalerMetrics;

/**
 * @param startedSeconds Unix time at which the world began, if it is paced by the wall clock: tells when counters began
 * @returns every family that has samples; those of replicas that ended are not among them
 */
export const familiesOf = (view: WorldView, startedSeconds?: number): MetricFamily[] => {
  const created = ({ since }: { readonly since: SimTime }): number | undefined =>
    startedSeconds === undefined ? undefined : startedSeconds + toSeconds(since);
  return [
    ...replicaMetrics.map((row) => familyOf(row, view.replicas, row.type === "gauge" ? undefined : created)),
    ...gatewayMetrics.map((row) => familyOf(row, view.gateways ?? [], row.type === "gauge" ? undefined : created)),
    ...workloadMetrics.map((row) => familyOf(row, view.workloads)),
    ...autoscalerMetrics.map((row) => familyOf(row, view.autoscalers)),
  ].filter((family) => family.samples.length > 0);
};

const familyOf = <View>(
  { name, type, help, samples }: MetricRow<View>,
  views: readonly View[],
  created?: (view: View) => number | undefined,
): MetricFamily => ({
  name,
  type,
  help,
  samples: views.flatMap((view) => {
    const createdSeconds = created?.(view);
    return createdSeconds === undefined
      ? samples(view)
      : samples(view).map((sample) => ({ ...sample, createdSeconds }));
  }),
});

type Read = (view: ReplicaView) => number;

const valueOf = ({ value }: MetricSample): number => (typeof value === "number" ? value : 0);
const countOf = ({ value }: MetricSample): number => (typeof value === "number" ? 0 : total(value.counts));
const sumOf = ({ value }: MetricSample): number => (typeof value === "number" ? 0 : value.sum);

const reads = (row: MetricRow<ReplicaView>): [string, Read][] => {
  const over =
    (part: (sample: MetricSample) => number): Read =>
    (view) =>
      row.samples(view).reduce((sum, sample) => sum + part(sample), 0);
  switch (row.type) {
    case "gauge":
      return [[row.name, over(valueOf)]];
    case "counter":
      return [[`${row.name}_total`, over(valueOf)]];
    case "histogram":
      return [
        [`${row.name}_count`, over(countOf)],
        [`${row.name}_sum`, over(sumOf)],
      ];
    default:
      return row.type satisfies never;
  }
};

const READS: ReadonlyMap<string, Read> = new Map(replicaMetrics.flatMap(reads));

/**
 * @param name of a series as it is exposed: counters with `_total`, histograms with `_count` or `_sum`
 * @returns the value that a scrape of this replica would read now, summed over the labels of the family's own, as an
 * adapter's `sum by (pod)` does; undefined if the engine exports no such series
 */
export const readSeries = (name: string, view: ReplicaView): number | undefined => READS.get(name)?.(view);
