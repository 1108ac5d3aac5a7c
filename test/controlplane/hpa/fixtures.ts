import type { MetricsApi, MetricValue, PodView, ScaleView } from "../../../src/controlplane/autoscaler.ts";
import type { HpaMetric, HpaSpec } from "../../../src/controlplane/hpa/spec.ts";
import { featureGatesOf } from "../../../src/controlplane/hpa/spec.ts";
import { type SimTime, seconds } from "../../../src/sim/time.ts";

export const at = (second: number): SimTime => seconds(second) as number as SimTime;

export const podView = (name: string, change: Partial<PodView> = {}): PodView => ({
  name,
  phase: "Running",
  ready: true,
  startedAt: at(0),
  readyChangedAt: at(0),
  deleting: false,
  ...change,
});

/** `replicas` pods, all ready. */
export const scaleView = (replicas: number, change: Partial<ScaleView> = {}): ScaleView => ({
  specReplicas: replicas,
  statusReplicas: replicas,
  pods: Array.from({ length: replicas }, (_, index) => podView(`pod-${index}`)),
  ...change,
});

export const spec = (change: Partial<HpaSpec> = {}): HpaSpec => ({
  minReplicas: 1,
  maxReplicas: 10,
  metrics: [waiting(10)],
  featureGates: featureGatesOf(36),
  kubernetesMinor: 36,
  ...change,
});

/** A Pods metric with an average as its target. */
export const waiting = (average: number): HpaMetric => ({
  type: "Pods",
  metric: "vllm:num_requests_waiting",
  selector: {},
  target: { type: "AverageValue", milli: average * 1000 },
});

const value = (amount: number): MetricValue => ({
  valueMilli: BigInt(Math.round(amount * 1000)),
  at: at(0),
  windowSeconds: 60,
});

/** Every pod `pod-0` ... reports `perPod`; each external metric is one series of `total`. undefined: the API fails. */
export const metricsApi = (said: {
  readonly perPod?: readonly number[] | undefined;
  readonly total?: number | undefined;
}): MetricsApi => ({
  pods: () => said.perPod && new Map(said.perPod.map((amount, index) => [`pod-${index}`, value(amount)])),
  object: () => (said.total === undefined ? undefined : value(said.total)),
  external: () => (said.total === undefined ? undefined : [value(said.total)]),
});
