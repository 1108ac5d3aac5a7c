export { DRIFT_METRICS } from "./drift-metrics.ts";
export { type Compared, compare, type Pair, studentCdf } from "./drift-test.ts";
export { type Drift, type DriftCause, DriftWatch } from "./drift-watch.ts";
export { DRIFT_SERIES, type Reading, readingOf, type SeriesValue } from "./reading.ts";
