import type { MetricFamily } from "../../model/metric-family.ts";

/** Of one series; `null`: the series has ended (a stale marker). */
export type WrittenPoint = readonly [atMillis: number, value: number | null];

/** One series of a write request. */
export interface WrittenSeries {
  /** Name, value, name, value and so on; sorted by name, none empty. */
  readonly labels: readonly string[];
  readonly type: MetricFamily["type"];
  readonly help: string;
  /** Ascending in time. */
  readonly points: readonly WrittenPoint[];
}

/** What goes into one request. Plain data, so that it crosses threads. */
export type WriteBatch = readonly WrittenSeries[];

export const samplesOf = (batch: WriteBatch): number => batch.reduce((sum, { points }) => sum + points.length, 0);
