import type { Micros, SimTime } from "../sim/time.ts";

/** What the gateway may know of a request: no output length. */
export interface RequestHead {
  readonly id: number;
  readonly arrival: SimTime;
  readonly promptTokens: number;
  readonly prefix?: SharedPrefix;
  readonly session?: string;
  /** Number of its round in its session, from 0; left out: 0. */
  readonly round?: number;
  /**
   * Names all tokens after the shared prefix, those of the output too: a request goes on where an earlier one of the
   * same conversation ended, so that it finds the blocks of its prompt and its output.
   */
  readonly conversation?: string;
  /** Most output tokens that the client asked for; left out: up to the end of the context. */
  readonly maxTokens?: number;
  /** When the client hangs up. */
  readonly deadline?: SimTime;
  /** In the engine: lower is more urgent, as in vLLM; left out: 0. What the gateway goes by is its class. */
  readonly priority?: number;
  /** LoRA adapter. */
  readonly adapter?: string;
  /** Keeps the prefix cache of one tenant from others (vLLM `cache_salt`). */
  readonly cacheSalt?: string;
  /** Images and the like within the prompt, in order. */
  readonly encoderItems?: readonly EncoderItem[];
  /** Its class at the gateway (an InferenceObjective): says its priority there and whether it may be shed. */
  readonly sloClass?: string;
  /** Targets that its client names (header `x-llm-d-slo-ttft-ms` and its like). */
  readonly sloTtft?: Micros;
  readonly sloTpot?: Micros;
  /** Who sent it, for whom, and the model that was asked for, where the traffic says so. */
  readonly client?: string;
  readonly tenant?: string;
  readonly model?: string;
}

/** A request as its source made it: the head, and how many tokens it will produce. */
export interface Request extends RequestHead {
  /** At least 1. Known to the simulation; neither gateway nor engine scheduler looks at it before its time. */
  readonly outputTokens: number;
  /** Which try of its client's this is: 2 for a first retry. Left out: the first. Retries are counted apart from requests. */
  readonly attempt?: number;
  /** The way between client and server. Left out: it takes no time, and the request was sent when it arrived. */
  readonly path?: ClientPath;
}

/** What lies between a client and the server. `arrival` is the server's; what the client sees is `clientView`. */
export interface ClientPath {
  readonly sent: SimTime;
  /** Half of the round-trip time. */
  readonly halfTripMicros: number;
  /** Per token, up and down: 4 bytes over the bandwidth. */
  readonly tokenMicros: number;
}

/** What an encoder turns into `tokens` embeddings at `offset` of the prompt; items of the same id are encoded once. */
export interface EncoderItem {
  readonly offset: number;
  readonly tokens: number;
  readonly id?: string;
}

/**
 * The leading part of a prompt that other requests may have in common.
 * - `group`: the first `tokens` tokens are those of every request with the same key.
 * - `blocks`: ids of consecutive blocks of `blockTokens` tokens; equal leading ids = shared prefix (Mooncake: 512).
 */
export type SharedPrefix =
  | { readonly kind: "group"; readonly key: string; readonly tokens: number }
  | { readonly kind: "blocks"; readonly ids: readonly number[]; readonly blockTokens: number };

/**
 * How a request ended. `rejected`: the engine's front end refused it; `overloaded`: its queue was full (HTTP 503);
 * `timed-out`: its client hung up at the deadline; `aborted`: its pod was taken away, or somebody gave it up; `failed`:
 * its KV didn't arrive from the engine that computed it (HTTP 500); `unroutable`: no replica was there for it (HTTP 503);
 * `shed`: the gateway refused it, or its queue was full (HTTP 429, 503 with an empty pool); `expired`: it waited in the
 * gateway's queue for longer than it may (HTTP 429, or 503).
 */
export type Outcome =
  | "stop"
  | "length"
  | "rejected"
  | "overloaded"
  | "timed-out"
  | "aborted"
  | "failed"
  | "unroutable"
  | "shed"
  | "expired";
