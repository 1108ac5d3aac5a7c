import type { SimTime } from "../sim/time.ts";

/** What the gateway believes of a replica: as old as its last scrape, but for the counts that the gateway keeps itself. */
export interface Endpoint {
  readonly name: string;
  /** When the scraped signals were read; undefined before the first scrape. */
  readonly scrapedAt: SimTime | undefined;
  /** vllm:num_requests_waiting, as scraped. */
  readonly waiting: number;
  /** vllm:num_requests_running, as scraped. */
  readonly running: number;
  /** vllm:kv_cache_usage_perc, as scraped: 0 to 1. */
  readonly kvUsage: number;
  /** Requests that this gateway has sent there and not seen end: always fresh. */
  readonly inFlight: number;
}
