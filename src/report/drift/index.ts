export { DRIFT_METRICS } from "./drift-metrics.ts";
export { type Compared, compare, type Pair } from "./drift-test.ts";
export { type Drift, type DriftCause, DriftWatch } from "./drift-watch.ts";
export {
  bucketsOf,
  DRIFT_SERIES,
  type Interval,
  intervalOf,
  type Observed,
  type Reading,
  readingOf,
  type SeriesValue,
} from "./reading.ts";
