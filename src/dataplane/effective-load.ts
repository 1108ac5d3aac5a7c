import type { Endpoint } from "../model/endpoint.ts";

/**
 * Waiting and running as last scraped, and in flight by the gateway's own count (BLIS, inference-sim@f90a1e3a:
 * `RoutingSnapshot.EffectiveLoad`). A request that a scrape has seen counts twice, there as here.
 */
export const effectiveLoad = ({ waiting, running, inFlight }: Endpoint): number => waiting + running + inFlight;
