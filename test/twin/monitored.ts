import type { MetricFamily } from "../../src/model/metric-family.ts";
import { Monitoring } from "../../src/twin/monitoring.ts";

export const monitoringOf = (queries: readonly string[], { scrapeSeconds = 15 } = {}): Monitoring =>
  new Monitoring({ scrapeIntervalMicros: scrapeSeconds * 1e6, lookBackMicros: 300e6 }, queries);

/** A page with one gauge. */
export const gaugePage = (
  name: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): readonly MetricFamily[] => [{ name, type: "gauge", help: "", samples: [{ labels, value }] }];
