import type { SimTime } from "../sim/time.ts";

/** What the gateway may know of a request: no output length. */
export interface RequestHead {
  readonly id: number;
  readonly arrival: SimTime;
  readonly promptTokens: number;
  readonly prefix?: SharedPrefix;
  readonly session?: string;
  readonly sloClass?: string;
}

/** A request as its source made it: the head, and how many tokens it will produce. */
export interface Request extends RequestHead {
  /** At least 1. Known to the simulation; neither gateway nor engine scheduler looks at it before its time. */
  readonly outputTokens: number;
}

/**
 * The leading part of a prompt that other requests may have in common.
 * - `group`: the first `tokens` tokens are those of every request with the same key.
 * - `blocks`: ids of consecutive blocks of `blockTokens` tokens; equal leading ids = shared prefix (Mooncake: 512).
 */
export type SharedPrefix =
  | { readonly kind: "group"; readonly key: string; readonly tokens: number }
  | { readonly kind: "blocks"; readonly ids: readonly number[]; readonly blockTokens: number };

/** How a request ended. `rejected`: the engine's front end refused it; `aborted`: its pod was taken away. */
export type Outcome = "stop" | "length" | "rejected" | "aborted" | "unroutable";
