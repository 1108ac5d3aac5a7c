import { kindOf } from "../model/plugin.ts";
import type { Rng } from "../sim/rng.ts";

/**
 * A stationary process of rate 1: lengths between arrivals, in mean gaps. The rate and how it changes come in by
 * stretching time (`RateCurve`), so the coefficient of variation holds at any rate.
 */
export interface ArrivalProcess {
  /**
   * From an arbitrary instant to the first arrival: the process has run for ever when the world starts, so that the
   * expected count is rate x time from the first microsecond on (Cox, "Renewal Theory", 1962, 5.2). Drawn once.
   */
  first(): number;
  /** From one arrival to the next; its mean is 1. */
  gap(): number;
}

/** What a process is made of: chance, and how many mean gaps a second has, for those that know lengths of time. */
export interface ArrivalParts {
  readonly rng: Rng;
  readonly ratePerSecond: number;
}

export const arrivalProcess = kindOf<ArrivalParts, ArrivalProcess>();
