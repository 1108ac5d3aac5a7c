/** The twin's HPA, given what a real controller saw at each of its syncs: does it decide the same? */
import type { MetricsApi, MetricValue, PodView } from "../../src/controlplane/autoscaler.ts";
import { HorizontalPodAutoscaler } from "../../src/controlplane/hpa/horizontal-pod-autoscaler.ts";
import { quantityMilli } from "../../src/controlplane/hpa/quantity.ts";
import type { SimTime } from "../../src/sim/time.ts";
import type { AutoscalerScenario } from "../../src/twin/scenario.ts";
import type { HpaStatus, MetricElement, RecordedSync } from "./recorded-syncs.ts";

/** What is compared of each sync. */
export interface Decided {
  readonly wrote: number | undefined;
  /** undefined: the status stayed as it was. */
  readonly status: { readonly desiredReplicas: number; readonly conditions: readonly string[] } | undefined;
}

export const decidedByReal = ({ wrote, status }: RecordedSync): Decided => ({
  wrote: wrote?.replicas,
  status:
    status === undefined
      ? undefined
      : { desiredReplicas: status.desiredReplicas, conditions: conditionsOf(status.conditions ?? []) },
});

/** Pods as a write left them. */
export interface PlacedPods {
  /** Unix times in microseconds: nobody saw them before the first, everybody does after the second. */
  readonly sent: number;
  readonly seen: number;
  readonly views: readonly PodView[];
}

/**
 * What the twin decides, once for each way in which the syncs may have seen the pods: a sync during a write saw it or did not.
 *
 * @param placed in the order in which they were written
 */
export const decidedByTwin = function* (
  autoscaler: AutoscalerScenario,
  syncs: readonly RecordedSync[],
  placed: readonly PlacedPods[],
): Generator<readonly Decided[]> {
  const ways = syncs.map(({ at }) => {
    const certain = placed.findLastIndex(({ seen }) => seen <= at);
    const possible = placed.findLastIndex(({ sent }) => sent <= at);
    return Array.from({ length: possible - certain + 1 }, (_, i) => placed[certain + i]?.views ?? []);
  });
  for (const pods of choices(ways)) yield replayed(autoscaler, syncs, pods);
};

/** One of each, in every combination. */
const choices = function* <T>([first, ...rest]: readonly (readonly T[])[]): Generator<readonly T[]> {
  if (first === undefined) return yield [];
  for (const others of choices(rest)) for (const one of first) yield [one, ...others];
};

/** @param pods that the selector matched at each sync */
const replayed = (
  { spec, syncPeriodMicros, downscaleStabilizationSeconds, tolerance }: AutoscalerScenario,
  syncs: readonly RecordedSync[],
  pods: readonly (readonly PodView[])[],
): readonly Decided[] => {
  const flags = { syncPeriodMicros, downscaleStabilizationSeconds, tolerance };
  // Of an object that was just created: its status is empty.
  const hpa = new HorizontalPodAutoscaler(spec, flags, { desiredReplicas: 0 });
  const start = syncs[0]?.at ?? 0;
  return syncs.map((sync, i) => {
    const now = (sync.at - start) as SimTime;
    const { scale } = sync;
    const view = scale && {
      specReplicas: scale.spec,
      statusReplicas: scale.status,
      pods: pods[i] ?? [],
      selector: scale.selector,
    };
    let wrote: number | undefined;
    const write = (replicas: number) => {
      wrote = replicas;
      return "written" as const;
    };
    const decision = hpa.reconcile(now, { read: () => view, write }, metricsOf(sync, now));
    const { desiredReplicas, conditions } = decision;
    return {
      wrote,
      status: decision.statusChanged ? { desiredReplicas, conditions: conditionsOf(conditions) } : undefined,
    };
  });
};

const conditionsOf = (all: NonNullable<HpaStatus["conditions"]>): readonly string[] =>
  all.map(({ type, status, reason }) => `${type}=${status} ${reason}`).sort();

const metricsOf = ({ queries }: RecordedSync, now: SimTime): MetricsApi => {
  const answered = (metric: string): readonly MetricElement[] | undefined =>
    queries.find((query) => query.metric === metric)?.elements;
  const valueOf = ({ value }: MetricElement): MetricValue => {
    const milli = quantityMilli(value);
    if (!milli.ok) throw new Error(`no quantity: ${value}`);
    return { valueMilli: milli.value, at: now, windowSeconds: 60 };
  };
  return {
    pods: (metric) => {
      const elements = answered(metric);
      return elements && new Map(elements.map((element) => [element.pod ?? "", valueOf(element)]));
    },
    object: (metric) => answered(metric)?.map(valueOf)[0],
    external: (metric) => answered(metric)?.map(valueOf),
  };
};
