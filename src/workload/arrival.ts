import { kindOf } from "../model/plugin.ts";
import type { Rng } from "../sim/rng.ts";

/**
 * A renewal process of rate 1: lengths between arrivals, in mean gaps. The rate and how it changes come in by
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

export const arrivalProcess = kindOf<{ readonly rng: Rng }, ArrivalProcess>();
