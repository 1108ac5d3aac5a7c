import type { ControllerTarget } from "../controller.ts";
import { type BlisAnalysis, type BlisVariant, byCost } from "./saturation.ts";

export interface ScaleWish {
  readonly target: ControllerTarget;
  /** Never 0. */
  readonly delta: number;
}

/**
 * More on the cheapest variant, fewer on the most expensive: one wish for a model at most (BLIS f90a1e3, sim/cluster/engine.go:
 * UnlimitedEngine; with `freeGpus` GreedyEngine, which takes the cheapest that has room for all of them).
 * @param freeGpus of a variant; left out: enough of all
 */
export const wishOf = (
  { variants, required, spare }: BlisAnalysis,
  freeGpus?: (target: ControllerTarget) => number,
): ScaleWish | undefined => {
  const cheapestFirst = [...variants].sort((a, b) => byCost(a.target, b.target));
  if (required > 0) {
    const growing = cheapestFirst.map((one) => ({ target: one.target, delta: more(required, one) }));
    return growing.find(
      ({ target, delta }) => freeGpus === undefined || freeGpus(target) >= delta * target.engine.tensorParallel,
    );
  }
  const dearest = [...variants].sort((a, b) => b.target.cost - a.target.cost || byCost(a.target, b.target))[0];
  return spare > 0 && dearest !== undefined ? { target: dearest.target, delta: -fewer(spare, dearest) } : undefined;
};

const more = (required: number, { supply, replicas }: BlisVariant): number =>
  supply > 0 ? Math.max(1, Math.ceil(required / (supply / replicas))) : 1;

const fewer = (spare: number, { supply, replicas }: BlisVariant): number =>
  supply > 0 ? Math.min(replicas, Math.max(1, Math.floor(spare / (supply / replicas)))) : 1;
