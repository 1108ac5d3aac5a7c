/** Prometheus' query language over series in memory. */

export type { Annotation } from "./annotations.ts";
export type { Answer, QueryValue, SeriesPoints, VectorSample } from "./answer.ts";
export { typeOf } from "./check.ts";
export { ALL_FEATURES, type Features, PLAIN } from "./features.ts";
export { Labels } from "./labels.ts";
export { type MetricNames, metricNames } from "./metric-names.ts";
export { parseQuery } from "./parse.ts";
export { type Prepared, type PreparedQuery, prepare, type QueryOptions } from "./query.ts";
export type { Series } from "./series.ts";
export { metricLabels, Store, type StoreOptions } from "./store.ts";
