/** Prometheus' query language over series in memory. */

export type { Annotation } from "./annotations.ts";
export type { Answer, QueryValue, SeriesPoints, VectorSample } from "./answer.ts";
export type { Expr } from "./ast.ts";
export { typeOf } from "./check.ts";
export { parseDurationMs } from "./durations.ts";
export { ALL_FEATURES, type Features, PLAIN } from "./features.ts";
export { Labels } from "./labels.ts";
export { type MetricNames, metricNames, selectorsOf } from "./metric-names.ts";
export { parseQuery } from "./parse.ts";
export { type Prepared, type PreparedQuery, prepare, type QueryOptions } from "./query.ts";
export { type RelabelConfig, RelabelError, type Relabelling, relabelError, relabelling } from "./relabelling.ts";
export * from "./rules/index.ts";
export {
  type DiscoveryRole,
  type FoundTarget,
  isDiscoveredLabel,
  type ScrapedTarget,
  type ScrapeJob,
  sanitizedLabelName,
  scrapedTarget,
  targetLabels,
} from "./scrape-job.ts";
export type { Series } from "./series.ts";
export { metricLabels, Store, type StoreOptions } from "./store.ts";
