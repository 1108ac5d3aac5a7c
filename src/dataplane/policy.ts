import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { RequestHead } from "../model/request.ts";
import type { Rng } from "../sim/rng.ts";

/** Picks a replica for a request by what the gateway believes. Never sees the truth inside a replica. */
export interface RoutingPolicy {
  /** Whether it looks at scraped signals; one that doesn't spares the world the gateway's scrapes. */
  readonly readsSignals: boolean;
  /** @param endpoints at least one, in a stable order @returns index of the one picked */
  pick(request: RequestHead, endpoints: readonly Endpoint[]): number;
}

export const routingPolicy = kindOf<{ readonly rng: Rng }, RoutingPolicy>();
