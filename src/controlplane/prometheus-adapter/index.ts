/** prometheus-adapter: its configuration, and the metrics APIs that it serves. */

export { type AdapterRules, readAdapterRules, sampleQuery, yieldedNames } from "./adapter-rules.ts";
export { type AdapterConfig, adapterConfig } from "./config.ts";
export { type AdapterOptions, type MetricsQuestion, PrometheusAdapter } from "./prometheus-adapter.ts";
export type { CompiledRegexp, CompileRegexp, SearchRegexp } from "./search-regexp.ts";
