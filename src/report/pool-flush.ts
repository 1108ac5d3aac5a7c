import type { Moments, PoolGauges } from "./world-view.ts";

/** What the endpoint picker knows of an endpoint whose metrics are fresh. */
export interface FreshEndpoint {
  readonly waiting: number;
  readonly running: number;
  readonly kvUsage: number;
}

/** How often gauges of the pool are flushed: --refresh-prometheus-metrics-interval of the endpoint picker. */
export const FLUSH_SECONDS = 5;

/**
 * Gauges of a pool after one more flush: without fresh endpoints only their number changes, the rest stays as it was.
 * Source: refreshPrometheusMetrics, pkg/epp/datalayer/logger/logger.go, llm-d-router@ebab6879.
 */
export const flushed = (before: PoolGauges | undefined, fresh: readonly FreshEndpoint[]): PoolGauges => {
  const ready = fresh.length;
  if (ready === 0) {
    return { ready, kvUsage: before?.kvUsage, waiting: before?.waiting, running: before?.running };
  }
  return {
    ready,
    kvUsage: moments(fresh.map(({ kvUsage }) => kvUsage)),
    waiting: moments(fresh.map(({ waiting }) => waiting)),
    running: moments(fresh.map(({ running }) => running)),
  };
};

const moments = (values: readonly number[]): Moments => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  // The deviation is taken from the mean before it is rounded.
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean: round2(mean), deviation: round2(Math.sqrt(squares / Math.max(1, values.length - 1))) };
};

/** Go's math.Round: halves away from zero; nothing here is negative. */
const round2 = (value: number): number => Math.round(value * 100) / 100;
