import type { Scenario } from "./scenario.ts";

/** Unix seconds of a world's start: of a window that is run again, else as it was said; undefined: it goes by its own clock. */
export const startOf = ({ startUnixSeconds, metrics }: Scenario): number | undefined =>
  startUnixSeconds ?? metrics.startUnixSeconds;

/** What gives a world a date. */
export const DATED_BY = 'use mode: Replay, or set spec.overrides.autoscaler.startTime, such as "2026-01-05T08:00:00Z"';
