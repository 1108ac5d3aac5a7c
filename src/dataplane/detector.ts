import type { Endpoint } from "../model/endpoint.ts";
import { kindOf } from "../model/plugin.ts";
import type { SimTime } from "../sim/time.ts";

/** Says how full a pool is by what the gateway believes of its endpoints; 1 is the set point, and more than 1 says by how much. */
export interface SaturationDetector {
  /** Whether it looks at scraped signals, and not only at the gateway's own counts. */
  readonly readsSignals: boolean;
  /** @returns at least 0, not clamped; of an empty pool 1 */
  saturation(endpoints: readonly Endpoint[], now: SimTime): number;
  /** @returns the first instant after `now` at which it says something else though no belief has changed; NEVER if there is none */
  changesAt(endpoints: readonly Endpoint[], now: SimTime): SimTime;
  /** @returns endpoints whose signals are missing or too old to be believed */
  stale(endpoints: readonly Endpoint[], now: SimTime): number;
}

export const detector = kindOf<Record<never, never>, SaturationDetector>();
