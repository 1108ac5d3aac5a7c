import type { TriggerSpec } from "./spec.ts";

/** Which series of a metric are meant. */
export interface PublishedKey {
  /** The trigger's name, else its scaler's type in KEDA's source. */
  readonly scaler: string;
  readonly triggerIndex: number;
  readonly metric: string;
}

/** What KEDA's operator shows of one metric; what it has not measured yet is left out. */
export interface PublishedMetric extends PublishedKey {
  value?: number;
  active?: boolean;
  /** What its HPA was told: a poll counts none here (its error is overwritten before it is counted). */
  errors?: number;
}

/** Queries that found nothing. */
export interface PublishedEmpty {
  readonly triggerName: string;
  readonly metric: string;
  readonly ignoreNullValues: boolean;
  count: number;
}

/**
 * What KEDA's operator shows of one ScaledObject on its page of metrics. A gauge stays as it was set last.
 * Source: pkg/metricscollector/prommetrics.go and its calls in pkg/scaling/scale_handler.go, kedacore/keda v2.21.
 */
export class PublishedMetrics {
  readonly #metrics = new Map<string, PublishedMetric>();
  readonly #empty = new Map<string, PublishedEmpty>();
  #errors: number | undefined;

  get metrics(): readonly PublishedMetric[] {
    return [...this.#metrics.values()];
  }

  get empty(): readonly PublishedEmpty[] {
    return [...this.#empty.values()];
  }

  /** undefined: nobody has asked its triggers yet. */
  get errors(): number | undefined {
    return this.#errors;
  }

  /** @param thousandths of the value, after the fallback had its say */
  measured(key: PublishedKey, thousandths: bigint): void {
    this.#of(key).value = Number(thousandths) / 1000;
  }

  activity(key: PublishedKey, active: boolean): void {
    this.#of(key).active = active;
  }

  /** Counts a failed measurement; one that was had begins the count. */
  counted(key: PublishedKey, failed: boolean): void {
    const metric = this.#of(key);
    metric.errors = (metric.errors ?? 0) + Number(failed);
  }

  /** Likewise of the object. */
  objectCounted(failed: boolean): void {
    this.#errors = (this.#errors ?? 0) + Number(failed);
  }

  /** @param times KEDA asks once more after an error */
  foundNothing(triggerName: string, metric: string, ignoreNullValues: boolean, times: number): void {
    const key = `${triggerName} ${metric}`;
    const known = this.#empty.get(key) ?? { triggerName, metric, ignoreNullValues, count: 0 };
    known.count += times;
    this.#empty.set(key, known);
  }

  #of({ scaler, triggerIndex, metric }: PublishedKey): PublishedMetric {
    const key = `${triggerIndex} ${scaler} ${metric}`;
    const known = this.#metrics.get(key) ?? { scaler, triggerIndex, metric };
    this.#metrics.set(key, known);
    return known;
  }
}

/** Types of scalers in KEDA's source, which are their names where a trigger has none. */
const SCALERS: Readonly<Record<string, string>> = {
  prometheus: "prometheusScaler",
  cron: "cronScaler",
  cpu: "cpuMemoryScaler",
  memory: "cpuMemoryScaler",
};

/** Of types that are not simulated the trigger's own type stands for it. */
export const scalerNameOf = ({ name, type }: TriggerSpec): string => name ?? SCALERS[type] ?? type;
