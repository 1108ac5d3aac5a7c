import * as z from "zod";
import { durationText } from "../model/duration.ts";
import { kindOf } from "../model/plugin.ts";

/** A factor on every client's rate, over time. Instants are real numbers of microseconds since the start. */
export interface RateShape {
  /** @returns the factor from `at` on: at a jump the later one; never negative */
  factor(at: number): number;
  /** @returns the largest factor in [from, to), or just below `to`; `to` may be infinite */
  peak(from: number, to: number): number;
  /** Where it jumps or bends. After the last one it repeats itself or stays as it is. */
  readonly breaks: readonly number[];
  /**
   * Longest stretch between breaks over which five-point Gauss quadrature gives the area to better than 1 part in 10^14.
   * Infinity: it is a straight line there.
   */
  readonly smoothFor: number;
}

export const rateShape = kindOf<Record<never, never>, RateShape>();

/** Parameters that several shapes have. Shared, since the CRD has one field for all choices that name it. */
export const shapeAt = durationText.meta({ description: "When it begins, after the start of the run." });
export const shapeDuration = durationText.meta({ description: "How long it takes." });
export const rateFactor = z.number().min(0).max(1000);
export const shapeFactor = rateFactor.meta({ description: "Factor on the rate; 0 stops the traffic." });
