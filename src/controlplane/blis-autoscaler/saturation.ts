import { compareText } from "../../model/compare-text.ts";
import type { ControllerTarget, EngineSight } from "../controller.ts";

export interface BlisThresholds {
  readonly kvCacheThreshold: number;
  readonly scaleUpThreshold: number;
  readonly scaleDownBoundary: number;
  /** What a waiting request counts as, tokens. */
  readonly avgInputTokens: number;
}

/** One variant that has a ready replica; capacities in tokens. */
export interface BlisVariant {
  readonly target: ControllerTarget;
  readonly supply: number;
  readonly demand: number;
  readonly replicas: number;
}

/** At most one of the two is above 0. */
export interface BlisAnalysis {
  /** Cheapest first. */
  readonly variants: readonly BlisVariant[];
  readonly required: number;
  readonly spare: number;
}

/**
 * Capacity and demand of one model in tokens, k2 = k1 (BLIS f90a1e3, sim/cluster/saturation_analyzer.go V2SaturationAnalyzer).
 * Without a ready replica nothing is wanted, whatever waits.
 */
export const analyseTokens = (
  sights: readonly { readonly target: ControllerTarget; readonly engines: readonly EngineSight[] }[],
  { kvCacheThreshold, scaleUpThreshold, scaleDownBoundary, avgInputTokens }: BlisThresholds,
): BlisAnalysis => {
  const variants = sights
    .map(({ target, engines }) => {
      const ready = engines.filter(({ state, kvTokens }) => state === "ready" && kvTokens > 0);
      return {
        target,
        replicas: ready.length,
        supply: sum(ready.map(({ kvTokens }) => kvTokens * kvCacheThreshold)),
        demand: sum(ready.map(({ kvTokensInUse, queued }) => kvTokensInUse + queued * avgInputTokens)),
      };
    })
    .filter(({ replicas }) => replicas > 0)
    .sort((a, b) => byCost(a.target, b.target));
  if (variants.length === 0) return { variants, required: 0, spare: 0 };
  const supply = sum(variants.map((one) => one.supply));
  const demand = sum(variants.map((one) => one.demand));
  const loading = sights.flatMap(({ engines }) => engines.filter(({ state }) => state === "loading"));
  const pendingSupply = sum(loading.map(({ kvTokens }) => kvTokens)) * kvCacheThreshold;
  const required = demand / scaleUpThreshold - (supply + pendingSupply);
  if (required > 0) return { variants, required, spare: 0 };
  const needed = demand / scaleDownBoundary;
  const largest = Math.max(...variants.map((one) => one.supply / one.replicas));
  const several = sum(variants.map(({ replicas }) => replicas)) > 1;
  const spare = several && supply > needed && supply - largest > needed ? supply - needed : 0;
  return { variants, required: 0, spare };
};

/** Ascending; ties by GPU, then its number, then name. */
export const byCost = (a: ControllerTarget, b: ControllerTarget): number =>
  a.cost - b.cost ||
  compareText(a.accelerator, b.accelerator) ||
  a.engine.tensorParallel - b.engine.tensorParallel ||
  compareText(a.name, b.name);

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
