import type { Endpoint } from "../model/endpoint.ts";

/**
 * What `core-metrics-extractor` (llm-d-router v0.9) may put under a name of one's own, by the metric that it is read
 * from: whoever reads a configuration puts the metric in the place of the name.
 */
const ATTRIBUTES: Readonly<Record<string, (endpoint: Endpoint) => number>> = {
  "vllm:num_requests_waiting": ({ waiting }) => waiting,
  "vllm:num_requests_running": ({ running }) => running,
  "vllm:kv_cache_usage_perc": ({ kvUsage }) => kvUsage,
};

/** @returns what was last scraped; undefined before the first scrape and for what the gateway does not scrape */
export const attributeOf = (endpoint: Endpoint, name: string): number | undefined =>
  endpoint.scrapedAt === undefined ? undefined : ATTRIBUTES[name]?.(endpoint);
