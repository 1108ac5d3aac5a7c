import type { SimTime } from "../sim/time.ts";

/** What the gateway believes of a replica: as old as its last scrape, but for the counts that the gateway keeps itself. */
export interface Endpoint {
  readonly name: string;
  /** Labels of its pod: role, rank of a topology, whatever a filter selects by. */
  readonly labels: Readonly<Record<string, string>>;
  /** When the scraped signals were read; undefined before the first scrape. */
  readonly scrapedAt: SimTime | undefined;
  /** vllm:num_requests_waiting, as scraped. */
  readonly waiting: number;
  /** vllm:num_requests_running, as scraped. */
  readonly running: number;
  /** vllm:kv_cache_usage_perc, as scraped: 0 to 1. */
  readonly kvUsage: number;
  /** vllm:cache_config_info, as scraped; undefined before the first scrape. */
  readonly cache: CacheConfig | undefined;
  /** vllm:lora_requests_info, as scraped; undefined where the engine serves no adapters. */
  readonly lora: LoraInfo | undefined;
  /** Requests that this gateway has sent there and not seen end: always fresh. */
  readonly inFlight: number;
  /** Prompt tokens of these requests, less what the gateway believed to be cached there. */
  readonly inFlightTokens: number;
}

export interface CacheConfig {
  /** Tokens. */
  readonly blockSize: number;
  readonly numGpuBlocks: number;
}

export interface LoraInfo {
  /** --max-loras */
  readonly max: number;
  readonly running: readonly string[];
  readonly waiting: readonly string[];
}
