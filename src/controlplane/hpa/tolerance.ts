import type { HpaSpec } from "./spec.ts";

/** How far the ratio of usage to target may lie from 1 without a change. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** Bounds are inside; NaN is outside. */
export const isTolerated = (ratio: number, { up, down }: Tolerance): boolean => 1 - down <= ratio && ratio <= 1 + up;

/** @param standard of the controller; holds in a direction unless the behavior gives another and its gate is on */
export const toleranceOf = (spec: HpaSpec, standard: number): Tolerance => {
  const behavior = spec.featureGates.configurableTolerance ? spec.behavior : undefined;
  return { up: behavior?.scaleUp.tolerance ?? standard, down: behavior?.scaleDown.tolerance ?? standard };
};
