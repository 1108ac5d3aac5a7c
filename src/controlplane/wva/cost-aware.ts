import type { TokenAnalysis, VariantCapacity } from "./saturation-tokens.ts";
import type { VariantState } from "./variant.ts";

/**
 * Least cost: more where a token of capacity is cheapest, up to each variant's maximum; fewer where a replica is dearest, down
 * to its minimum, and not the last replica of the cheapest where no other is left (llm-d WVA, main of mid-2026, internal/engines/pipeline
 * CostAwareOptimizer: costAwareScaleUp, scaleDownVariantSet). That main also accounts for prefill and decode apart, which is
 * not modelled.
 * @returns what is wanted of each variant
 */
export const costAware = (analysis: TokenAnalysis, states: readonly VariantState[]): ReadonlyMap<string, number> => {
  const wanted = new Map(states.map(({ target, current }) => [target.name, current]));
  if (analysis.required > 0) scaleUp(analysis, wanted);
  else if (analysis.spare > 0) scaleDown(analysis.variants, analysis.spare, wanted);
  return wanted;
};

const scaleUp = ({ variants, required }: TokenAnalysis, wanted: Map<string, number>): void => {
  let rest = required;
  const cheapestFirst = variants.filter(({ perReplica }) => perReplica > 0).sort((a, b) => costOf(a) - costOf(b));
  for (const { target, perReplica } of cheapestFirst) {
    if (rest <= 0) return;
    const has = wanted.get(target.name) as number;
    const room = (target.maxReplicas ?? Number.POSITIVE_INFINITY) - has;
    const more = Math.min(Math.ceil(rest / perReplica), room);
    if (more <= 0) continue;
    wanted.set(target.name, has + more);
    rest -= more * perReplica;
  }
};

const scaleDown = (variants: readonly VariantCapacity[], spare: number, wanted: Map<string, number>): void => {
  let rest = spare;
  const dearestFirst = [...variants].sort((a, b) => b.target.cost - a.target.cost || a.perReplica - b.perReplica);
  for (const [index, { target, perReplica }] of dearestFirst.entries()) {
    if (rest <= 0) return;
    if (perReplica <= 0) continue;
    const has = wanted.get(target.name) as number;
    let fewer = Math.min(Math.floor(rest / perReplica), has - (target.minReplicas ?? 0));
    const isLastOne =
      index === dearestFirst.length - 1 &&
      has - fewer < 1 &&
      !dearestFirst.slice(0, index).some((other) => (wanted.get(other.target.name) as number) > 0);
    if (isLastOne) fewer = has - 1;
    if (fewer <= 0) continue;
    wanted.set(target.name, has - fewer);
    rest -= fewer * perReplica;
  }
};

const costOf = ({ target, perReplica }: VariantCapacity): number => target.cost / perReplica;
