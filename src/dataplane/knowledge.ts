import type { Rng } from "../sim/rng.ts";
import type { Holders } from "./holders.ts";

/** How much of the prompt each endpoint is believed to hold, in blocks. Columns are by position. */
export interface PrefixMatch {
  readonly matched: Int32Array;
  /** The same, with a list of those who hold any; left out: any of them may. */
  readonly holders?: Holders;
  /** Blocks of the prompt that were looked up. */
  readonly total: number;
  /** Tokens. */
  readonly blockSize: number;
}

/** The same, for whoever only wants to know how many tokens that is. */
export type PrefixBelief = Pick<PrefixMatch, "matched" | "blockSize">;

/** What this request would add to an endpoint's tokens in flight. */
export interface TokenLoad {
  /** @param at position of the endpoint */
  uncachedAt(at: number): number;
  /** Whether these tokens count until the last token or until the first. */
  readonly untilEnd: boolean;
}

/** Predicted latencies. Headroom is the request's target less the prediction: below 0 the target would be missed. */
export interface LatencyForecast {
  /** False while nothing can be said of anybody. */
  readonly known: boolean;
  readonly ttftMs: Float64Array;
  readonly ttftHeadroomMs: Float64Array;
  readonly tpotHeadroomMs: Float64Array;
}

/**
 * What producers know, by a producer's name; left out: the kind's own (`approx-prefix-cache-producer`,
 * `inflight-load-producer`, `predicted-latency-producer`), as in llm-d-router v0.9, where a consumer that names nobody
 * gets these even beside a precise index.
 */
export interface Knowledge {
  prefix(producer?: string): PrefixMatch;
  /** The same, but nobody is made for it. */
  prefixIfAny(producer?: string): PrefixMatch | undefined;
  load(producer?: string): TokenLoad;
  latency(producer?: string): LatencyForecast;
}

/** What makers of plugins are handed. */
export interface PluginContext {
  /** The plugin's own. */
  readonly rng: Rng;
  readonly knowledge: Knowledge;
}
