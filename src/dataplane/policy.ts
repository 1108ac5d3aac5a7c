import * as z from "zod";
import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rng } from "../sim/rng.ts";
import type { SimTime } from "../sim/time.ts";
import type { PrefixBelief } from "./knowledge.ts";
import type { KvEvent } from "./kv-event.ts";

/** Picks a replica for a request by what the gateway believes. Never sees the truth inside a replica. */
export interface RoutingPolicy {
  /** Whether it looks at scraped signals; one that doesn't spares the world the gateway's scrapes. */
  readonly readsSignals: boolean;
  /** What it took each endpoint to hold of the request that it was asked about last; left out: it has no opinion. */
  readonly cached?: PrefixBelief;
  /** @param endpoints at least one, in a stable order @returns index of the one picked, which gets the request */
  pick(request: RequestHead, endpoints: readonly Endpoint[], now: SimTime): number;
  /**
   * Only where prompts are computed apart, and asked instead of `pick` then. @returns indices of who computes the prompt and
   * who makes the tokens; undefined: one of them is missing (HTTP 503)
   */
  pair?(
    request: RequestHead,
    endpoints: readonly Endpoint[],
    now: SimTime,
  ): { readonly prefill: number; readonly decode: number } | undefined;
  /** The first token of the request with this id came back. */
  firstToken?(id: number, now: SimTime): void;
  /** That request ended, whatever its outcome. */
  ended?(id: number, now: SimTime): void;
  /** No requests go to this endpoint any more. */
  left?(name: string): void;
  observeKv?(event: KvEvent): void;
}

export const routingPolicy = kindOf<{ readonly rng: Rng }, RoutingPolicy>();

/** Parameter of policies that go by KV events. */
export const kvBlockTokens = () =>
  z.int().min(1).max(1_000_000).default(16).meta({ description: "Tokens per block, as the engine's." });

/** @returns index of the least value; ties uniformly at random, with a draw only where there is one */
export const leastOf = (
  endpoints: readonly Endpoint[],
  rng: Rng,
  valueOf: (endpoint: Endpoint, index: number) => number,
): number => {
  let least = Number.POSITIVE_INFINITY;
  let ties = 0;
  for (let index = 0; index < endpoints.length; index += 1) {
    const value = valueOf(endpoints[index] as Endpoint, index);
    if (value < least) [least, ties] = [value, 1];
    else if (value === least) ties += 1;
  }
  let passed = ties > 1 ? rng.below(ties) : 0;
  return endpoints.findIndex((endpoint, index) => valueOf(endpoint, index) === least && passed-- === 0);
};
