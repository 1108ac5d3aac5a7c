import type { MetricFamily } from "../../model/metric-family.ts";
import { type SimTime, toSeconds } from "../../sim/time.ts";
import type { Dated, GatewayMetric, MetricRow } from "../metric.ts";
import type { WorldView } from "../world-view.ts";
import { eppMetrics } from "./epp.ts";
import { eppDeprecatedMetrics } from "./epp-deprecated.ts";
import { kedaMetrics } from "./keda.ts";
import { kubeDeploymentMetrics } from "./kube-deployment.ts";
import { kubeHorizontalPodAutoscalerMetrics } from "./kube-horizontalpodautoscaler.ts";
import { kubeNodeMetrics } from "./kube-node.ts";
import { kubePodMetrics } from "./kube-pod.ts";
import { kubeStatefulSetMetrics } from "./kube-statefulset.ts";
import { vllmMetrics } from "./vllm.ts";
import { vllmOffloadMetrics } from "./vllm-offload.ts";

// Every simulated metric is a row here, under production's name: simulated scrapes and the exporter read the same rows.

export const replicaMetrics = [...vllmMetrics, ...vllmOffloadMetrics];
export const gatewayMetrics: readonly GatewayMetric[] = [...eppMetrics, ...eppDeprecatedMetrics];
export const workloadMetrics = [...kubeDeploymentMetrics, ...kubeStatefulSetMetrics];
export const autoscalerMetrics = kubeHorizontalPodAutoscalerMetrics;
export { kedaMetrics };
export const nodeMetrics = kubeNodeMetrics;
export const podMetrics = kubePodMetrics;

/**
 * @param startedSeconds Unix time at which the world began, if it is paced by the wall clock: tells when counters began
 * @returns every family that has samples; those of replicas that ended are not among them
 */
export const familiesOf = (view: WorldView, startedSeconds?: number): MetricFamily[] => {
  const created = ({ since }: { readonly since: SimTime }): number | undefined =>
    startedSeconds === undefined ? undefined : startedSeconds + toSeconds(since);
  const ofPods = { place: placeOf, created };
  return [
    ...replicaMetrics.map((row) => familyOf(row, view.replicas, ofPods)),
    ...gatewayMetrics.map((row) => familyOf(row, view.gateways ?? [], ofPods)),
    ...workloadMetrics.map((row) => familyOf(row, view.workloads)),
    ...autoscalerMetrics.map((row) => familyOf(row, view.autoscalers)),
    ...nodeMetrics.map((row) => familyOf(row, dated(view.nodes ?? [], startedSeconds))),
    ...podMetrics.map((row) => familyOf(row, dated(view.pods ?? [], startedSeconds))),
    ...kedaMetrics.map((row) => familyOf(row, view.keda === undefined ? [] : [view.keda])),
    ...(view.controllers ?? []),
  ].filter((family) => family.samples.length > 0);
};

export const dated = <View>(views: readonly View[], epochSeconds = 0): readonly Dated<View>[] =>
  views.map((view) => ({ ...view, epochSeconds }));

/**
 * Where a pod is scraped, as Prometheus' pod discovery says it: one page serves many, so each series has it. Labels of a
 * series' own go before these, as with `honorLabels: true`.
 */
export const placeOf = ({ namespace, pod, container }: Place): Place => ({ namespace, pod, container });

type Place = Readonly<Record<"namespace" | "pod" | "container", string>>;

const familyOf = <View>(
  { name, type, help, samples }: MetricRow<View>,
  views: readonly View[],
  { place, created }: { place?: (view: View) => Place; created?: (view: View) => number | undefined } = {},
): MetricFamily => ({
  name,
  type,
  help,
  samples: views.flatMap((view) => {
    const createdSeconds = type === "gauge" ? undefined : created?.(view);
    const where = place?.(view);
    return samples(view).map(({ labels, value }) => ({
      labels: { ...where, ...labels },
      value,
      ...(createdSeconds === undefined ? {} : { createdSeconds }),
    }));
  }),
});

/** The series that a row is exposed as: counters with `_total`, histograms as buckets, sum and count. */
export const seriesNamesOf = ({ name, type }: Pick<MetricFamily, "name" | "type">): readonly string[] => {
  switch (type) {
    case "gauge":
      return [name];
    case "counter":
      return [`${name}_total`];
    case "histogram":
      return ["bucket", "sum", "count"].map((part) => `${name}_${part}`);
    default:
      return type satisfies never;
  }
};

/** What one scrape target shows of itself, without the labels that the scrape adds. */
export const pageOf = <View>(rows: readonly MetricRow<View>[], view: View): MetricFamily[] =>
  rows.map(({ name, type, help, samples }) => ({ name, type, help, samples: samples(view) }));
